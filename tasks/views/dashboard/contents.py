"""What each tab of the preview says about a session. These ask git, tmux and the disk: never in the screen's thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from rich.ansi import AnsiDecoder
from rich.text import Text

from ... import model
from ...claude import state as claude_state
from ...errors import SessionError, describe_error
from ...model import Session
from ...status import conflicts, next_steps, session_status, worktree_diff
from ...status.shown_rows import Row
from ...system import files, shell, table, terminal
from ...tools import tmux, tmux_output
from .. import details
from .columns import STYLES, claude_words

TABS = ("claude", "servers", "diff", "log", "conflicts", "details")
_LIVE = {"claude": 0.7, "servers": 1.0, "diff": 4.0, "log": 5.0, "conflicts": 2.0, "details": 3.0}
_COMMITS = 200
_MOST_LINES = 20_000


class Page(NamedTuple):
    """What a tab shows; *at_end*: its last lines are what matters; *wraps*: they are sentences, not a program's."""

    lines: Sequence[Text]
    at_end: bool = False
    wraps: bool = False


def pause_of(tab: str) -> float:
    """Return the seconds after which *tab* is looked at again."""
    return _LIVE[tab]


def read_page(row: Row, tab: str, rows: int) -> Page:
    """Return what *tab* says of *row*, of which *rows* lines are seen; an error is what it says then."""
    try:
        return _READERS[tab](row, rows)
    except (SessionError, OSError) as error:
        lines = [Text(line, "" if place else "yellow") for place, line in enumerate(describe_error(error).splitlines())]
        return Page(lines, wraps=True)


def _claude(row: Row, rows: int) -> Page:
    """Return the window of the conversation as it is, in its colours."""
    session = row.session
    panes = claude_state.conversation_panes(session, tmux.list_panes(session))
    if not session.converses:
        return _said("This session has no window for Claude Code.")
    if not panes:
        word = "stopped" if row.status.state == "stopped" else "not open"
        return _said(f"Claude's window is {word}.", "Press r to start the session.")
    argv = (*tmux.TMUX, "capture-pane", "-p", "-e", "-S", f"-{max(rows * 3, 100)}", "-t", panes[0].id)
    return Page(_decoded(shell.read_output(*argv, check=False).rstrip()), at_end=True)


