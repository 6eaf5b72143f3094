"""A merge without a checkout: its tree, or the files that git can't merge."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import CommandError, SessionError
from ..model import Repository
from ..tools import git

_USAGE = 129  # how git ends that does not know a flag


class MergedTree(NamedTuple):
    """The *tree* of a merge, and the *files* in which it is in conflict."""

    tree: str
    files: tuple[str, ...]


def write_merge(repository: Repository, onto: str, head: str) -> MergedTree:
    """Return what a merge of *head* into *onto* comes to. Raises `SessionError` where git is too old."""
    words = ("merge-tree", "--write-tree", "--name-only", "--no-messages", onto, head)
    output = git.read_git(repository.main, "-c", "core.quotePath=false", *words, check=False)
    tree, *files = output.splitlines() or [""]
    if tree:
        return MergedTree(tree, tuple(files))
    try:
        git.read_git(repository.main, *words)
    except CommandError as error:
        if error.exit_code != _USAGE:
            raise
    version = git.read_git(repository.main, "version").strip()
    raise SessionError(f"{version} is too old to merge without a checkout. Install git 2.39 or newer.")


def read_tree(repository: Repository, commit: str) -> str:
    """Return the id of the tree of *commit*."""
    return git.read_git(repository.main, "rev-parse", f"{commit}^{{tree}}").strip()
