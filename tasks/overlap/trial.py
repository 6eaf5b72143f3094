"""Merging on trial what is in worktrees now: which files git cannot merge, and which it can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..model import Repository
from ..narration import notice
from . import changes, merges, sides, trees
from .findings import Finding
from .sides import Side

Both = tuple[Side, Side]


@dataclass(frozen=True)
class _Outcome:
    """What came of merging commits: the paths in conflict, and what each of the two changed since their fork."""

    clashing: Mapping[changes.Pair, frozenset[str]]
    common: Mapping[changes.Pair, str]
    since: Mapping[changes.Pair, changes.Changes]

    def clash(self, both: Both) -> frozenset[str]:
        return self.clashing.get((both[0].commit, both[1].commit), frozenset())

    def shared(self, both: Both) -> frozenset[str]:
        """Return the paths that each of *both* changed itself, not what one has from the other."""
        one, other = both
        fork = self.common.get((one.commit, other.commit), "")
        since = [self.since.get((fork, side.commit), changes.Changes()).paths for side in both]
        return since[0] & since[1] & one.changed.paths & other.changed.paths


def findings(repository: Repository, pairs: Sequence[Both], onto: Sequence[Both]) -> list[Finding]:
    """Return what clashes in each of *pairs* of sessions, and of each session with its base in *onto*."""
    if not pairs and not onto:
        return []
    involved = {side.name: side for side in (*(side for both in pairs for side in both), *(one for one, _ in onto))}
    with trees.shelf(repository) as shelf:
        now = sides.as_they_are(repository, list(involved.values()), shelf)
        pairs = [(now[one.name], now[other.name]) for one, other in pairs if {one.name, other.name} <= set(now)]
        onto = [(now[one.name], base) for one, base in onto if one.name in now]
        outcome = _merged(repository, (*pairs, *onto), shelf)
    return [*_told(outcome, pairs, onto)]


def _merged(repository: Repository, tried: Sequence[Both], shelf: trees.Shelf) -> _Outcome:
    env = shelf.environment
    common = changes.forks(repository, [(one.commit, other.commit) for one, other in tried], env)
    for one, other in tried:
        if not common[one.commit, other.commit]:
            notice(f"{one.name} and {other.name} have no commit in common here, so they cannot be compared")
    clashing = merges.conflicting(repository, [pair for pair, fork in common.items() if fork], env)
    since = changes.between(repository, [(fork, each) for pair, fork in common.items() for each in pair], env)
    return _Outcome(clashing, common, since)


def _told(outcome: _Outcome, pairs: Sequence[Both], onto: Sequence[Both]) -> Iterator[Finding]:
    stuck = {one.name: outcome.clash((one, base)) for one, base in onto}
    for both, against in (*((both, "session") for both in pairs), *((both, "base") for both in onto)):
        one, other = both
        shared, hot = outcome.shared(both), outcome.clash(both)
        if against == "session":  # what clashes because one of them has a newer base is told of the base
            hot -= (stuck.get(one.name, frozenset()) | stuck.get(other.name, frozenset())) - shared
        for kind, files in (("hot", hot), ("soft", shared - hot)):
            if files:
                yield Finding(kind, one.name, other.name, against, tuple(sorted(files)))
