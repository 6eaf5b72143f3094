"""What the parts of a session printed last: its windows, or its containers."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Sequence

from ..command import answer
from ..docker import printed
from ..errors import CommandError, SessionError
from ..machine import scrollback
from ..model import Session
from ..narration import notice

_AGAIN = 0.4  # seconds between two looks
_REACH = 2000  # lines that may be printed in that time


def by(session: Session, window: str, service: str, lines: int, follow: bool) -> None:
    """Print the last *lines* of each part of *session*: its containers where it has some, else its windows.

    One *window* or *service* can be chosen. With *follow* it goes on until ^C.
    """
    if window and service:
        raise SessionError("--window and --service are two different things; choose one")
    if service or (session.compose is not None and not window):
        printed.by_containers(session, service, lines, follow)
    else:
        by_windows(session, window, lines, follow)


def by_windows(session: Session, window: str, lines: int, follow: bool) -> None:
    """Print the last *lines* of its windows, or of one of them; of several each line with the window's name."""
    panes = scrollback.panes_of(session, window)
    if follow and not window:  # a screen that is drawn anew all the time is nothing to follow
        talking = {each.name for each in session.windows if each.claude}
        panes = [pane for pane in panes if pane.window not in talking] or panes
    widest = max(len(pane.window) for pane in panes) if len(panes) > 1 else 0
    known = scrollback.of(panes, max(lines, _REACH) if follow else max(lines, 0))
    for each in known:
        _print(each.window, _ended(each, follow)[-lines:] if lines > 0 else [], widest)
    try:
        while follow:
            _pause()
            found = scrollback.of(panes, max(lines, _REACH))
            for before, now in zip(known, found, strict=True):
                _print(now.window, scrollback.added(_ended(before), _ended(now)), widest)
            known = found
    except KeyboardInterrupt:
        return
    except CommandError:
        notice(f"session {session.name}, or a window of it, was ended")


def _pause() -> None:
    """Wait until the next look; raise `BrokenPipeError` when nobody reads what is printed any more."""
    reader = select.poll()
    reader.register(sys.stdout.fileno(), 0)
    states = [state for _, state in reader.poll(_AGAIN * 1000)]
    if any(state & (select.POLLERR | select.POLLHUP) for state in states):
        raise BrokenPipeError
    if states:
        time.sleep(_AGAIN)  # macOS polls no device


def last(session: Session, room: int) -> list[str]:
    """Return what its servers printed last, in as many lines as there is *room*; without servers its shells."""
    there = scrollback.panes_of(session)
    wanted = {each.name for each in session.windows if each.run} or {each.name for each in session.windows}
    panes = [pane for pane in there if pane.window in wanted] or there
    found = scrollback.of(panes, max(room // len(panes), 1))
    widest = max(len(each.window) for each in found)
    return [f"{each.window:<{widest}} | {line}" for each in found for line in each.lines]


def _ended(shown: scrollback.Printed, follow: bool = True) -> list[str]:
    """Return its lines, when they are followed without the one that may go on."""
    return shown.lines[:-1] if follow and shown.growing else shown.lines


def _print(window: str, lines: Sequence[str], widest: int) -> None:
    if lines:
        answer("\n".join(f"{window:<{widest}} | {line}".rstrip() if widest else line for line in lines))
