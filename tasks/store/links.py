"""Fixing git's links between a worktree and its directory for it after one of the two was moved."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ..model import Repository
from ..system import files as system_files
from ..system.rooted import Root
from ..tools import git


def give_back(repository: Repository, admin: Path, name: str, worktree: Path | None) -> None:
    """Move git's directory *admin* back among those of *repository*, as *name*, with a number if it is taken.

    Its worktree is at *worktree*; None: where it says.
    """
    worktrees = repository.common / "worktrees"
    recorded = Path(os.path.normpath(worktrees / name / git.read_git_file(admin / "gitdir")))
    place = worktree or recorded.parent
    worktrees.mkdir(exist_ok=True)
    free, number = name, 0
    while os.path.lexists(worktrees / free):
        number += 1
        free = f"{name}{number}"
    _point(place / ".git", worktrees / free)
    _point_modules(admin, place, f"/worktrees/{name}/", f"/worktrees/{free}/")
    if recorded != place / ".git":
        system_files.write_whole(admin / "gitdir", f"{place}/.git\n")
    admin.rename(worktrees / free)


def _point(link: Path, admin: Path) -> None:
    """Write *admin* into the file *link*; leave alone anything but a file."""
    if link.is_symlink() or link.is_dir():
        return
    current = git.read_git_file(link).removeprefix("gitdir:").strip()
    if not current or Path(os.path.normpath(link.parent / current)) != admin:
        with suppress(FileNotFoundError):  # the worktree's files were deleted
            Root(link.parent, follows=False).write(link.name, f"gitdir: {admin}\n".encode(errors="surrogateescape"))


def _point_modules(admin: Path, worktree: Path, before: str, now: str) -> None:
    """Write into the submodules of *worktree* the new path of their data."""
    if before == now or not (admin / "modules").is_dir():
        return
    for directory, names, files in os.walk(worktree):
        link = Path(directory, ".git")
        if ".git" in names:
            names.clear()  # a repository of its own
        elif ".git" in files and not link.is_symlink() and before in (current := git.read_git_file(link) + "/"):
            text = current.replace(before, now).rstrip("/") + "\n"
            Root(link.parent, follows=False).write(link.name, text.encode(errors="surrogateescape"))
