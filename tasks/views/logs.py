"""What a session's containers and windows printed."""

from __future__ import annotations

import select
import subprocess
import sys
import time
from collections.abc import Sequence

from ..errors import CommandError, SessionError, quote_text
from ..model import Session
from ..system.progress import notice
from ..system.terminal import print_answer
from ..tools import docker, tmux_output

_AGAIN = 0.4  # seconds between two looks
_REACH = 2000  # lines that may be printed in that time


def print_logs(session: Session, window: str, service: str, lines: int, follow: bool) -> None:
    """Print the last *lines* of each part of *session*: its containers where it has some, else its windows.

    One *window* or *service* can be chosen. With *follow* it goes on until ^C.
    """
    if window and service:
        raise SessionError("Give --window or --service, not both.")
    if service or (session.compose is not None and not window):
        print_container_logs(session, service, lines, follow)
    else:
        print_window_logs(session, window, lines, follow)


def print_window_logs(session: Session, window: str, lines: int, follow: bool) -> None:
    """Print the last *lines* of its windows, or of one of them; of several each line with the window's name."""
    panes = tmux_output.panes_of_window(session, window)
    if follow and not window:  # a full-screen program redraws all the time, so it can't be followed
        claude_windows = {each.name for each in session.windows if each.claude}
        panes = [pane for pane in panes if pane.window not in claude_windows] or panes
    widest = max(len(pane.window) for pane in panes) if len(panes) > 1 else 0
    before = tmux_output.printed_lines(panes, max(lines, _REACH) if follow else max(lines, 0))
    for each in before:
        _print(each.window, _ended(each, follow)[-lines:] if lines > 0 else [], widest)
    try:
        while follow:
            _pause()
            after = tmux_output.printed_lines(panes, max(lines, _REACH))
            for old, new in zip(before, after, strict=True):
                _print(new.window, tmux_output.added_lines(_ended(old), _ended(new)), widest)
            before = after
    except KeyboardInterrupt:
        return
    except CommandError:
        notice(f"Session {session.name}, or a window of it, has ended.")


def _pause() -> None:
    """Wait until the next look; raise `BrokenPipeError` when the reader of our output is gone."""
    reader = select.poll()
    reader.register(sys.stdout.fileno(), 0)
    states = [state for _, state in reader.poll(_AGAIN * 1000)]
    if any(state & (select.POLLERR | select.POLLHUP) for state in states):
        raise BrokenPipeError
    if states:
        time.sleep(_AGAIN)  # macOS polls no device


def last_lines(session: Session, room: int) -> list[str]:
    """Return what its servers printed last, in as many lines as there is *room*; without servers its shells."""
    all_panes = tmux_output.panes_of_window(session)
    servers = {each.name for each in session.windows if each.run} or {each.name for each in session.windows}
    panes = [pane for pane in all_panes if pane.window in servers] or all_panes
    outputs = tmux_output.printed_lines(panes, max(room // len(panes), 1))
    widest = max(len(each.window) for each in outputs)
    return [f"{each.window:<{widest}} | {line}" for each in outputs for line in each.lines]


def _ended(output: tmux_output.Printed, follow: bool = True) -> list[str]:
    """Return its lines; with --follow without the last one, which may be incomplete."""
    return output.lines[:-1] if follow and output.growing else output.lines


def _print(window: str, lines: Sequence[str], widest: int) -> None:
    if lines:
        print_answer("\n".join(f"{window:<{widest}} | {line}".rstrip() if widest else line for line in lines))


def print_container_logs(session: Session, service: str, lines: int, follow: bool) -> None:
    """Pass on the last *lines* that each container of *session* printed, or those of one *service*.

    With *follow* it goes on until ^C. Raises `SessionError` when there is no such service, or no container at all.
    """
    compose = session.compose
    if compose is None:
        raise SessionError(f"Session {session.name} has no containers. For a window, give --window NAME.")
    services = sorted({container.service for container in docker.session_containers(session)[0]})
    if not services:
        raise SessionError(
            f"Session {session.name} has no containers now. For a window, give --window NAME.\n"
            f"Run: inv session.start {session.name}"
        )
    if service and service not in services:
        raise SessionError(
            f"Session {session.name} has no container of service {quote_text(service)}. Services: {', '.join(services)}"
        )
    words = ["logs", f"--tail={lines}", *(["--follow"] if follow else []), *([service] if service else [])]
    plain = [] if sys.stdout.isatty() else ["--no-color"]
    argv = docker.compose_command(session, compose, *words[:1], *plain, *words[1:])
    try:
        code = subprocess.run(
            argv, env=docker.compose_environment(session), stdin=subprocess.DEVNULL, check=False
        ).returncode
    except KeyboardInterrupt:
        return
    if code and not (follow and code in (130, -2)):
        raise SessionError(f"{' '.join(docker.compose_program())} logs failed (exit code {code})")
