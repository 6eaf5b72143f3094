"""What a session's windows printed, as tmux remembers it: looked at, never touched."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from .. import shell
from ..errors import SessionError
from ..model import Session
from . import adoption
from .panes import Pane, joined


@dataclass(frozen=True)
class Printed:
    """The last lines of a window; *growing* when the last of them may go on."""

    window: str
    lines: list[str]
    growing: bool


def panes_of(session: Session, window: str = "") -> list[Pane]:
    """Return the session's panes, or that of one *window*, by its name or what stands before the colon in it.

    Raises `SessionError` when it does not run, or has no such window.
    """
    found = adoption.own(session)
    if not found:
        raise SessionError(f"session {session.name} is not running; to start it: inv session.start {session.name}")
    chosen = [pane for pane in found if window in ("", pane.window)]
    chosen = chosen or [pane for pane in found if window == pane.window.partition(":")[0]]
    if not chosen:
        there = ", ".join(pane.window for pane in found)
        closed = [each.name for each in session.present_windows if window in (each.name, each.name.partition(":")[0])]
        again = f". To open it again: inv session.start {session.name}" if closed else ""
        raise SessionError(f"session {session.name} has no window {window!r}; it has: {there}{again}")
    return chosen


def of(panes: Sequence[Pane], lines: int) -> list[Printed]:
    """Return the last *lines* that each of *panes* printed: one question to tmux for all.

    Raises `CommandError` when one of them is gone.
    """
    mark, asked = uuid.uuid4().hex, list[tuple[str, ...]]()
    for pane in panes:
        asked.append(("display-message", "-p", "-t", pane.id, f"{mark}#{{cursor_x}}"))
        asked.append(("capture-pane", "-p", "-J", "-S", f"-{lines}", "-t", pane.id))
    parts = shell.read(*joined(asked)).split(mark)[1:]
    return [_printed(pane.window, part, lines) for pane, part in zip(panes, parts, strict=True)]


def _printed(window: str, part: str, lines: int) -> Printed:
    cursor, *shown = part.split("\n")
    shown = [line.rstrip() for line in shown]
    while shown and not shown[-1]:
        shown.pop()
    return Printed(window, shown[-lines:] if lines else [], cursor != "0")


def added(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """Return the lines of *now* that were printed after *before*, of which the first may have scrolled out of reach.

    Of a screen that was drawn anew these are the lines that were not on it.
    """
    for gone in range(len(before) + (not before)):
        if list(now[: len(before) - gone]) == list(before[gone:]):
            return list(now[len(before) - gone :])
    same = next((i for i, (old, new) in enumerate(zip(before, now, strict=False)) if old != new), 0)
    return [line for line in now[same:] if line not in before[same:]]
