"""What a `git worktree add` leaves that was killed before it wrote a file: git itself fails on some of it."""

from __future__ import annotations

import re
from pathlib import Path

from ..model import Session
from ..system import files, processes
from ..system.rooted import Root
from ..tools import git, worktrees
from . import worktree

_NEEDED = ("gitdir", "HEAD", "commondir")  # git has written them before it writes the first file of the worktree


def clear_half_made(session: Session) -> None:
    """Delete git's incomplete record of the worktree of *session*, and the `.git` file of one that has nothing else."""
    processes.end_unfinished_checkout(session.worktree)
    incomplete = [entry for entry in _records(session) if not all(map(git.read_git_file, _files(entry)))]
    for entry in incomplete:
        worktree.drop_record(session.repository, entry)
    if incomplete and session.state != "ready":  # else somebody may still need git's index of it
        files.delete_in_background((session.repository.private / "trash").iterdir())
    _clear_directory(session, incomplete)


def _records(session: Session) -> list[Path]:
    """Return git's directories that may be of this worktree; git adds a number to a name that exists already."""
    place, pattern = session.worktree, re.escape(session.worktree.name) + r"\d*"
    entries = worktrees.admin_dirs(session.repository)[1:]
    named = [entry for entry in entries if re.fullmatch(pattern, entry.name)]
    return [entry for entry in named if git.recorded_place(entry) in (None, place)]


def _files(entry: Path) -> list[Path]:
    return [entry / name for name in _NEEDED]


def _clear_directory(session: Session, dropped: list[Path]) -> None:
    place = session.worktree
    if place.is_symlink() or not place.is_dir() or git.own_admin_dir(session.repository, place):
        return
    root, record = Root(place), git.find_admin_dir(place)
    if root.names(".") == [".git"] and (record in dropped or not git.read_git_file(place / ".git")):
        root.delete(".git")
