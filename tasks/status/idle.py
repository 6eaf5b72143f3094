"""Sessions that were not used for a while: no client attached, no new output, and Claude not working."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from ..errors import CommandError
from ..model import Session
from ..system import shell
from ..system.progress import say
from ..tools import tmux
from . import session_status
from .session_status import Status

_BUSY = ("working", "waiting", "unknown")  # of a conversation: what it is doing, or asks, would be lost


def find_idle(sessions: Sequence[Session], seconds: float) -> list[Session]:
    """Return those of *sessions* that run and were idle for *seconds*; print since when."""
    used = _last_uses()
    statuses = session_status.session_statuses(sessions, sessions[0].repository) if sessions else []
    idle = []
    for status in statuses:
        name, at = status.session.name, max(used.get(status.session.tmux, 0.0), _since(status))
        if status.state in ("running", "partial") and status.talk.state not in _BUSY and time.time() - at >= seconds:
            since = datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M") if at else "its start"
            say(f"{name} has been idle since {since}.")
            idle.append(status.session)
    if not idle:
        say("No session has been idle for that long.")
    return idle


def _since(status: Status) -> float:
    """Return since when its conversation is as it is; 0 where that is not known."""
    return datetime.fromisoformat(status.talk.since).timestamp() if status.talk.since else 0.0


def _last_uses() -> dict[str, float]:
    """Return by tmux session when a window of it last printed something; now where somebody is attached."""
    form = "#{session_attached} #{window_activity} #{session_name}"
    try:
        output = shell.read_output(*tmux.TMUX, "list-windows", "-a", "-F", form)
    except CommandError:  # no server
        return {}
    used: dict[str, float] = {}
    for line in output.splitlines():
        attached, activity, name = line.split(" ", 2)
        used[name] = max(used.get(name, 0.0), time.time() if attached != "0" else float(activity))
    return used
