"""Conflicts that git can't see: the same number of a migration twice, the same lock file from two manifests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import PurePosixPath

from ..errors import SessionError
from ..model import Conflict, Repository
from ..tools import git, worktree_status
from . import session_changes
from .clash_rules import LOCKS, NUMBERS, NumberRule
from .session_changes import Side

_MOST = 1_000_000  # bytes of a migration that is read
Key = tuple[str, str, str]  # what it is, its directory, its number


def find_clashes(repository: Repository, sides: Sequence[Side], bases: Mapping[str, Side]) -> list[Conflict]:
    """Return the clashes of *sides* with each other, and with their *bases* by session."""
    numbers = {side.name: _numbers(repository, side) for side in sides}
    clashes: list[Conflict] = []
    for one, other in combinations(sides, 2):
        clashes += _shared_numbers(one.name, other.name, "session", numbers[one.name], numbers[other.name])
        fix = "Merge one, sync the other, then run there: {}"
        clashes += _shared_locks(repository, one, other, "session", fix)
    for side in sides:
        if (base := bases.get(side.name)) is None:
            continue
        if numbers[side.name]:
            clashes += _shared_numbers(side.name, base.name, "base", numbers[side.name], _numbers(repository, base))
        clashes += _shared_locks(repository, side, base, "base", f"Sync {side.name}, then run there: {{}}")
    return clashes


def _shared_numbers(
    one: str, other: str, against: str, numbers: Mapping[Key, str], others: Mapping[Key, str]
) -> Iterator[Conflict]:
    for key in numbers.keys() & others.keys():
        if numbers[key] != others[key]:  # the same path is what git sees
            what, _place, number = key
            fix = next(rule.fix for rule in NUMBERS if rule.what == what)
            files = tuple(sorted((numbers[key], others[key])))
            yield Conflict("conflict", one, other, against, files, f"both add {what} {number}", fix)


def _shared_locks(repository: Repository, one: Side, other: Side, against: str, fix: str) -> Iterator[Conflict]:
    for path in sorted(one.changes.paths & other.changes.paths):
        command = LOCKS.get(PurePosixPath(path).name)
        if command and not _is_same(repository, one, other, path):
            what = "both change the lock file"
            yield Conflict("conflict", one.name, other.name, against, (path,), what, fix.format(command))


def _is_same(repository: Repository, one: Side, other: Side, path: str) -> bool:
    """Return whether both sides have committed the same *path*, as a session has what its base got of it."""
    works = [side.look.work for side in (one, other) if side.look and side.look.work]
    if any(path in session_changes.uncommitted_changes(work).paths for work in works):
        return False
    ids = [
        git.read_git(repository.main, "rev-parse", "--verify", "--quiet", f"{side.commit}:{path}", check=False)
        for side in (one, other)
    ]
    return ids[0] == ids[1]


def _numbers(repository: Repository, side: Side) -> dict[Key, str]:
    """Return the files with a number that *side* adds, by what must not be there twice."""
    paths, found = _paths(side), dict[Key, str]()
    for rule in NUMBERS:
        for path in paths:
            if (match := rule.path.fullmatch(path)) and (number := _number(repository, side, rule, path)):
                found[rule.what, match["place"], number] = path
    before = _present(repository, side.fork, list(found.values())) if found else set()
    return {key: path for key, path in found.items() if path not in before}


def _paths(side: Side) -> list[str]:
    work = side.look.work if side.look else None
    whole = {path for path in side.changes.paths if not (work and f"{path}/" in work.untracked)}
    if side.look and work and len(whole) < len(side.changes.paths):  # new directories
        whole |= {*worktree_status.list_untracked(side.look.session, work)}
    return sorted(whole - side.changes.deletions)


def _number(repository: Repository, side: Side, rule: NumberRule, path: str) -> str:
    if rule.content is None:
        match = rule.path.fullmatch(path)
        return match["number"].replace("_", ".") if match else ""
    found = rule.content.search(_text(repository, side, path))
    return found["number"] if found else ""


def _text(repository: Repository, side: Side, path: str) -> str:
    if side.look is None:
        return git.read_git(repository.main, "cat-file", "blob", f"{side.commit}:{path}", check=False)
    from ..system.rooted import LeadsOutError, Root

    try:
        return Root(side.look.session.worktree).read(path)[:_MOST].decode(errors="replace")
    except (OSError, LeadsOutError, SessionError):
        return ""


def _present(repository: Repository, commit: str, paths: list[str]) -> set[str]:
    """Return those of *paths* that *commit* has."""
    if not commit:
        return set()
    words = ("ls-tree", "-r", "-z", "--name-only", commit, "--", *paths)
    return {*git.read_git(repository.main, "--literal-pathspecs", *words, check=False).split("\0")}
