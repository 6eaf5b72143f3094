"""What the list says of each session, in as many columns as there is room for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from rich.style import Style
from rich.text import Text

from ...status.shown_rows import Row
from ...system import terminal
from .. import details

STYLES = {  # by class of attention: the colours of the terminal itself, light or dark
    "waiting": "bold yellow", "failed": "bold red", "finished": "bold green", "working": "cyan", "idle": "",
    "stopped": "dim",
}  # fmt: skip
_GLYPHS = {"waiting": "●", "failed": "✗", "finished": "✓", "working": "◐", "idle": "○", "stopped": "·"}
_LETTERS = {"waiting": "!", "failed": "x", "finished": "+", "working": "*", "idle": "o", "stopped": "-"}
_STATES = {"running": "green", "partial": "yellow", "stopped": "dim", "adding": "cyan", "removing": "cyan"}
_REVIEWS = {"approved": (" ok", "green"), "changes requested": (" changes", "yellow")}
_CHECKS = {"passed": (" ✓", "green"), "failed": (" ✗", "bold red"), "running": (" …", "cyan")}
_OLD = Style(dim=True, meta={"old": True})  # of what an earlier dashboard showed
_UNKNOWN = "…"
_LONGEST = 32  # columns of a name
_GAP = 2
_LEFT_OUT = (
    "branch",
    "age",
    "component",
    "containers",
    "pr",
    "ports",
    "state",
    "git",
)  # in this order, in a narrow list
_FLEXIBLE = 14  # columns that are worth saying in words what a conversation is about


class Table(NamedTuple):
    """The lines of the list: its headings, one line for each row, and how wide each column had to be so far."""

    headings: Text
    lines: list[Text]
    widest: Mapping[str, int] = {}


def glyph(attention: str) -> str:
    """Return the sign of a class of attention, which says it without colours."""
    return (_GLYPHS if terminal.encodable_text(_GLYPHS["waiting"]) == _GLYPHS["waiting"] else _LETTERS)[attention]


def format_rows(
    rows: Sequence[Row], width: int, marks: frozenset[tuple[str, str]] = frozenset(), widest: Mapping[str, int] = {}
) -> Table:
    """Return *rows* as lines of at most *width* columns; those in *marks* begin with a sign.

    No column is narrower than in *widest*: what shrinks in one row moves nothing in the others.
    """
    columns = {title: [_shown(row, title) for row in rows] for title in _CELLS}
    if all(row.session.branch == row.session.name for row in rows):
        del columns["branch"]
    titles = [title for title in columns if title in (*_ALWAYS, *widest) or any(each.plain for each in columns[title])]
    room = width - 3
    widest = {title: max([len(title), widest.get(title, 0), *(each.cell_len for each in columns[title])])
              for title in titles}  # fmt: skip
    widths = _widths(widest, room)
    spare = room - _total(widths) - _GAP
    heading = Text("   " + (" " * _GAP).join(f"{title:<{wide}}" for title, wide in widths.items()), "dim")
    lines = []
    for place, row in enumerate(rows):
        line = Text(end="").append("▌" if row.key in marks else " ", "bold magenta")
        line.append(f"{glyph(row.attention)} ", STYLES[row.attention])
        for title, wide in widths.items():
            line.append_text(_fitted(columns[title][place], wide))
            line.append(" " * _GAP)
        if spare >= _FLEXIBLE:
            what = _remembered(row, _WHAT) or Text(_what(row), "dim")
            line.append(terminal.shorten_text(what.plain, spare), what.style)
        lines.append(line)
    return Table(heading, lines, widest)


def plain_cells(row: Row) -> dict[str, str]:
    """Return what is said of *row* without colours, for a dashboard that starts later."""
    cells = {title: _CELLS[title](row).plain for title in _WAITED_FOR if title in _CELLS}
    return {**cells, "claude": claude_words(row)[0], "conflicts": _conflict_count(row), _WHAT: _what(row)}


def _shown(row: Row, title: str) -> Text:
    """Return what a column says of *row*: what an earlier dashboard showed, dim, until it is known."""
    return _remembered(row, title) or _CELLS[title](row)


def _remembered(row: Row, title: str) -> Text | None:
    is_old = _WAITED_FOR.get(title) in row.pending and not (title in _ENDED and row.attention == "stopped")
    text = row.last.cells.get(title, "") if row.last is not None and is_old else ""
    return Text(terminal.one_line(text), _OLD) if text.strip() else None


def is_old(style: Style | None) -> bool:
    """Return whether *style* is that of what an earlier dashboard showed."""
    return style is not None and "old" in style.meta


def _widths(widest: Mapping[str, int], room: int) -> dict[str, int]:
    """Return the columns for which there is *room*, each with its width."""
    widths = {**widest, "name": min(widest["name"], _LONGEST)}
    for title in _LEFT_OUT:
        if _total(widths) <= room:
            break
        widths.pop(title, None)
    if (excess := _total(widths) - room) > 0:
        widths["name"] = max(widths["name"] - excess, 8)
    return widths


def _total(widths: dict[str, int]) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1)


def _fitted(cell: Text, width: int) -> Text:
    cell = cell.copy()
    if cell.cell_len > width:
        cell = Text(terminal.shorten_middle(cell.plain, width), cell.style)
    cell.append(" " * max(width - cell.cell_len, 0))
    return cell


def _name(row: Row) -> Text:
    return Text(terminal.one_line(row.session.name), STYLES[row.attention] if row.attention != "idle" else "")


def claude_words(row: Row) -> tuple[str, str]:
    """Return what a conversation does in a word, and for how long."""
    talk = row.status.talk
    if "claude" in row.pending:
        return _UNKNOWN, ""
    if row.attention == "waiting" and talk.state == "unknown":
        return "trust?", ""
    word = {"unknown": talk.reason or "unknown", "background": "background"}.get(talk.state, talk.state)
    if row.attention == "finished":
        word = "finished"
    age = details.format_age(datetime.fromisoformat(talk.since)) if talk.since else ""
    return word, age


def _claude(row: Row) -> Text:
    word, age = claude_words(row)
    style = "dim" if word in ("off", _UNKNOWN) else STYLES[row.attention]
    if row.status.talk.state == "idle" and row.attention != "finished":
        style = ""
    text = Text(word, style)
    if age:
        text.append(f" {age}", "dim")
    if row.status.talk.tasks:
        text.append(f" +{row.status.talk.tasks}", "cyan")
    return text


def _state(row: Row) -> Text:
    status = row.status
    if "ports" in row.pending and status.state != "stopped":
        return Text(_UNKNOWN, "dim")
    if status.silence:
        return Text(f"{status.state} ?", "yellow")
    text = Text(status.state, _STATES.get(status.state, "bold red"))
    if status.session.setup_failed:
        text.append(" setup!", "bold red")
    return text


def _git(row: Row) -> Text:
    status = row.status
    if "git" in row.pending:
        return Text(_UNKNOWN, "dim")
    if status.work is None:
        return Text("no answer" if status.silence else "unreadable" if status.look.admin_dir else "gone", "red")
    text = Text()
    if row.operation:
        text.append(f"{row.operation} ", "bold red")
    elif row.other_head:
        text.append(f"on {row.other_head} ", "yellow")
    count = len(status.work.changed) + len(status.work.untracked)
    parts = ((f"±{count}", count, "yellow"), (f"↑{status.ahead}", status.ahead, "green"),
             (f"↓{status.behind}", status.behind, "magenta"))  # fmt: skip
    for words, number, style in parts:
        if number:
            text.append(f"{words} ", style)
    text.append_text(_remembered(row, "conflicts") or Text(_conflict_count(row), "bold red"))
    if status.outside:
        text.append(f"⊄{len(status.outside)} ", "yellow")
    if status.merged:
        text.append("merged ", "dim")
    text.rstrip()
    return text if text.plain else Text("clean", "dim")


def _conflict_count(row: Row) -> str:
    count = sum(each.kind == "conflict" for each in row.status.conflicts)
    return f"≠{count} " if count else ""


def _ports(row: Row) -> Text:
    text, status = Text(), row.status
    for port in row.session.ports.values():
        text.append(" " if text.plain else "")
        if "ports" in row.pending:
            text.append(str(port), "dim")
        elif port in status.foreign or port in status.displaced:
            text.append(f"{port}!", "bold red")
        else:
            is_up = port in status.answering
            text.append(f"{port}{'' if is_up else '-'}", "green" if is_up else "dim")
    return text


def _age(row: Row) -> Text:
    at = row.session.created
    return Text(details.format_age(datetime.fromisoformat(at)) if at else "", "dim")


def _component(row: Row) -> Text:
    return Text(row.session.component, "magenta")


def _request(row: Row) -> Text:
    """Return the number of its pull request, in the colour of what it waits for."""
    request = row.status.request
    if request is None:
        return Text()
    is_open = request.state == "open"
    text = Text(f"#{request.number}", "dim" if request.draft or not is_open else "")
    if not is_open:
        return text.append(f" {request.state}", "green" if request.state == "merged" else "red")
    if request.review:
        text.append(*_REVIEWS.get(request.review, ("", "")))
    return text.append(*_CHECKS.get(request.checks, ("", "")))


def _containers(row: Row) -> Text:
    if row.session.compose is None:
        return Text()
    if row.status.services is None:
        return Text("no answer", "red")
    count = sum(each.up for each in row.status.services)
    return Text(f"{count}/{len(row.status.services)}", "green" if count == len(row.status.services) else "yellow")


def _branch(row: Row) -> Text:
    return Text(terminal.one_line(row.session.branch), "dim")


def _what(row: Row) -> str:
    """Return what a conversation asks, why it failed, or its last sentence."""
    talk = row.status.talk
    return terminal.one_line(talk.what or talk.waiting_for)


_WHAT = "what"
_WAITED_FOR = {  # by column: the part that it waits for
    "claude": "claude", _WHAT: "claude", "git": "git", "conflicts": "conflicts", "state": "ports", "ports": "ports",
    "pr": "requests",
}  # fmt: skip
_ENDED = ("claude", _WHAT, "state", "ports")  # what nobody believes of a session that is stopped now
_ALWAYS = ("name", "claude", "state", "git")
_CELLS = {
    "name": _name, "claude": _claude, "git": _git, "state": _state, "ports": _ports, "age": _age,
    "pr": _request, "component": _component, "containers": _containers, "branch": _branch,
}  # fmt: skip
