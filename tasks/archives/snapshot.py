"""A worktree's staged, unstaged and untracked work as commits, made beside its index and without hooks."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import shell
from ..errors import CommandError
from ..git import NOBODY
from ..model import Session


def take(session: Session, head: str, without: Iterable[str]) -> str:
    """Return a commit that holds the worktree's content, but for the paths in *without*.

    Its parents are *head*, a commit of what was staged, and the branch's tip when that is elsewhere. On a branch
    without commits an empty one takes the place of *head*.
    """
    with _index_copy(session.worktree) as git:
        head = head or git("commit-tree", git("hash-object", "-w", "-t", "tree", os.devnull), "-m", "no commits")
        try:
            staged = git("write-tree")
        except CommandError:
            if not git("ls-files", "--unmerged"):
                raise
            # A merge with conflicts has no tree; what is in the files is kept all the same.
            staged = git("rev-parse", f"{head}^{{tree}}")
        content = _content(git, without)
        parents = [head, git("commit-tree", staged, "-p", head, "-m", "staged")]
        parents += [session.tip] if session.tip and session.tip != head else []
        message = f"Work of the session {session.name}"
        return git("commit-tree", content, *(word for parent in parents for word in ("-p", parent)), "-m", message)


def _content(git: Callable[..., str], without: Iterable[str]) -> str:
    """Return the tree of what is in the worktree now; the index of *git* has it as well."""
    paths = list(without)
    # To exclude by name what is ignored anyway makes `git add` fail.
    asked = ("check-ignore", "-z", "--stdin")  # which fails when none is
    ignored = git(*asked, given="\0".join(paths), check=False).split("\0") if paths else []
    excluded = [f":(exclude,literal){path}" for path in paths if path not in ignored]
    git("-c", "advice.addEmbeddedRepo=false", "-c", "core.safecrlf=false", "add", "--all", "--", ":/", *excluded)
    return git("write-tree")


@contextmanager
def _index_copy(place: Path) -> Iterator[Callable[..., str]]:
    """Yield git with a copy of the worktree's index: what is added there leaves the worktree's own alone."""
    with tempfile.TemporaryDirectory(prefix="tally-") as scratch:
        index = Path(scratch, "index")
        current = Path(shell.read("git", "-C", str(place), "rev-parse", "--git-path", "index").strip())
        if (place / current).exists():
            shutil.copy2(place / current, index)
        environment = {**shell.environment(), **NOBODY, "GIT_INDEX_FILE": str(index)}

        def git(*arguments: str, given: str | None = None, check: bool = True) -> str:
            argv = ("git", "-C", str(place), *arguments)
            return shell.read(*argv, env=environment, apart=True, given=given, check=check).strip()

        yield git


def hidden(session: Session) -> dict[str, str]:
    """Return the files that git was told not to look at, by the `update-index` flag that told it."""
    listed = shell.read("git", "-C", str(session.worktree), "ls-files", "-v", "-z")
    flags = {"S": "--skip-worktree", "s": "--skip-worktree", "h": "--assume-unchanged"}
    marked = (line.split(" ", 1) for line in listed.split("\0") if line)
    return {path: flags[tag] for tag, path in marked if tag in flags and (session.worktree / path).is_file()}


def put_back(session: Session, work: str) -> None:
    """Give the worktree, checked out clean at the first parent of *work*, its content and its index."""
    where = ("git", "-C", str(session.worktree))
    shell.run(*where, "read-tree", "-m", "-u", f"{work}^1", work)
    shell.run(*where, "read-tree", "-m", f"{work}^2")


def holds(place: Path, work: str) -> bool:
    """Return whether the checkout at *place* has in its files what *work* changed."""
    with _index_copy(place) as git:
        said = git("diff-tree", "-r", "--name-status", "--no-renames", "-z", f"{work}^1", work).split("\0")
        changed = dict(zip(said[1::2], said[::2], strict=False))
        git("read-tree", "--reset", work)  # what is in its tree and not as in the files, is different then
        different = {*git("diff", "--name-status", "--no-renames", "--no-ext-diff", "-z").split("\0")[1::2]}
    there = {path for path, status in changed.items() if status == "D" and os.path.lexists(place / path)}
    return not there and different.isdisjoint(changed)


def take_away(session: Session, work: str, without: Iterable[str]) -> None:
    """Give the worktree the files of the first parent of *work*; the index stays, and is to be reset.

    Raises `SessionError` before any effect when something was changed since.
    """
    with _index_copy(session.worktree) as git:
        _content(git, without)
        git("read-tree", "-m", "-u", work, f"{work}^1")  # refuses when one of its files was changed since
