"""The text of a work log: our marked part of a file that people write, and the entry of each session in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import SessionError

BEGIN = "<!-- tally-sessions: begin (the status lines follow the sessions, the rest is yours) -->"
END = "<!-- tally-sessions: end -->"
_MARK = re.compile(r"\s*<!-- tally-sessions: (begin|end)\b.*-->\s*")
_ENTRY = re.compile(r"<!-- session (\S+) (\S+): (.*) -->\s*")


@dataclass(frozen=True)
class Entry:
    """A session in the log: its text *before* and *after* the status; it is known by *name* and *created*."""

    name: str
    created: str
    before: str
    after: str
    status: str

    @property
    def mark(self) -> str:
        """The line that its text follows; it tells which status we wrote."""
        return f"<!-- session {self.name} {self.created}: {self.status} -->"


def updated(text: str, entries: Sequence[Entry], dropped: tuple[str, str] | None = None) -> str:
    """Return the log *text* with *entries* in our part, without the one *dropped*, else unchanged.

    What an entry has is kept but for its status, so that people can tick and write there. Raises `SessionError` when
    the marks of our part are not as we made them.
    """
    head, part, tail = _parted(text.splitlines(keepends=True))
    newline = "\r\n" if "\r\n" in text else "\n"
    blocks = [block for block in _blocks(part[1:-1]) if _key(block) != dropped]
    for entry in entries:
        own = [block for block in blocks if _key(block) == (entry.name, entry.created)]
        for block in own:
            _set_status(block, entry, newline)
        if not own:
            whole = f"{entry.mark}\n{entry.before}{entry.status}{entry.after}\n\n"
            blocks.append(whole.replace("\n", newline).splitlines(keepends=True))
    if not part and blocks and head and not head[-1].endswith("\n"):
        head[-1] += newline
    kept = [line for block in blocks for line in block]
    first, last = (part[0], part[-1]) if part else (BEGIN + newline, END + newline)
    return "".join([*head, *([first, *kept, last] if kept else []), *tail])


def known(text: str) -> set[tuple[str, str]]:
    """Return the sessions that our part of the log *text* tells of, by name and creation."""
    _head, part, _tail = _parted(text.splitlines(keepends=True))
    return {_key([line]) for line in part} - {("", "")}


def _parted(lines: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Return what is before, in and after our part; without one, all is before."""
    marks = [(number, match[1]) for number, line in enumerate(lines) if (match := _MARK.fullmatch(line))]
    if not marks:
        return lines, [], []
    if [kind for _number, kind in marks] != ["begin", "end"]:
        raise SessionError(_edited(marks))
    (begin, _), (end, _) = marks
    return lines[:begin], lines[begin : end + 1], lines[end + 1 :]


def _edited(marks: Sequence[tuple[int, str]]) -> str:
    """Return what is wrong with the *marks*, and what puts it right."""
    begins, ends = ([str(n + 1) for n, kind in marks if kind == which] for which in ("begin", "end"))
    if not ends and len(begins) == 1:
        return f"line {begins[0]} begins the sessions' part and none ends it; put this after its last entry: {END}"
    if not begins and len(ends) == 1:
        return f"line {ends[0]} ends the sessions' part and none begins it; put this before its first entry: {BEGIN}"
    where = f"begins in {', '.join(begins) or 'no line'} and ends in {', '.join(ends) or 'no line'}"
    return f"the sessions' part {where}; leave one line that begins it and, after that, one that ends it"


def _blocks(lines: Sequence[str]) -> list[list[str]]:
    """Return the entries, each with its mark; what somebody wrote before the first is a block without."""
    blocks: list[list[str]] = []
    for line in lines:
        if not blocks or _ENTRY.fullmatch(line):
            blocks.append([])
        blocks[-1].append(line)
    return blocks


def _key(block: Sequence[str]) -> tuple[str, str]:
    match = _ENTRY.fullmatch(block[0])
    return (match[1], match[2]) if match else ("", "")


def _set_status(block: list[str], entry: Entry, newline: str) -> None:
    match = _ENTRY.fullmatch(block[0])
    if not match or match[3] == entry.status:
        return  # then a status that somebody put there in their own words stays
    prefix, suffix = entry.before.rpartition("\n")[2], entry.after.partition("\n")[0]
    bare = [line.rstrip("\r\n") for line in block]
    places = [n for n, line in enumerate(bare) if n and line == f"{prefix}{match[3]}{suffix}"]
    if prefix:
        places += [n for n, line in enumerate(bare) if n and line.startswith(prefix) and line.endswith(suffix)]
    if places:
        block[places[0]] = f"{prefix}{entry.status}{suffix}{newline}"
    block[0] = entry.mark + newline
