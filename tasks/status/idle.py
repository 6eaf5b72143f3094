"""Sessions that were not used for a while: no client attached, no new output, no editor open, Claude not working."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from ..errors import CommandError
from ..model import Session
from ..system import shell
from ..system.patterns import late_pattern
from ..system.progress import say
from ..tools import tmux
from . import session_status
from .session_status import Status

_BUSY = ("working", "waiting", "unknown")  # of a conversation: what it is doing, or asks, would be lost
RUNS = ("running", "partial")
_NO_SERVER = late_pattern(r"no server running|error connecting to .*\(No such file or directory\)")


class Rest(NamedTuple):
    """How a session was left: since when nothing happened in it, and what speaks against ending it."""

    session: Session
    state: str
    at: float  # 0 where that is not known
    busy: str  # what its Claude does, in which it must not be interrupted
    opened: str  # a program that a person started in one of its windows

    @property
    def since(self) -> str:
        """Since when, for people."""
        return datetime.fromtimestamp(self.at).strftime("%Y-%m-%d %H:%M") if self.at else "its start"


def find_rests(sessions: Sequence[Session]) -> list[Rest]:
    """Return how each of *sessions* was left."""
    used, programs = _last_uses(), open_programs()
    rests = []
    for status in session_status.session_statuses(sessions, sessions[0].repository) if sessions else ():
        at = max(used.get(status.session.tmux, 0.0), _since(status))
        busy = status.talk.state if status.talk.state in _BUSY else ""
        rests.append(Rest(status.session, status.state, at, busy, _opened(status.session, programs)))
    return rests


def find_idle(sessions: Sequence[Session], seconds: float) -> list[Session]:
    """Return those of *sessions* that run and were idle for *seconds*; print since when."""
    idle = []
    for rest in find_rests(sessions):
        name = rest.session.name
        if rest.state in RUNS and not rest.busy and time.time() - rest.at >= seconds:
            if rest.opened:
                say(f"{name} has been idle since {rest.since}, but {rest.opened} is open in it. It isn't stopped.")
                continue
            say(f"{name} has been idle since {rest.since}.")
            idle.append(rest.session)
    if not idle:
        say("No session has been idle for that long.")
    return idle


def _opened(session: Session, programs: Sequence[tuple[str, str, str]]) -> str:
    """Return a program that a person started in a window of *session*, as an editor; empty for none."""
    own = {window.name for window in session.windows if window.run or window.claude}
    return next((program for place, window, program in programs if place == session.tmux and window not in own), "")


def open_programs() -> list[tuple[str, str, str]]:
    """Return the tmux session, the window as we call it, and the program of each pane that is not at a prompt."""
    form = "#{pane_tty} #{pane_current_command}|#{@tally_window}|#{session_name}"
    found = []
    for line in _ask_tmux("list-panes", form):
        tty, _, rest = line.partition(" ")
        program, window, name = rest.split("|", 2)
        if not (program.lstrip("-") in tmux.SHELLS and tmux.is_at_prompt(tty)):
            found.append((name, window, program))
    return found


def _since(status: Status) -> float:
    """Return since when its conversation is as it is; 0 where that is not known."""
    return datetime.fromisoformat(status.talk.since).timestamp() if status.talk.since else 0.0


def _last_uses() -> dict[str, float]:
    """Return by tmux session when a window of it last printed something; now where somebody is attached."""
    used: dict[str, float] = {}
    for attached, activity, name in _windows():
        used[name] = max(used.get(name, 0.0), time.time() if attached != "0" else float(activity))
    return used


def attached_sessions() -> set[str]:
    """Return the tmux sessions that somebody is attached to."""
    return {name for attached, _activity, name in _windows() if attached != "0"}


def _windows() -> list[list[str]]:
    form = "#{session_attached} #{window_activity} #{session_name}"
    return [line.split(" ", 2) for line in _ask_tmux("list-windows", form)]


def server_terminals(sessions: Sequence[Session]) -> set[str]:
    """Return the terminals of the windows of *sessions* in which a server, or Claude, runs."""
    own = {(each.tmux, window.name) for each in sessions for window in each.windows if window.run or window.claude}
    lines = [line.split(" ", 2) for line in _ask_tmux("list-panes", "#{pane_tty} #{@tally_window} #{session_name}")]
    return {tty for tty, window, name in lines if (name, window) in own}


def _ask_tmux(question: str, form: str) -> list[str]:
    """Return its answer about all sessions, nothing without a server; one that can't answer raises `CommandError`."""
    try:
        return shell.read_output(*tmux.TMUX, question, "-a", "-F", form).splitlines()
    except CommandError as error:
        if _NO_SERVER.search(error.stderr):
            return []
        raise
