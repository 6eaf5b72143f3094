"""The order in which sessions are merged: the least overlap with the others first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..model import Conflict, Session
from . import conflicts


def order_sessions(sessions: Sequence[Session]) -> list[Session]:
    """Return *sessions*, those with the fewest conflicts and then the fewest shared files first."""
    if len(sessions) < 2:
        return list(sessions)
    meetings = conflicts.find_conflicts(sessions[0].repository, sessions)
    return sorted(sessions, key=lambda session: (*weigh_overlap(session.name, meetings), session.name))


def weigh_overlap(name: str, meetings: Iterable[Conflict]) -> tuple[int, int]:
    """Return in how many files *name* conflicts, and how many it has changed that others have changed as well."""
    meetings = [each for each in meetings if each.against not in ("component", "operation")]
    own = [each for each in meetings if name in (each.session, each.other)]
    return tuple(sum(len(each.files) for each in own if each.kind == kind) for kind in ("conflict", "overlap"))  # type: ignore[return-value]
