"""The resource of the work that a session begins with: what was saved at its removal, or what it adopts."""

from __future__ import annotations

from pathlib import Path

from ..model import Problem, Session

LABEL = "kept"


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    if session.adopts:
        return f"a copy of the uncommitted work in {session.base}"
    return "uncommitted work and saved files" if session.archive else ""


def create(session: Session) -> None:
    """Put the work and files into the new worktree of a session that is restored, or adopts some."""
    if session.adopts and session.state == "adding":
        from ..store import snapshot

        snapshot.restore_snapshot(session, session.adopts)
    from ..store import aside

    if session.archive and session.state == "adding" and not aside.begun_archive(Path(session.archive)):
        from ..store import old_archive

        old_archive.restore_archive(session)


def remove(session: Session) -> None:
    """Do nothing: the files go with the worktree, and the archive stays until the session is complete."""


def problems(session: Session) -> list[Problem]:
    """Return nothing: a session is not complete before everything was restored."""
    del session
    return []
