"""What the live list shows: the sessions at the last look, the chosen one, and what the last key did."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .. import terminal
from ..errors import SessionError
from ..model import Session
from ..status import Status
from . import listing

HEADINGS = 2  # lines of the table before its first row
_FOOTING = 3  # lines below the table that are not logs
_ATTACHED = ("running", "partial")


@dataclass(frozen=True)
class Source:
    """Where what is shown comes from, and who acts.

    *look* returns the sessions and notes on them, *printed* what one printed in some lines; *act* performs a task on
    one by name and returns what is to be shown of that.
    """

    look: Callable[[], tuple[Sequence[Status], Sequence[str]]]
    printed: Callable[[Session, int], Sequence[str]]
    act: Callable[[str, str], str]


class View:
    """It is renewed beside the keys; a lock keeps the chosen row on the session that it was on."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._lock = threading.Lock()
        self._found: Sequence[Status] = ()
        self._notes: Sequence[str] = ()
        self.row = 0
        self._reading = False  # whether logs are shown
        self.printed: Sequence[str] = ()
        self._trouble = ""  # why the last look failed
        self.said = ""

    def renew(self) -> None:
        """Look again; the chosen session stays the chosen one, whatever came or went above it."""
        try:
            found, notes = self.source.look()
        except (SessionError, OSError) as error:
            self._trouble = str(error)
            return
        with self._lock:
            chosen = self._found[self.row].session.name if self._found else ""
            names = [each.session.name for each in found]
            row = names.index(chosen) if chosen in names else min(self.row, max(len(names) - 1, 0))
            self._found, self._notes, self.row, self._trouble = found, notes, row, ""
        self._read()

    def move(self, by: int) -> None:
        """Choose another row."""
        with self._lock:
            self.row = max(min(self.row + by, len(self._found) - 1), 0)
        self._read()

    def open(self) -> None:
        """Show logs, or no longer."""
        self._reading = not self._reading
        self._read()

    def chosen(self) -> Status | None:
        """Return the chosen one."""
        with self._lock:
            return self._found[self.row] if self._found else None

    def attachable(self) -> Session | None:
        """Return the chosen session if it can be attached to; else say why not."""
        chosen = self.chosen()
        if chosen is None or chosen.state in _ATTACHED:
            return chosen.session if chosen else None
        name = chosen.session.name
        more = "r resumes it" if chosen.state == "stopped" else f"to see what to do: inv session.show {name}"
        self.said = f"{name} is {chosen.state}; {more}"
        return None

    def _read(self) -> None:
        """Look at what the chosen session printed, for as many lines as there is room below the table."""
        chosen, taken = self.chosen(), len(self._found) + len(self._notes) + HEADINGS + _FOOTING
        lines = terminal.lines()
        try:
            room = max(lines - taken, lines // 3, 1)
            self.printed = self.source.printed(chosen.session, room) if self._reading and chosen else ()
        except SessionError as error:
            self.printed = str(error).splitlines()

    def count(self) -> int:
        """Return how many rows there are."""
        return len(self._found)

    def table(self, columns: int) -> tuple[list[str], list[str], list[str]]:
        """Return the headings, one row for each session, and what is to be said below them."""
        found = self._found
        if not found and self._trouble:
            return [], [], []
        lines = listing.table(found, columns).splitlines()
        if not found:
            return [], [], lines
        below = HEADINGS + len(found)
        return lines[:HEADINGS], lines[HEADINGS:below], [*lines[below:], *self._notes]

    def told(self) -> str:
        """Return what went wrong at the last look, or what the last key did."""
        return self._trouble or self.said