def _servers(row: Row, rows: int) -> Page:
    """Return what the servers printed last: of its containers as well."""
    session, lines = row.session, list[Text]()
    room = max(rows, 20)
    try:
        panes = _server_panes(session)
        for printed in tmux_output.printed_lines(panes, max(room // max(len(panes), 1), 5)):
            lines += [_title(printed.window), *map(Text, printed.lines), Text()]
    except SessionError as error:
        lines += [Text(each) for each in str(error).splitlines()]
    for service in row.status.services or ():
        lines.append(_title(f"container {service.name}: {service.state}"))
        lines += _container_lines(session, service.name, room // 3)
    if row.status.state == "stopped" and not row.status.services:
        return _said("The session is stopped.", "Press r to start it.")
    return Page(lines, at_end=True)


def _server_panes(session: Session) -> list[tmux.Pane]:
    panes = tmux_output.panes_of_window(session)
    servers = {each.name for each in session.windows if each.run}
    others = {each.name for each in session.windows if each.claude}
    return [pane for pane in panes if pane.window in servers] or [pane for pane in panes if pane.window not in others]


def _container_lines(session: Session, service: str, room: int) -> list[Text]:
    from ...tools import docker

    containers = [each for each in docker.session_containers(session)[0] if each.service == service]
    return [line for each in containers for line in _decoded(docker.container_log(each, room))]


def _diff(row: Row, _rows: int) -> Page:
    """Return everything since the merge base, with what git doesn't track yet."""
    session = row.session
    with worktree_diff.open_diff(session.repository, session) as diff:
        text = worktree_diff.diff_text(diff, "--color=always", "--stat", "--patch")
        skipped = [Text(f"{path} is a repository of its own: not compared", "yellow") for path in diff.skipped]
    return Page([*skipped, *_decoded(text)]) if text else _said(f"No changes since it left {diff.base}.")


def _log(row: Row, _rows: int) -> Page:
    """Return the commits of the branch, those of its own first, and where it began."""
    session = row.session
    form = "--format=%C(yellow)%h%C(reset) %s %C(dim)(%an, %cr)%C(reset)%C(auto)%d"
    words = ("log", "--color=always", f"--max-count={_COMMITS}", "--no-show-signature", form)
    place = ("git", "-C", str(session.repository.main))
    branch, tip = f"refs/heads/{session.branch}", row.status.look.tip
    own = shell.read_output(*place, *words, branch, *([f"^{tip}"] if tip else []), "--", check=False)
    older = shell.read_output(*place, *words[:2], "--max-count=15", *words[3:], tip, "--", check=False) if tip else ""
    mine = _decoded(own) if own.strip() else [Text("no commits of its own", "dim")]
    return Page([_title(f"{session.branch}"), *mine, Text(), _title(session.base or "HEAD"), *_decoded(older)])


def _conflicts(row: Row, _rows: int) -> Page:
    """Return what git can't merge, and who else changed the same files."""
    status, lines = row.status, list[Text]()
    if "conflicts" in row.pending:
        return _said("Trying merges …")
    for each in (*conflicts.begun_operations(status.look), *status.conflicts):
        style = "bold red" if each.kind == "conflict" else "yellow"
        first, *rest = conflicts.describe_conflict(each).splitlines()
        lines += [Text(first, style), *map(Text, rest)]
        lines += [Text(f"    {terminal.file_name(file)}", "dim") for file in each.files] + [Text()]
    if not status.tried:
        lines.append(Text("Too many merges to try here. Run: inv session.conflicts", "dim"))
    return Page(lines, wraps=True) if lines else _said("No conflicts with other sessions or its base.")


def _details(row: Row, _rows: int) -> Page:
    """Return everything that is known of it, its addresses as links."""
    status = session_status.with_memory(session_status.with_cost(row.status))
    session, word = row.session, " ".join(claude_words(row)).strip()
    lines = [_fact("name", session.name, STYLES[row.attention]), _fact("state", status.state), _fact("claude", word)]
    if status.talk.what:
        lines.append(_fact("said", terminal.one_line(status.talk.what), "italic"))
    for key, url in model.list_addresses(session, tmux.present_windows(session)):
        port = int(url.rpartition(":")[2])
        fact = status.foreign.get(port) or status.displaced.get(port) or details.describe_port(status, port)
        style = "green" if fact == "up" else "dim" if fact in ("off", "not started") else "red"
        address = Text(url, f"underline link {url}" if url.startswith("http") else "")
        lines.append(_fact(key, "").append_text(address).append(f"  {fact}", style))
    lines += [_fact(f"  {each.name}", " ".join((each.state, *each.urls))) for each in status.services or ()]
    if status.request is not None:
        url = status.request.url
        link = Text(url, f"underline link {url}" if url.startswith("http") else "")
        lines.append(_fact("pull request", f"{details.format_request(status.request)}  ").append_text(link))
    lines += [_fact(what, value) for what, value in _facts(status) if value]
    steps = next_steps.next_steps(status)
    lines += [Text(), *(_fact("next", command, "bold").append(f"  ({why})", "dim") for why, command in steps)]
    return Page(lines, wraps=True)


def _facts(status: session_status.Status) -> list[tuple[str, str]]:
    """Return what is said of it in words."""
    session, at = status.session, status.session.created
    created = f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M} ({details.format_age(datetime.fromisoformat(at))} ago)"
    failed = "; ".join(session.setup_failed)
    packages = files.own_packages(session.repository.main, session.link)
    return [
        ("branch", session.branch),
        ("base", f"{session.base} {session.start[:12]}".strip()),
        ("worktree", terminal.home_path(str(session.worktree))),
        ("tmux", session.tmux),
        ("windows", ", ".join(window.name for window in tmux.present_windows(session))),
        ("setup", f"failed: {failed}" if failed else ", ".join(session.setup_done)),
        ("packages", ", ".join(f"its own {each}" for each in packages)),
        ("python", ", ".join(f"its own {'code' if each == '.' else each}" for each in session.python_path)),
        ("component", f"{status.component}: {', '.join(session.scope)}".rstrip(": ")),
        ("outside", ", ".join(status.outside[:10])),
        ("profile", session.profile), ("issue", session.issue), ("eta", session.eta),
        ("agent", session.agent.name or os.path.basename(session.agent.command)),
        ("conversation", session.conversation),
        ("cost", str(status.cost or "")),
        ("memory", table.format_size(status.memory) if status.memory else ""),
        ("created", created if at else ""),
    ]  # fmt: skip


def _fact(what: str, value: str, style: str = "") -> Text:
    return Text.assemble((f"{what:<13}", "dim"), (value, style))


def _title(text: str) -> Text:
    return Text(f"── {terminal.one_line(text)} ", "bold cyan")


def _said(*lines: str) -> Page:
    return Page([Text(line, "dim") for line in lines], wraps=True)


def _decoded(text: str) -> list[Text]:
    """Return the lines of *text* with the colours that it has."""
    lines = text.splitlines()
    decoded = list(AnsiDecoder().decode("\n".join(lines[:_MOST_LINES])))
    if len(lines) > _MOST_LINES:
        decoded.append(Text(f"… {len(lines) - _MOST_LINES} more lines", "dim"))
    return decoded


_READERS: dict[str, Callable[[Row, int], Page]] = {
    "claude": _claude, "servers": _servers, "diff": _diff, "log": _log, "conflicts": _conflicts, "details": _details,
}  # fmt: skip
