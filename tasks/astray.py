"""Worktrees that are not where their session has them: moved by hand, or along with the directory around them."""

from __future__ import annotations

import shlex
from pathlib import Path

from . import git, linked
from .machine import places
from .model import Session

_DEEPEST = 3  # names of a worktree's path below what was renamed


def displaced(session: Session) -> tuple[str, str] | None:
    """Return what became of a worktree that is not known, with its files, where it should be, and what mends that.

    None when it was deleted.
    """
    place = session.worktree
    if place.is_dir() and any(place.iterdir()):
        return f"git does not know {place} as a worktree any more", _linked_again(session)
    for entry, recorded in linked.worktrees(session.repository):
        if entry.name != place.name:
            continue
        if places.same(recorded, place):
            return _along(session, entry)
        if recorded.is_dir():
            back = ["git", "-C", str(session.repository.main), "worktree", "move", str(recorded), str(place)]
            return f"the worktree {place} is at {recorded} now", shlex.join(back)
    return None


def _linked_again(session: Session) -> str:
    place = session.worktree
    known = any(places.same(recorded, place) for _entry, recorded in linked.worktrees(session.repository))
    if known and not (place / ".git").is_symlink() and not (place / ".git").is_dir():
        return shlex.join(["git", "-C", str(session.repository.main), "worktree", "repair"])
    return shlex.join(["mv", str(place), f"{place}.kept"])


def _along(session: Session, entry: Path) -> tuple[str, str] | None:
    """Return the same of a worktree that lies as it did beside the main checkout, or in it, which was moved as well."""
    place, main = session.worktree, session.repository.main
    for depth in range(1, min(_DEEPEST, len(place.parts) - 1) + 1):
        before = place.parents[depth - 1]
        for now in (main.parent, main):
            there = now.joinpath(*place.parts[-depth:])
            data = git.data_of(there)
            if data is None or data.name != entry.name or data.exists():
                continue
            back = ["mv", str(there), str(place)] if before.exists() else ["mv", str(now), str(before)]
            return f"the worktree {place} is at {there} now, as a directory around it was renamed", shlex.join(back)
    return None
