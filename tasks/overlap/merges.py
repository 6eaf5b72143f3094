"""Trying whether git can merge two commits, without an index or a worktree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .. import git, shell
from ..errors import CommandError, SessionError
from ..model import Repository
from . import changes

_USAGE = 129  # how git ends that does not know a flag


def conflicting(
    repository: Repository, pairs: Sequence[changes.Pair], env: Mapping[str, str]
) -> dict[changes.Pair, frozenset[str]]:
    """Return for each of *pairs*, commits with one in common, the paths that git cannot merge; one process for all.

    Raises `SessionError` when git is older than 2.39.
    """
    if not pairs:
        return {}
    argv = ("git", "-C", str(repository.main), "merge-tree", "--write-tree", "--stdin", "--name-only", "--no-messages")
    try:
        said = shell.read(*argv, "-z", env=env, given="".join(f"{one} {other}\n" for one, other in pairs))
    except CommandError as error:
        if error.exit_code != _USAGE:
            raise
        version = git.read(repository.main, "version").strip()
        raise SessionError(f"{version} is too old; trying merges needs git 2.39 or newer") from None
    # Of each merge: 1 if it is clean, else 0; its tree; the paths in conflict; an empty word.
    words = iter(said.split("\0"))
    return {pair: frozenset(iter(words.__next__, "")) for pair in pairs if next(words) and next(words)}
