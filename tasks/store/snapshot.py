"""A worktree's staged, unstaged and untracked work as commits, made beside its index and without hooks."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import CommandError
from ..model import Session
from ..system import shell
from ..tools.git import NOBODY

_UNMERGED = "staged, with conflicts"
# By git's mark of a file that it doesn't look at: the flag that sets it.
FLAGS = {"S": "--skip-worktree", "s": "--skip-worktree", "h": "--assume-unchanged"}
# Unfinished files of our own commands: see `worktree_status.UNFINISHED`.
_UNFINISHED = f":(exclude,glob)**/.?*.[0-9]*.{'[0-9a-f]' * 8}.tmp*"
_USAGE = 129  # git's exit code for an unknown flag: `--sparse` came with 2.34


def take_snapshot(session: Session, head: str, without: Iterable[str], staged_too: bool = True) -> str:
    """Return a commit that holds the worktree's content, but for the paths in *without*.

    With *staged_too*, what is staged of those is in it as well.

    Its parents are *head*, a commit of what was staged, and the branch's tip when that is elsewhere. On a branch
    without commits an empty one takes the place of *head*.
    """
    with _index_copy(session.worktree) as git:
        head = head or git("commit-tree", git("hash-object", "-w", "-t", "tree", os.devnull), "-m", "no commits")
        without = list(without)
        if not staged_too:
            _unstage(git, without)
        stages = git("ls-files", "--stage", "-z") if git("ls-files", "--unmerged") else ""
        staged = "" if stages else git("write-tree")
        content = _content(git, without)
        staged = staged or _tree_of_stages(git, stages)
        parents = [head, git("commit-tree", staged, "-p", head, "-m", _UNMERGED if stages else "staged")]
        parents += [session.tip] if session.tip not in ("", head) else []
        message = f"Work of the session {session.name}"
        return git("commit-tree", content, *(word for parent in parents for word in ("-p", parent)), "-m", message)


def _tree_of_stages(git: Callable[..., str], stages: str) -> str:
    """Return a tree for an index with conflicts, which can't be written as one: each stage becomes a directory."""
    git("read-tree", "--empty")
    entries = [entry.split("\t", 1) for entry in stages.split("\0") if entry]
    below = (f"{facts[:-1]}0\t{facts[-1]}/{path}\0" for facts, path in entries)
    git("update-index", "-z", "--index-info", given="".join(below))
    return git("write-tree")


def _put_stages_back(session: Session, staged: str) -> None:
    output = shell.read_output("git", "-C", str(session.worktree), "ls-tree", "-r", "-z", "--full-tree", staged)
    entries = [entry.split("\t", 1) for entry in output.split("\0") if entry]
    words_of = ((facts.split(), path) for facts, path in entries)
    lines = (f"{mode} {blob} {path[0]}\t{path[2:]}\0" for (mode, _kind, blob), path in words_of)
    for words, text in (
        (("read-tree", "--empty"), None),
        (("update-index", "-z", "--index-info"), "".join(lines)),
        (("update-index", "-q", "--refresh"), None),
    ):
        argv = ("git", "-C", str(session.worktree), *words)
        shell.run_long(*argv, env=shell.clean_environment(), given=text, check=words[-1] != "--refresh")


def _unstage(git: Callable[..., str], paths: Iterable[str]) -> None:
    """Reset the index of *git* to HEAD at *paths*."""
    pathspecs = "\0".join(f":(top,literal){path}" for path in paths)
    if pathspecs:
        git("reset", "-q", "--pathspec-from-file=-", "--pathspec-file-nul", given=pathspecs)


def _content(git: Callable[..., str], without: Iterable[str]) -> str:
    """Add the worktree's content to the index of *git*, and return its tree."""
    paths = list(without)
    # To exclude by name what is ignored anyway makes `git add` fail.
    question = ("check-ignore", "-z", "--stdin")  # which fails when none is
    ignored = git(*question, given="\0".join(paths), check=False).split("\0") if paths else []
    excluded = [_UNFINISHED, *(f":(exclude,literal){path}" for path in paths if path not in ignored)]
    quiet = ("-c", "advice.addEmbeddedRepo=false", "-c", "core.safecrlf=false")
    adding = (*quiet, "add", "--all", "--pathspec-from-file=-", "--pathspec-file-nul")
    pathspecs = "\0".join([":/", *excluded])
    try:
        git(*adding, "--sparse", given=pathspecs)  # also what is outside of a sparse checkout
    except CommandError as error:
        if error.exit_code != _USAGE:
            raise
        git(*adding, given=pathspecs)
    return git("write-tree")


@contextmanager
def _index_copy(place: Path) -> Iterator[Callable[..., str]]:
    """Yield a function that runs git with a copy of the worktree's index."""
    with tempfile.TemporaryDirectory(prefix="tally-") as scratch:
        index = Path(scratch, "index")
        current = Path(shell.read_output("git", "-C", str(place), "rev-parse", "--git-path", "index").strip())
        if (place / current).exists():
            shutil.copy2(place / current, index)
        environment = {**shell.clean_environment(), **NOBODY, "GIT_INDEX_FILE": str(index)}

        def git(*arguments: str, given: str | None = None, check: bool = True) -> str:
            argv = ("git", "-C", str(place), *arguments)
            return shell.run_long(*argv, env=environment, given=given, check=check, apart=True).strip()

        yield git


def restore_snapshot(session: Session, work: str) -> None:
    """Restore content and index of *work* in the worktree, which is a clean checkout of its first parent."""
    where = ("git", "-C", str(session.worktree))
    shell.run_step(*where, "read-tree", "-m", "-u", f"{work}^1", work)
    if shell.read_output(*where, "log", "-1", "--format=%s", f"{work}^2").strip() == _UNMERGED:
        _put_stages_back(session, f"{work}^2")
    else:
        shell.run_step(*where, "read-tree", "-m", f"{work}^2")


def has_snapshot(place: Path, work: str) -> bool:
    """Return whether the files of the checkout at *place* have the changes of *work*."""
    with _index_copy(place) as git:
        output = git("diff-tree", "-r", "--name-status", "--no-renames", "-z", f"{work}^1", work).split("\0")
        changed = dict(zip(output[1::2], output[::2], strict=False))
        git("read-tree", "--reset", work)  # then git shows the files that differ from its tree
        different = {*git("diff", "--name-status", "--no-renames", "--no-ext-diff", "-z").split("\0")[1::2]}
    undeleted = {path for path, status in changed.items() if status == "D" and os.path.lexists(place / path)}
    return not undeleted and different.isdisjoint(changed)


def revert_to_parent(session: Session, work: str, without: Iterable[str]) -> None:
    """Set the worktree's files to the first parent of *work*; the caller resets the index.

    Raises `SessionError` before any effect when a file was changed since.
    """
    with _index_copy(session.worktree) as git:
        without = list(without)
        _unstage(git, without)
        _content(git, without)
        git("read-tree", "-m", "-u", work, f"{work}^1")  # refuses when one of its files was changed since
