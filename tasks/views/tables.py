"""The tables of `list` and `fleet.list`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from ..errors import SessionError
from ..system import table, terminal
from . import details

if TYPE_CHECKING:
    from ..status.session_status import Status


NONE = "No sessions.\nRun: inv session.add NAME"
_LEAST = 16  # columns of a name that is shortened
_COLOURS = {  # by the beginning of a cell, in each column
    "state": {
        "running$": terminal.GREEN, "partial|adding|removing|running, ": terminal.YELLOW,
        "broken|unknown|no answer": terminal.RED,
    },
    "ports": {".*taken": terminal.RED, ".*other process": terminal.YELLOW, ".*off": terminal.YELLOW},
    "git": {".*in progress|detached|on ": terminal.YELLOW},
    "pr": {
        ".*(checks failed|closed)": terminal.RED, ".*changes requested": terminal.YELLOW,
        ".*(approved|merged|checks passed)": terminal.GREEN,
    },
    "claude": {"waiting": terminal.YELLOW, "working": terminal.BLUE, "failed": terminal.RED},
}  # fmt: skip
_LEFT_OUT = (
    "branch",
    "owner",
    "age",
    "containers",
    "component",
    "pr",
    "git",
    "ports",
)  # in this order, on a narrow terminal


def sessions_table(statuses: Sequence[Status], columns: int = 0) -> str:
    """Return the sessions as a table for people, in at most so many *columns* if it can be."""
    return fit_table(*usual_columns(statuses), columns) if statuses else NONE


def usual_columns(statuses: Sequence[Status]) -> tuple[list[str], list[list[str]]]:
    """Return the titles and rows of a table of *statuses*, with the columns that say something of one of them."""
    titles = ["name", "branch", "ports", "state", "git", "age", "claude"]
    rows = [details.status_row(each) for each in statuses]
    if all(each.session.branch == each.session.name for each in statuses):
        titles, rows = [titles[0], *titles[2:]], [[row[0], *row[2:]] for row in rows]
    if any(each.session.component for each in statuses):
        titles.append("component")
        rows = [[*row, each.component] for row, each in zip(rows, statuses, strict=True)]
    if any(each.request for each in statuses):
        titles.append("pr")
        rows = [[*row, details.format_request(each.request)] for row, each in zip(rows, statuses, strict=True)]
    if any(each.cost is not None for each in statuses):
        titles.append("cost")
        rows = [[*row, str(each.cost or "")] for row, each in zip(rows, statuses, strict=True)]
    if any(each.session.compose for each in statuses):
        titles.append("containers")
        rows = [[*row, details.format_services(each)] for row, each in zip(rows, statuses, strict=True)]
    return titles, rows


def fit_table(titles: Sequence[str], rows: Sequence[Sequence[str]], columns: int) -> str:
    """Return the *rows* as a table of at most so many *columns*, 0 for any; below it what was left out for that.

    Long names and branches are shortened before a column is left out.
    """
    places, left_out = list(range(len(titles))), [titles.index(title) for title in _LEFT_OUT if title in titles]
    absent: list[str] = []
    while True:
        cells, headings = [[row[i] for i in places] for row in rows], [titles[i] for i in places]
        text = table.format_table(cells, headings)
        if columns and (excess := _width(text) - columns) > 0:
            text = table.format_table(_shortened(headings, cells, excess), headings)
        if not columns or not left_out or _width(text) <= columns:
            return f"{text}\n(hidden: {', '.join(absent)}; widen the terminal)" if absent else text
        places.remove(left_out[0])
        absent.append(titles[left_out.pop(0)])


def _width(text: str) -> int:
    return len(text.split("\n", 2)[1])  # the line below the headings


def _shortened(titles: Sequence[str], rows: Sequence[Sequence[str]], excess: int) -> list[list[str]]:
    """Return *rows* with their names and branches cut in the middle, so that the table is narrower by *excess*."""
    cells = [list(row) for row in rows]
    for title in ("branch", "name"):
        if title in titles and excess > 0:
            place = titles.index(title)
            width = max(terminal.text_width(row[place]) for row in cells)
            room = max(width - excess, min(_LEAST, width))
            for row in cells:
                row[place] = terminal.shorten_middle(row[place], room)
            excess -= width - room
    return cells


def paint_table(text: str) -> str:
    """Return a table of sessions with what needs attention in colour; nothing where stdout shows none."""
    lines = text.split("\n")
    if len(lines) < 3 or not lines[1].startswith("--"):
        return text
    spans = [match.span() for match in re.finditer("-+", lines[1])]
    titles = [lines[0][start:end].strip() for start, end in spans]
    return "\n".join([*lines[:2], *(_painted(line, spans, titles) for line in lines[2:])])


def _painted(line: str, spans: Sequence[tuple[int, int]], titles: Sequence[str]) -> str:
    if any(east_asian_width(each) in "WF" for each in line):
        return line  # its columns are not where the headings are
    for (start, end), title in reversed([*zip(spans, titles, strict=True)]):
        cell = line[start:end].rstrip()
        colour = next((colour for words, colour in _COLOURS.get(title, {}).items() if re.match(words, cell)), None)
        if colour is not None:
            line = f"{line[:start]}{terminal.paint_answer(cell, colour)}{line[start + len(cell) :]}"
    return line


def fleet_records(answers: Mapping[str, dict[str, Any] | SessionError]) -> list[dict[str, Any]]:
    """Return each session with its host; a host that did not answer is one record with its error."""
    records: list[dict[str, Any]] = []
    for host, answer in answers.items():
        if isinstance(answer, SessionError):
            records.append({"host": host, "error": str(answer)})
        else:
            records += [{"host": host, **session} for session in answer["listed"]]
    return records


def fleet_table(answers: Mapping[str, dict[str, Any] | SessionError]) -> str:
    """Return the same for people; a host without sessions has a line as well."""
    titles, rows = _fleet_columns(answers)
    return fit_table(titles, rows, terminal.stdout_columns())


def fleet_lines(
    answers: Mapping[str, dict[str, Any] | SessionError], columns: int
) -> tuple[str, list[tuple[str, str, str]]]:
    """Return the headings of the same in so many *columns*, and its lines: host, session or empty text, and line."""
    titles, rows = _fleet_columns(answers)
    lines = fit_table(titles, rows, columns).split("\n")
    named = [(row[0], "" if row[1] == "-" else row[1]) for row in rows]
    return "\n".join(lines[:2]), [(*names, line) for names, line in zip(named, lines[2:], strict=False)]


def _fleet_columns(answers: Mapping[str, dict[str, Any] | SessionError]) -> tuple[list[str], list[list[str]]]:
    rows: list[list[str]] = []
    for host, answer in answers.items():
        if isinstance(answer, SessionError):
            lines = str(answer).removeprefix(f"{host}: ").splitlines()  # first may stand what its shell greets with
            reason = " ".join(lines[-2:] if lines[-1].startswith("Run: ") else lines[-1:])
            rows.append([host, "-", "", "", "no answer", reason, "", "", ""])
        elif not answer["listed"]:
            rows.append([host, "-", "", "", "no sessions", "", "", "", ""])
        else:
            rows += [_row(host, session, answer.get("ahead", 0.0)) for session in answer["listed"]]
    titles = ["host", "name", "branch", "ports", "state", "git", "age", "claude", "owner"]
    if not any(row[-1] for row in rows):
        return titles[:-1], [row[:-1] for row in rows]
    return titles, rows


def _row(host: str, session: Mapping[str, Any], ahead: float) -> list[str]:
    """Return the line of a *session* on *host*, whose clock is so many seconds *ahead* of ours."""
    up = session.get("answering", [])
    later = {port for each in session.get("not_started", {}).values() for port in each}
    states = ["up" if port in up else "not started" if port in later else "off" for port in session["ports"].values()]
    ports = ", ".join(f"{port} {state}" for port, state in zip(session["ports"].values(), states, strict=True))
    parts = ["changed" if session["dirty"] else "clean"]
    parts += [f"{session[way]} {way}" for way in ("ahead", "behind") if session[way]]
    since = datetime.fromisoformat(session["created"]) - timedelta(seconds=ahead) if session["created"] else None
    return [
        host, session["name"], session["branch"], ports, session["status"], ", ".join(parts),
        details.format_age(since) if since else "", session["claude"], session.get("owner", ""),
    ]  # fmt: skip
