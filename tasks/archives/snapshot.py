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

_UNMERGED = "staged, with conflicts"
_USAGE = 129  # how git ends that does not know a flag: `--sparse` came with 2.34


def take(session: Session, head: str, without: Iterable[str], needed: Iterable[str] = ()) -> str:
    """Return a commit that holds the worktree's content, but for the paths in *without*.

    Its parents are *head*, a commit of what was staged, the branch's tip when that is elsewhere, and the commits
    *needed* as well. On a branch without commits an empty one takes the place of *head*.
    """
    with _index_copy(session.worktree) as git:
        head = head or git("commit-tree", git("hash-object", "-w", "-t", "tree", os.devnull), "-m", "no commits")
        stages = git("ls-files", "--stage", "-z") if git("ls-files", "--unmerged") else ""
        staged = "" if stages else git("write-tree")
        content = _content(git, without)
        staged = staged or _tree_of_stages(git, stages)
        parents = [head, git("commit-tree", staged, "-p", head, "-m", _UNMERGED if stages else "staged")]
        parents += [each for each in dict.fromkeys((session.tip, *needed)) if each and each != head]
        message = f"Work of the session {session.name}"
        return git("commit-tree", content, *(word for parent in parents for word in ("-p", parent)), "-m", message)


def _tree_of_stages(git: Callable[..., str], stages: str) -> str:
    """Return a tree of an index with conflicts, which has none of its own: each stage is a directory in it."""
    git("read-tree", "--empty")
    entries = [entry.split("\t", 1) for entry in stages.split("\0") if entry]
    below = (f"{facts[:-1]}0\t{facts[-1]}/{path}\0" for facts, path in entries)
    git("update-index", "-z", "--index-info", given="".join(below))
    return git("write-tree")


def _put_stages_back(session: Session, staged: str) -> None:
    said = shell.read("git", "-C", str(session.worktree), "ls-tree", "-r", "-z", "--full-tree", staged)
    entries = [entry.split("\t", 1) for entry in said.split("\0") if entry]
    words_of = ((facts.split(), path) for facts, path in entries)
    lines = (f"{mode} {blob} {path[0]}\t{path[2:]}\0" for (mode, _kind, blob), path in words_of)
    for words, given in (
        (("read-tree", "--empty"), None),
        (("update-index", "-z", "--index-info"), "".join(lines)),
        (("update-index", "-q", "--refresh"), None),
    ):
        shell.read("git", "-C", str(session.worktree), *words, given=given, check=words[-1] != "--refresh")


def _content(git: Callable[..., str], without: Iterable[str]) -> str:
    """Return the tree of what is in the worktree now; the index of *git* has it as well."""
    paths = list(without)
    # To exclude by name what is ignored anyway makes `git add` fail.
    asked = ("check-ignore", "-z", "--stdin")  # which fails when none is
    ignored = git(*asked, given="\0".join(paths), check=False).split("\0") if paths else []
    excluded = [f":(exclude,literal){path}" for path in paths if path not in ignored]
    adding = ("-c", "advice.addEmbeddedRepo=false", "-c", "core.safecrlf=false", "add", "--all")
    try:
        git(*adding, "--sparse", "--", ":/", *excluded)  # also what is outside of a sparse checkout
    except CommandError as error:
        if error.exit_code != _USAGE:
            raise
        git(*adding, "--", ":/", *excluded)
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


def unseen(session: Session) -> tuple[dict[str, str], list[str]]:
    """Return what git's status does not tell: files that git was told not to look at, and untracked directories.

    The files are by the `update-index` flag that told it; the directories may be empty.
    """
    asked = ("-v", "-z", "--cached", "--others", "--directory", "--exclude-standard")
    listed = shell.read("git", "-C", str(session.worktree), "ls-files", *asked)
    flags = {"S": "--skip-worktree", "s": "--skip-worktree", "h": "--assume-unchanged"}
    marked = [line.split(" ", 1) for line in listed.split("\0") if line]
    hidden = {path: flags[tag] for tag, path in marked if tag in flags and (session.worktree / path).is_file()}
    return hidden, [path for tag, path in marked if tag == "?" and path.endswith("/")]


def put_back(session: Session, work: str) -> None:
    """Give the worktree, checked out clean at the first parent of *work*, its content and its index."""
    where = ("git", "-C", str(session.worktree))
    shell.run(*where, "read-tree", "-m", "-u", f"{work}^1", work)
    if shell.read(*where, "log", "-1", "--format=%s", f"{work}^2").strip() == _UNMERGED:
        _put_stages_back(session, f"{work}^2")
    else:
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
