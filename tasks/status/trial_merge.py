"""Merges on trial: which files git cannot merge, and which two sides changed alike."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from ..errors import CommandError, SessionError
from ..model import Conflict, Repository
from ..system import shell
from ..system.progress import notice
from ..tools import git
from . import new_files, session_changes
from .session_changes import Side

_WORTH_A_PROCESS = 30  # pairs, for which a process of its own pays
_USAGE = 129  # the exit code of a git that does not know a flag


def conflicting_paths(
    repository: Repository, pairs: Sequence[session_changes.Pair], env: Mapping[str, str]
) -> dict[session_changes.Pair, frozenset[str]]:
    """Return for each of *pairs*, commits with one in common, the paths that git cannot merge.

    One process tries them all; many pairs are divided among the processor's cores. Raises `SessionError` when git is
    older than 2.39.
    """
    parts = min(os.cpu_count() or 1, len(pairs) // _WORTH_A_PROCESS) or 1
    with ThreadPoolExecutor(parts) as pool:
        tried = pool.map(lambda part: _try_pairs(repository, part, env), [pairs[at::parts] for at in range(parts)])
    return {pair: paths for part in tried for pair, paths in part.items()}


def _try_pairs(
    repository: Repository, pairs: Sequence[session_changes.Pair], env: Mapping[str, str]
) -> dict[session_changes.Pair, frozenset[str]]:
    if not pairs:
        return {}
    argv = ("git", "-C", str(repository.main), "merge-tree", "--write-tree", "--stdin", "--name-only", "--no-messages")
    try:
        output = shell.read_output(*argv, "-z", env=env, given="".join(f"{one} {other}\n" for one, other in pairs))
    except CommandError as error:
        if error.exit_code != _USAGE:
            raise
        version = git.read_git(repository.main, "version").strip()
        raise SessionError(f"{version} is too old to try merges: 2.39 or newer is needed.\nFix: update git") from None
    # Of each merge: 1 if it is clean, else 0; its tree; the paths in conflict; an empty word.
    words = iter(output.split("\0"))
    return {pair: frozenset(iter(words.__next__, "")) for pair in pairs if next(words) and next(words)}


Both = tuple[Side, Side]


class _Outcome(NamedTuple):
    """What came of merging commits: the paths in conflict, and what each of the two changed since their fork."""

    conflicting: Mapping[session_changes.Pair, frozenset[str]]
    forks: Mapping[session_changes.Pair, str]
    since: Mapping[session_changes.Pair, session_changes.Changes]
    twice: Mapping[session_changes.Pair, frozenset[str]] = {}  # the files that both add, with different content

    def conflicts(self, both: Both) -> frozenset[str]:
        return self.conflicting.get((both[0].commit, both[1].commit), frozenset())

    def shared(self, both: Both) -> frozenset[str]:
        """Return the paths that each of *both* changed itself, not what one has from the other."""
        one, other = both
        fork = self.forks.get((one.commit, other.commit), "")
        since = [self.since.get((fork, side.commit), session_changes.Changes()).paths for side in both]
        return since[0] & since[1] & one.changes.paths & other.changes.paths


def try_merges(repository: Repository, pairs: Sequence[Both], onto: Sequence[Both]) -> list[Conflict]:
    """Return the conflicts in each of *pairs* of sessions, and of each session with its base in *onto*."""
    if not pairs and not onto:
        return []
    involved = {side.name: side for side in (*(side for both in pairs for side in both), *(one for one, _ in onto))}
    with session_changes.open_shelf(repository) as shelf:
        now = session_changes.sides_as_they_are(repository, list(involved.values()), shelf)
        pairs = [(now[one.name], now[other.name]) for one, other in pairs if {one.name, other.name} <= set(now)]
        onto = [(now[one.name], base) for one, base in onto if one.name in now]
        outcome = _merge_all(repository, (*pairs, *onto), shelf)
    return [*_conflicts_of(outcome, pairs, onto)]


def _merge_all(repository: Repository, tried: Sequence[Both], shelf: session_changes.Shelf) -> _Outcome:
    env = shelf.environment
    forks = session_changes.find_forks(repository, [(one.commit, other.commit) for one, other in tried], env)
    for one, other in tried:
        if not forks[one.commit, other.commit]:
            notice(f"{one.name} and {other.name} have no commit in common here, so they can't be compared.")
    conflicting = conflicting_paths(repository, [pair for pair, fork in forks.items() if fork], env)
    since = session_changes.changes_between(
        repository, [(fork, each) for pair, fork in forks.items() for each in pair], env
    )
    outcome = _Outcome(conflicting, forks, since)
    shared = {(one.commit, other.commit): outcome.shared((one, other)) for one, other in tried}
    twice = new_files.find_added_twice(repository, shared, forks, env)
    return outcome._replace(twice=twice)


def _conflicts_of(outcome: _Outcome, pairs: Sequence[Both], onto: Sequence[Both]) -> Iterator[Conflict]:
    with_base = {one.name: outcome.conflicts((one, base)) for one, base in onto}
    for both, against in (*((both, "session") for both in pairs), *((both, "base") for both in onto)):
        one, other = both
        shared, files = outcome.shared(both), outcome.conflicts(both)
        if against == "session":  # a conflict because one of them has a newer base is one with the base
            files -= (with_base.get(one.name, frozenset()) | with_base.get(other.name, frozenset())) - shared
        twice = outcome.twice.get((one.commit, other.commit), frozenset()) & shared
        for kind, paths in (("conflict", files - twice), ("overlap", shared - files - twice)):
            if paths:
                yield Conflict(kind, one.name, other.name, against, tuple(sorted(paths)))
        if twice:
            fix = new_files.describe_fix(one, other, min(twice))
            yield Conflict("conflict", one.name, other.name, against, tuple(sorted(twice)), new_files.WHY, fix)
