"""Files that two branches each add with different content: git may merge them, but only one of them was meant."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from ..model import Repository
from ..system import shell
from .clash_rules import LOCKS
from .session_changes import Pair, Side

WHY = "both add, with different content"


def find_added_twice(
    repository: Repository, shared: Mapping[Pair, Iterable[str]], forks: Mapping[Pair, str], env: Mapping[str, str]
) -> dict[Pair, frozenset[str]]:
    """Return by pair those of its *shared* paths that its fork doesn't have, and its commits have differently.

    Lock files have a rule of their own. It is one process of git for all.
    """
    asked = [
        (pair, path)
        for pair, paths in shared.items()
        for path in sorted(paths)
        if PurePosixPath(path).name not in LOCKS and "\n" not in path
    ]
    if not asked:
        return {}
    names = "".join(f"{commit}:{path}\0" for pair, path in asked for commit in (forks[pair], *pair))
    argv = ("git", "-C", str(repository.main), "cat-file", "-z", "--batch-check=%(objectname)")
    objects = shell.read_output(*argv, env=dict(env), given=names).splitlines()
    twice: dict[Pair, set[str]] = {}
    for (pair, path), fork, one, other in zip(asked, objects[::3], objects[1::3], objects[2::3], strict=True):
        is_new = fork.endswith(" missing") and not one.endswith(" missing") and not other.endswith(" missing")
        if is_new and one != other:
            twice.setdefault(pair, set()).add(path)
    return {pair: frozenset(paths) for pair, paths in twice.items()}


def describe_fix(one: Side, other: Side, path: str) -> str:
    """Return what to do about *path*, which both sides add."""
    if one.look is None or (other.look is None and other.base):  # on another machine: its branch was fetched
        one, other = (one, other) if one.look is None else (other, one)
        place = ["-C", str(other.look.session.worktree)] if other.look else []
        commits = [one.commit[:12], *([] if other.look else [other.commit[:12]])]
        return _fix(["git", *place, "diff", *commits, "--", path])
    tree = one.look.session.worktree
    if other.look is None:
        compare = ["git", "-C", str(tree), "diff", other.name, "--", path]
    else:
        compare = ["diff", str(tree / path), str(other.look.session.worktree / path)]
    return _fix(compare)


def _fix(compare: list[str]) -> str:
    return f"Give one of them another name, or make them the same. Compare: {shlex.join(compare)}"
