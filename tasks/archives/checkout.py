"""What a worktree has beside commits and files: the part that is checked out, a merge that waits, empty directories."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .. import git
from ..model import Session
from ..narration import notice
from . import keeping

_SETTINGS = ("config.worktree", "info/sparse-checkout")
# What one commit ends, whose other parents or sources these files name; a rebase or a sequence is more than that.
_ONE_STEP = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")
_NAMING = (*_ONE_STEP, "MERGE_AUTOSTASH")


def heads(session: Session) -> list[str]:
    """Return the commits that what is going on in the worktree still needs; none where it cannot be taken up again."""
    data = git.data_of(session.worktree)
    if data is None or not _one_step(keeping.in_progress(session)):
        return []
    return [commit for name in _NAMING if (data / name).is_file() for commit in (data / name).read_text().split()]


def keep(session: Session, directory: Path, untracked: Iterable[str]) -> dict[str, Any]:
    """Keep git's notes in the archive *directory* and return what else there is to know, of *untracked* ones too."""
    keeping.unfinished(session, directory / "git")
    data = git.data_of(session.worktree) or session.worktree
    for name in _SETTINGS:
        if (data / name).is_file():
            (directory / "checkout" / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            keeping.link_or_copy(data / name, directory / "checkout" / name)
    return {"empty": sorted(_empty(session.worktree, untracked)), "heads": heads(session)}


def put_back(session: Session, directory: Path, facts: dict[str, Any]) -> None:
    """Make the worktree, which has its commit and its index already, as sparse and as unfinished as it was."""
    data = git.data_of(session.worktree) or session.worktree
    if (directory / "checkout").is_dir():
        keeping.give_back(directory / "checkout", data)
        git.read(session.worktree, "sparse-checkout", "reapply", check=False)  # git before 2.27 has not got it
    for path in facts.get("empty", ()):
        (session.worktree / path).mkdir(parents=True, exist_ok=True)
    if stays(directory, facts):
        notice(f"a merge or rebase was going on; git's notes of it are kept: {directory / 'git'}")
    elif (directory / "git").is_dir():
        for entry in (directory / "git").iterdir():
            if entry.name != "AUTO_MERGE":  # the tree that it names may be gone, and git does without
                keeping.give_back(entry, data / entry.name)


def stays(directory: Path, facts: dict[str, Any]) -> bool:
    """Return whether the archive in *directory* has something that cannot be put back."""
    return (directory / "git").is_dir() and not facts.get("heads")


def _one_step(going_on: list[Path]) -> bool:
    return {entry.name for entry in going_on} <= {*_ONE_STEP}


def _empty(worktree: Path, untracked: Iterable[str]) -> Iterator[str]:
    """Yield the directories without anything in them: git tracks none."""
    for found in untracked:
        for place, directories, files in os.walk(worktree / found):
            if ".git" in (*directories, *files):
                directories.clear()  # a repository of its own is kept whole
            elif not directories and not files:
                yield str(Path(place).relative_to(worktree))
