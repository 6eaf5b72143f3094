"""A rebase that was killed while git began or ended it: its notes are half there, or its checkout is."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..model import Repository
from ..tools import git
from . import half_checkout

_DIRECTORIES = ("rebase-merge", "rebase-apply")


class Rebase(NamedTuple):
    """What git noted first and deletes last: the branch, its commit, and the new base; empty where that is missing."""

    branch: str
    start: str
    onto: str


def read_rebase(place: Path) -> Rebase | None:
    """Return the rebase in progress in *place*."""
    data = git.find_admin_dir(place) or place / ".git"
    notes = next((data / name for name in _DIRECTORIES if (data / name).is_dir()), None)
    return Rebase(*(git.read_git_file(notes / name) for name in ("head-name", "orig-head", "onto"))) if notes else None


def is_noted_whole(repository: Repository, rebase: Rebase) -> bool:
    """Return whether git has the notes of *rebase* that it needs to abort it."""
    return all(rebase) and all(git.resolve_commit(repository, each) for each in (rebase.start, rebase.onto))


def is_on_branch(place: Path, branch: str = "refs/heads/") -> bool:
    """Return whether HEAD is on *branch*: git leaves it after its checkout, and is back before it deletes its notes."""
    return git.read_git(place, "symbolic-ref", "--quiet", "HEAD", check=False).startswith(branch)


def take_back_start(place: Path, rebase: Rebase) -> None:
    """Undo a checkout of the new base that was cut off: for an abort by git those files are somebody's."""
    if is_on_branch(place, f"{rebase.branch}\n") and git.read_git(place, "rev-parse", "HEAD").strip() == rebase.start:
        half_checkout.take_back_killed_checkout(place, rebase.start, rebase.onto)
