"""Which files of the main checkout a session gets copies of: those of `copy`, and of a `.worktreeinclude`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import quote_text
from ..model import Repository
from ..system.patterns import late_pattern
from ..system.progress import notice
from ..tools import git, worktrees

_INCLUDE = ".worktreeinclude"  # Claude Code and others read it, too
_ODD = late_pattern("[\x00-\x1f\x7f\ud800-\udfff]")
_REGISTRY = ".tally-sessions"
_SIDE_FILE = late_pattern(r"-(wal|shm|journal)$")


def is_pattern(path: str) -> bool:
    """Return whether *path* stands for any number of files."""
    return bool(re.search(r"[*?\[]", path))


def expand_patterns(paths: Sequence[str], repository: Repository, worktree: Path) -> tuple[str, ...]:
    """Return *paths* with what each pattern in it stands for, and what the committed `.worktreeinclude` names.

    Patterns are git's, of untracked files; a file that the `.worktreeinclude` names must be ignored as well. None
    stands for the registry, or for a directory with worktrees in it, as *worktree* will be.
    """
    found = dict.fromkeys(each for each in paths if not is_pattern(each))
    if patterns := [each for each in paths if is_pattern(each)]:
        found |= dict.fromkeys(_matching(patterns, repository))
    if included := _committed_include(repository):
        found |= dict.fromkeys(_ignored(_matching(included, repository), repository))
    named, places = {*paths}, [worktree, *(place for _entry, place in worktrees.linked_worktrees(repository))]
    for each in [each for each in found if each not in named]:
        whole = repository.main / each
        if each == _REGISTRY or any(place.is_relative_to(whole) or whole.is_relative_to(place) for place in places):
            del found[each]
    return tuple(each for each in found if _SIDE_FILE.sub("", each) == each or _SIDE_FILE.sub("", each) not in found)


def _committed_include(repository: Repository) -> list[str]:
    """Return the lines of the committed file; an uncommitted one was not approved."""
    if not (repository.main / _INCLUDE).is_file():
        return []
    text = git.read_git(repository.main, "show", f"HEAD:{_INCLUDE}", check=False)
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _matching(patterns: Sequence[str], repository: Repository) -> list[str]:
    """Return the untracked files, and whole directories, that match *patterns*."""
    import tempfile

    with tempfile.NamedTemporaryFile("w", prefix="tally-", errors="surrogateescape") as file:  # too many for arguments
        file.write("".join(f"{each}\n" for each in patterns))
        file.flush()
        words = ("ls-files", "-z", "--others", "--ignored", "--directory", f"--exclude-from={file.name}")
        listed = git.read_git(repository.main, *words)
    paths = [each.rstrip("/") for each in listed.split("\0") if each]
    for odd in [each for each in paths if _ODD.search(each)]:  # a row can't have it, or show it
        notice(f"{quote_text(odd)} was left out: its name is not plain text.")
        paths.remove(odd)
    return paths


def _ignored(paths: Sequence[str], repository: Repository) -> list[str]:
    if not paths:
        return []
    from ..system import shell

    argv = ("git", "-C", str(repository.main), "check-ignore", "-z", "--stdin")
    output = shell.read_output(*argv, given="\0".join(paths), check=False)
    return [each for each in output.split("\0") if each]
