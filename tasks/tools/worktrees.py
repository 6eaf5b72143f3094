"""The worktrees that git knows of, and those that were moved by hand."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from ..model import Repository, Session
from ..system import files
from . import git


def linked_worktrees(repository: Repository) -> Iterator[tuple[Path, Path]]:
    """Yield for each linked worktree git's own directory for it, and where it is or was."""
    for entry in _entries(repository):
        if recorded := git.recorded_place(entry):
            yield entry, recorded


def list_checkouts(repository: Repository) -> list[Path]:
    """Return the main checkout, and where each linked worktree is or was."""
    return [repository.main, *(place for _entry, place in linked_worktrees(repository))]


def admin_dirs(repository: Repository) -> list[Path]:
    """Return git's own directories for the main checkout and for each linked worktree."""
    return [repository.common, *_entries(repository)]


def _entries(repository: Repository) -> list[Path]:
    top = repository.common / "worktrees"
    try:
        return [top / name for name in os.listdir(top)]
    except FileNotFoundError:
        return []


_DEEPEST = 3  # components of a worktree's path below the directory that was renamed


def find_displaced(session: Session) -> tuple[str, str] | None:
    """Return what happened to the session's worktree when git doesn't know it there, and the command that fixes it.

    None when it was deleted.
    """
    place = session.worktree
    if foreign := _find_foreign(place):
        return foreign
    if place.is_dir() and any(place.iterdir()):
        return f"Git no longer knows {place} as a worktree", _relink_command(session)
    for entry, recorded in linked_worktrees(session.repository):
        if recorded == place and (sibling := _find_renamed(entry, place)):
            return f"The worktree {place} is now at {sibling}", shlex.join(["mv", str(sibling), str(place)])
        if entry.name != place.name:
            continue
        if files.is_same_place(recorded, place):
            return _find_moved_along(session, entry)
        if recorded.is_dir():
            back = ["git", "-C", str(session.repository.main), "worktree", "move", str(recorded), str(place)]
            return f"The worktree {place} is now at {recorded}", shlex.join(back)
    return None


def describe_absence(place: Path) -> str:
    """Return why the worktree that isn't at *place* may come back: its disk may not be mounted. Else empty text."""
    try:
        place.lstat()
    except FileNotFoundError:
        pass
    except OSError as error:
        return f"{place} can't be read ({error.strerror})"
    try:
        return "" if any(place.parent.iterdir()) else f"{place.parent} is empty"
    except OSError:
        return f"{place.parent} doesn't exist"


def _find_renamed(entry: Path, place: Path) -> Path | None:
    """Return the directory beside *place* that has the worktree of *entry*, if *place* itself doesn't exist."""
    if os.path.lexists(place) or describe_absence(place):
        return None
    siblings = (each for each in place.parent.iterdir() if not each.is_symlink())
    return next((each for each in siblings if git.find_admin_dir(each) == entry.resolve()), None)


def _find_foreign(place: Path) -> tuple[str, str] | None:
    """Return the same where *place* is a link, or has the worktree that belongs somewhere else."""
    entry = git.find_admin_dir(place)
    recorded = git.recorded_place(entry) if entry else None
    if place.is_symlink():
        target = os.path.realpath(place)
        back = ["mv", target, str(place)] if recorded == place else []
        return f"{place} is a link to {target}", " && ".join(
            shlex.join(words) for words in (["rm", str(place)], back) if words
        )
    if recorded and not files.is_same_place(recorded, place) and not os.path.lexists(recorded):
        return f"{place} has the worktree of {recorded}", shlex.join(["mv", str(place), str(recorded)])
    return None


def _relink_command(session: Session) -> str:
    place = session.worktree
    is_recorded = any(files.is_same_place(recorded, place) for _entry, recorded in linked_worktrees(session.repository))
    if is_recorded and not (place / ".git").is_symlink() and not (place / ".git").is_dir():
        return shlex.join(["git", "-C", str(session.repository.main), "worktree", "repair"])
    return shlex.join(["mv", str(place), f"{place}.kept"])


def _find_moved_along(session: Session, entry: Path) -> tuple[str, str] | None:
    """Return the same for a worktree that was moved together with the main checkout, beside it or in it."""
    place, main = session.worktree, session.repository.main
    for depth in range(1, min(_DEEPEST, len(place.parts) - 1) + 1):
        before = place.parents[depth - 1]
        for now in (main.parent, main):
            candidate = now.joinpath(*place.parts[-depth:])
            admin_dir = git.find_admin_dir(candidate)
            if admin_dir is None or admin_dir.name != entry.name or admin_dir.exists():
                continue
            back = ["mv", str(candidate), str(place)] if before.exists() else ["mv", str(now), str(before)]
            return f"The worktree {place} is now at {candidate}: a directory above it was renamed", shlex.join(back)
    return None
