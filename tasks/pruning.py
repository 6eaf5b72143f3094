"""Forgetting: removed sessions that nobody restored in time, and rows whose worktree is gone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from . import astray, git, lifecycle, registry, worktree
from .archives import archive
from .model import Repository, Session
from .narration import notice
from .request import Removal


def prune(repository: Repository, sessions: Sequence[Session], days: float, dry_run: bool) -> str:
    """Drop the archives that are older than *days* and the rows of lost worktrees; return what was dropped.

    A lost worktree's branch and volumes stay: what they hold may exist nowhere else.
    """
    word = "would forget" if dry_run else "forgot"
    said = []
    for old in archive.older(repository, days):
        told = f"{word} {old.name}, removed {old.removed:%Y-%m-%d %H:%M}, {old.size / 1e6:.1f} MB"
        if not _coming_back(repository, old) and (dry_run or _dropped(repository, old)):
            said.append(told)
    for reference in archive.stray(repository, days):
        if not dry_run:
            git.run(repository.main, "update-ref", "-d", reference)
        said.append(f"{word} {reference}, which a move that was killed left")
    for session in sessions:
        lost = worktree.administration(session) is None and not session.worktree.exists()
        if lost and session.state == "ready" and not astray.displaced(session):
            if not dry_run:
                lifecycle.remove(session, Removal(keep_branch=True, keep_volumes=True))
            said.append(f"{word} {session.name}, whose worktree is gone; its branch {session.branch} stays")
    return "\n".join(said) or f"nothing to forget: nothing was removed more than {days:g} days ago"


def _dropped(repository: Repository, old: archive.Archive) -> bool:
    """Drop *old* and return whether that was done: not while somebody restores it, or is at its name."""
    with ExitStack() as until:
        if not registry.alone_at_once(repository, old.name, until):
            notice(f"{old.name} stays: another command is at a session of that name")
            return False
        archive.drop(repository, old)
        return True


def _coming_back(repository: Repository, old: archive.Archive) -> bool:
    """Return whether a restore is at *old*, or was killed and still needs it."""
    return any(row.get("archive") == str(old.directory) for row in registry.rows(repository).values())
