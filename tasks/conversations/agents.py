"""What Claude Code itself says about the conversations that run."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import Any

from .. import shell
from ..machine import limited
from ..model import Session
from ..parts import Agent
from . import transcripts

_PATIENCE = 4.0  # seconds; it takes a third of one
_MOST = 1e14  # of a number: what is above is no time that a calendar has
_STATES = {"busy": "working", "shell": "working", "waiting": "waiting", "idle": "idle"}


@dataclass(frozen=True)
class Live:
    """A conversation that is open in the process *pid*."""

    identity: str
    directory: str
    pid: int
    state: str  # working, waiting, idle or unknown
    waiting_for: str
    started: float  # seconds since 1970


def running(agent: Agent) -> list[Live] | None:
    """Return the open conversations; None when that cannot be known: not installed, too old, or no answer in time."""
    environment = shell.pristine_environment()
    environment.pop("CLAUDE_CONFIG_DIR", None)
    if directory := transcripts.variable(agent):
        environment["CLAUDE_CONFIG_DIR"] = directory
    said = limited.within(_PATIENCE, os.path.expanduser(agent.command), "agents", "--json", env=environment)
    try:
        found = json.loads(said or "")
    except (ValueError, RecursionError):
        return None
    return [_live(each) for each in found if isinstance(each, dict)] if isinstance(found, list) else None


def of(session: Session, running: list[Live]) -> Live | None:
    """Return the one of *session*: by its id, else the latest in its worktree, as after `/clear`."""
    for live in running:
        if session.conversation and live.identity == session.conversation:
            return live
    here = [live for live in running if live.directory == os.path.realpath(session.worktree)]
    return max(here, key=lambda live: live.started, default=None)


def stays(live: Live, seconds: float) -> bool:
    """Return whether its process still runs after *seconds*: one whose terminal just went away is ending."""
    import psutil

    deadline = time.monotonic() + seconds
    try:
        process = psutil.Process(live.pid)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                return True
            time.sleep(0.05)
    except psutil.NoSuchProcess:
        pass
    except psutil.AccessDenied:
        return True
    return False


def _live(said: dict[str, Any]) -> Live:
    def number(key: str) -> float:
        value = said.get(key)
        return value if isinstance(value, (int, float)) and 0 <= value < _MOST else 0

    background = said.get("kind") == "background"
    return Live(
        identity=str(said.get("sessionId", "")),
        directory="" if background else transcripts.real(str(said.get("cwd", "/"))),
        pid=int(number("pid")),
        state=_STATES.get(str(said.get("status")), "unknown"),
        waiting_for=str(said.get("waitingFor", "")) if said.get("status") == "waiting" else "",
        started=number("startedAt") / 1000,
    )
