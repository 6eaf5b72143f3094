"""What a restore doesn't bring back, except volumes, about which `remove` asks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..model import Session
from ..system import files
from ..tools import git


def removal_warnings(session: Session, untracked: Iterable[str]) -> list[str]:
    """Return what a restore will not bring back, and what can happen in the meantime to the directories *untracked*."""
    lost = list_lost(session)
    warnings = [f"Not kept: {', '.join(lost)}. A restore doesn't bring this back."] if lost else []
    for path, repository in find_foreign_worktrees(session, untracked):
        warnings.append(
            f"{path} is a worktree of {repository}. Don't run `git worktree prune` there before you restore"
            f" {session.name}: git would forget it."
        )
    return warnings


def list_lost(session: Session) -> list[str]:
    """Return phrases for what is in *session* and in no archive."""
    lost = [f"{path} (named by the setting thin)" for path in session.thin if _is_thinned(session, path)]
    if session.compose is not None:
        lost.append("what its containers wrote outside of volumes")
    return lost


def _is_thinned(session: Session, path: str) -> bool:
    """Return whether `thinning` deletes the directory *path*: nothing in it is tracked, and no repository is in it."""
    place = session.worktree / path
    if not place.is_dir() or files.is_same_place(place, session.repository.main / path):
        return False
    from . import thinning

    if thinning.has_repository(str(place)) or place.resolve() != session.worktree.resolve() / path:
        return False
    return not git.read_git(session.worktree, "ls-files", "--", f":(literal){path}", check=False)


def find_foreign_worktrees(session: Session, untracked: Iterable[str]) -> list[tuple[str, Path]]:
    """Return each worktree of another repository in the directories *untracked*, with that repository's git directory.

    While the session is removed, a `git worktree prune` there would forget it.
    """
    directories = [session.worktree / path for path in untracked if path.endswith("/")]
    links = [place for directory in directories for place in _linked_below(directory)]
    worktrees = [(str(place.relative_to(session.worktree)), git.find_admin_dir(place)) for place in links]
    return [
        (path, admin.parent.parent)
        for path, admin in worktrees
        if admin is not None
        and admin.parent.name == "worktrees"
        and not files.is_same_place(admin.parent.parent, session.repository.common)
    ]


def _linked_below(directory: Path) -> Iterator[Path]:
    for place, names, entries in os.walk(directory):
        if ".git" in entries:
            yield Path(place)
        if ".git" in (*names, *entries):
            names.clear()
