"""The resource of what a session begins with: what it left behind when it was removed, or what it adopts."""

from __future__ import annotations

from .archives import archiving, snapshot
from .model import Problem, Session


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    if session.adopts:
        return "the main checkout's uncommitted work"
    return "work and files as they were at the removal" if session.archive else ""


def create(session: Session) -> None:
    """Put the work and files into the new worktree of a session that is restored, or adopts some."""
    if session.adopts and session.state == "adding":
        snapshot.put_back(session, session.adopts)
    if session.archive and session.state == "adding":
        archiving.put_back(session)


def remove(session: Session) -> None:
    """Nothing: what was put back goes with the worktree, and the archive stays until the session is confirmed."""


def problems(session: Session) -> list[Problem]:
    """Return whether the session was confirmed before everything was put back: never, so there is nothing to tell."""
    del session
    return []
