"""What a session's windows printed, as tmux remembers it, and the shells that run there."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import SessionError
from ..model import Session
from ..system import shell
from . import tmux
from .tmux import Pane, join_commands


class Printed(NamedTuple):
    """The last lines of a window; *growing* when the last of them may be incomplete."""

    window: str
    lines: list[str]
    growing: bool


def panes_of_window(session: Session, window: str = "") -> list[Pane]:
    """Return the session's panes, or that of one *window*, given by its name or by the part before its colon.

    Raises `SessionError` when the session is not running, or has no such window.
    """
    panes = tmux.own_panes(session)
    if not panes:
        raise SessionError(f"{session.name} is not running.\nRun: inv session.start {session.name}")
    divided = {each.name for each in session.windows if each.window == window != ""}
    matches = [pane for pane in panes if window in ("", pane.window) or pane.window in divided]
    matches = matches or [pane for pane in panes if window == pane.window.partition(":")[0]]
    if not matches:
        names = ", ".join(pane.window for pane in panes)
        present = tmux.present_windows(session)
        closed = [each.name for each in present if window in (each.name, each.name.partition(":")[0])]
        hint = f"\nOpen it again: inv session.start {session.name}" if closed else ""
        raise SessionError(f'{session.name} has no window "{window}". Its windows: {names}{hint}')
    return matches


def printed_lines(panes: Sequence[Pane], lines: int) -> list[Printed]:
    """Return the last *lines* that each of *panes* printed, from one call of tmux.

    Raises `CommandError` when one of them is closed.
    """
    mark, commands = uuid.uuid4().hex, list[tuple[str, ...]]()
    for pane in panes:
        commands.append(("display-message", "-p", "-t", pane.id, f"{mark}#{{cursor_x}}"))
        commands.append(("capture-pane", "-p", "-J", "-S", f"-{lines}", "-t", pane.id))
    parts = shell.read_output(*join_commands(commands)).split(mark)[1:]
    return [_parse_printed(pane.window, part, lines) for pane, part in zip(panes, parts, strict=True)]


def _parse_printed(window: str, part: str, lines: int) -> Printed:
    cursor, *screen = part.split("\n")
    screen = [line.rstrip() for line in screen]
    while screen and not screen[-1]:
        screen.pop()
    return Printed(window, screen[-lines:] if lines else [], cursor != "0")


def added_lines(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """Return the lines of *now* that were printed after *before*, of which the first may have scrolled away.

    When the whole screen was redrawn, return the lines that were not on it.
    """
    for scrolled in range(len(before) + (not before)):
        if list(now[: len(before) - scrolled]) == list(before[scrolled:]):
            return list(now[len(before) - scrolled :])
    same = next((i for i, (old, new) in enumerate(zip(before, now, strict=False)) if old != new), 0)
    return [line for line in now[same:] if line not in before[same:]]


def without_shell(panes: Sequence[Pane]) -> list[Pane]:
    """Return those of *panes* that run no shell, as with `default-command` in tmux's configuration."""
    import psutil

    output = shell.read_output(*tmux.TMUX, "list-panes", "-a", "-F", "#{pane_id} #{pane_pid}")
    pids = dict(line.split() for line in output.splitlines())
    shellless = []
    for pane in panes:
        try:
            process = psutil.Process(int(pids[pane.id]))
            words = {process.name(), *map(os.path.basename, process.cmdline()[:2])}  # a shell may be written in Python
        except (KeyError, psutil.Error):
            continue  # it is just ending
        if not {word.lstrip("-") for word in words} & tmux.SHELLS:
            shellless.append(pane)
    return shellless


_CURSOR = "#{history_size} #{history_bytes} #{cursor_y} #{cursor_x}"
_REACTION = 1.0  # seconds; most shells print a new line at once, some nothing at all


def clear_prompts(panes: Sequence[Pane]) -> None:
    """Discard half a line, or an open quote, in each of *panes*, and wait until the shells there have reacted.

    A slow one would discard the first of the next keys as well.
    """
    ask = [("display-message", "-p", "-t", pane.id, _CURSOR) for pane in panes]
    ready = [tmux.listen_step(pane) for pane in panes]
    before = tmux.run_tmux([*ready, *ask, *(("send-keys", "-t", pane.id, "C-c") for pane in panes)]).split("\n")
    deadline = time.monotonic() + _REACTION
    while time.monotonic() < deadline:
        now = tmux.run_tmux(ask).split("\n")
        if all(was != is_ for was, is_ in zip(before, now, strict=True) if was):
            return
        time.sleep(0.005)
