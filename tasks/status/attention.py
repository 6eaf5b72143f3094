"""What needs a person: the classes by which sessions are sorted and coloured, the most urgent first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from ..claude import state as claude_state

if TYPE_CHECKING:
    from .session_status import Status

CLASSES = ("waiting", "failed", "finished", "working", "idle", "stopped")
NEEDS_PERSON = CLASSES[:3]


def attention_class(status: Status, seen: float = 0.0) -> str:
    """Return the class of *status*; *seen* is when a person last was in its tmux session (inf: is there now)."""
    talk, state = status.talk, status.state
    if talk.state == "waiting" or (talk.state == "background" and talk.waiting_for):
        return "waiting"
    if talk.state == "unknown" and talk.reason.startswith(claude_state.TRUST):
        return "waiting"
    if talk.state == "failed" or state == "broken" or status.session.setup_failed or status.look.operation:
        return "failed"
    if state in ("stopped", "removing"):
        return "stopped"
    if talk.state == "working" or talk.state == "background" or state == "adding":
        return "working"
    has_finished = talk.state == "idle" and bool(talk.what) and talk_since(status) > seen
    return "finished" if has_finished else "idle"


def talk_since(status: Status) -> float:
    """Return since when its conversation is as it is, in seconds since 1970; 0 where that is not known."""
    try:
        return datetime.fromisoformat(status.talk.since).timestamp() if status.talk.since else 0.0
    except ValueError:
        return 0.0


def urgency(status: Status, seen: Mapping[str, float]) -> tuple[int, float]:
    """Return the key that sorts by what needs a person: who waits longest first, else who changed last.

    *seen* has by tmux session when a person was there.
    """
    rank = CLASSES.index(attention_class(status, seen.get(status.session.tmux, 0.0)))
    since = talk_since(status)
    return rank, since if rank < 2 else -since
