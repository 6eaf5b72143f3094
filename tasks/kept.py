"""The resource of what a removed session left behind, put back when it is restored."""

from __future__ import annotations

from . import archiving
from .model import Problem, Session


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    return "work and files as they were at the removal" if session.archive else ""


def create(session: Session) -> None:
    """Put the work and files back into the new worktree of a session that is restored."""
    if session.archive and session.state == "adding":
        archiving.put_back(session)


def remove(session: Session) -> None:
    """Nothing: what was put back goes with the worktree, and the archive stays until the session is confirmed."""


def problems(session: Session) -> list[Problem]:
    """Return whether the session was confirmed before everything was put back: never, so there is nothing to tell."""
    del session
    return []
