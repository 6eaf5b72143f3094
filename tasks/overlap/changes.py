"""Which paths were changed since a fork, and whether two such changes can meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from .. import shell
from ..model import Repository
from ..work import Work

Pair = tuple[str, str]


@dataclass(frozen=True)
class Changes:
    """The *paths* that were changed, a new directory as one of them; *gone* are those that were deleted or moved."""

    paths: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()

    @cached_property
    def places(self) -> frozenset[str]:
        """The directories of the paths, their parents included."""
        return _directories(self.paths)

    @cached_property
    def left(self) -> frozenset[str]:
        """The directories that lost something: who moved one takes along what others put there."""
        return _directories(self.gone)

    def __or__(self, other: Changes) -> Changes:
        return Changes(self.paths | other.paths, self.gone | other.gone)

    def meets(self, other: Changes) -> bool:
        """Return whether a merge of both could be more than each by itself: never False when git would conflict."""
        return not (
            self.paths.isdisjoint(other.paths)
            and self.paths.isdisjoint(other.places)
            and self.places.isdisjoint(other.paths)
            and self.left.isdisjoint(other.places)
            and self.places.isdisjoint(other.left)
        )


def _directories(paths: Iterable[str]) -> frozenset[str]:
    parents = {str(PurePosixPath(path).parent) for path in paths}
    return frozenset(parents | {str(above) for each in parents for above in PurePosixPath(each).parents if above.name})


def uncommitted(work: Work) -> Changes:
    """Return what is changed in a worktree and not committed."""
    paths = {path.rstrip("/") for path in (*work.changed, *work.untracked, *work.gone)}
    return Changes(frozenset(paths), frozenset(work.gone))


def forks(repository: Repository, pairs: Iterable[Pair], env: Mapping[str, str] | None = None) -> dict[Pair, str]:
    """Return for each of *pairs*, full commit ids, the commit that both come from; empty when they share none."""
    asked = sorted({pair for pair in pairs if all(pair)})
    if not asked:
        return {}
    argv = ("git", "-C", str(repository.main), "rev-parse", *(f"{one}...{other}" for one, other in asked))
    found: list[list[str]] = []
    names = 0
    for line in shell.read(*argv, env=env).splitlines():
        if line.startswith("^"):
            found[-1].append(line[1:])
        else:
            found += [[]] if names % 2 == 0 else []
            names += 1
    return {pair: (bases or [""])[0] for pair, bases in zip(asked, found, strict=True)}


def between(repository: Repository, pairs: Sequence[Pair], env: Mapping[str, str] | None = None) -> dict[Pair, Changes]:
    """Return for each of *pairs*, an older and a newer commit, what the newer changed; one process for all."""
    asked = sorted({(old, new) for old, new in pairs if old and new and old != new})
    known = dict.fromkeys(pairs, Changes())
    if not asked:
        return known
    argv = ("git", "-C", str(repository.main), "diff-tree", "--stdin", "--always", "-r", "--no-renames", "-z")
    given = "".join(f"{new} {old}\n" for old, new in asked)
    words = iter(shell.read(*argv, "--name-status", env=env, given=given).split("\0"))
    listed: list[list[tuple[str, str]]] = []
    for word in words:
        if len(word) == 1:  # the letter of what happened to the path that follows
            listed[-1].append((word, next(words)))
        elif word:  # the commit whose paths follow
            listed.append([])
    for pair, found in zip(asked, listed, strict=True):
        gone = frozenset(path for letter, path in found if letter == "D")
        known[pair] = Changes(frozenset(path for _, path in found), gone)
    return known
