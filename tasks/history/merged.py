"""Whether a branch's work is already elsewhere: by its commits, or by their patches after a squash or rebase."""

from __future__ import annotations

from collections.abc import Iterable

from .. import git
from ..model import Repository
from ..shell import environment, read


def missing(repository: Repository, tips: Iterable[str], into: Iterable[str]) -> int:
    """Return how many commits of *tips* exist nowhere else.

    Elsewhere is: reachable from *into* or a remote branch; or the same patch there, commit by commit or as one.
    """
    known = list(into)
    left = [tip for tip in tips if git.unmerged(repository, [tip], known)]
    places = [place for base in known for place in (base, *_remote_namesakes(repository, base))]
    left = [tip for tip in left if not any(_same_patches(repository, tip, place) for place in places)]
    return git.unmerged(repository, left, known) if left else 0


def _remote_namesakes(repository: Repository, branch: str) -> list[str]:
    form = "--format=%(refname)"
    found = git.read(repository.main, "for-each-ref", form, f"refs/remotes/*/{branch}", check=False)
    return found.split("\n")[:-1]


def _same_patches(repository: Repository, tip: str, place: str) -> bool:
    fork = git.read(repository.main, "merge-base", tip, place, check=False).strip()
    if not fork:
        return False
    merges = git.read(repository.main, "rev-list", "--count", "--merges", f"{fork}..{tip}").strip() != "0"
    if not merges and _all_there(repository, tip, place):  # what a merge itself changed is in no patch
        return True
    return _all_there(repository, _squashed(repository, tip, fork), place)


def _all_there(repository: Repository, tip: str, place: str) -> bool:
    """Return whether git finds the patch of every commit of *tip* in *place*."""
    lines = git.read(repository.main, "cherry", place, tip).splitlines()
    return bool(lines) and all(line.startswith("-") for line in lines)


def _squashed(repository: Repository, tip: str, fork: str) -> str:
    """Return a commit, on no branch, of everything between *fork* and *tip*."""
    argv = ("git", "-C", str(repository.main), "commit-tree", f"{tip}^{{tree}}", "-p", fork, "-m", "squashed")
    return read(*argv, env={**environment(), **git.NOBODY}).strip()
