"""Edits in a worktree that git is about to overwrite without asking: kept in a commit, and put back where they belong.

A file is kept as it is on the disk, byte for byte: no filter of git's sees it.
"""

from __future__ import annotations

import os
import shlex
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ..model import Session
from ..system import shell
from ..system.rooted import LeadsOutError, Root
from ..tools import git

_PLACE = "refs/tally/kept"
_FORM = "%Y%m%dT%H%M%S.%f"
_LINK = "120000"
_AGAIN = {"h": "--assume-unchanged", "S": "--skip-worktree", "s": "--skip-worktree"}


class KeptEdits(NamedTuple):
    """The files of *place* that the commit at *reference* holds: of each its mode and blob, and what git had there."""

    place: Path
    reference: str
    files: dict[str, tuple[int, str]]
    committed: dict[str, str]

    def restoring(self, paths: Iterable[str]) -> str:
        """Return the command that brings *paths* back."""
        return f"git -C {shlex.quote(str(self.place))} checkout {self.reference} -- {shlex.join(paths)}"


def find_hidden_edits(place: Path) -> list[str]:
    """Return the edited files of *place* that git was told not to look at: a `reset --hard` overwrites them."""
    marked = [line.split(" ", 1) for line in git.read_git(place, "ls-files", "-v", "-z").split("\0") if line]
    hidden = {path for tag, path in marked if tag in _AGAIN and os.path.lexists(place / path)}
    return [path for path in _differing(place, "HEAD") if path in hidden] if hidden else []


def find_stop(place: Path) -> str:
    """Return the tree with which git stopped in *place*: it has the conflicts as git wrote them; HEAD without one."""
    return git.read_git(place, "rev-parse", "--verify", "--quiet", "AUTO_MERGE", check=False).strip() or "HEAD"


def find_edits_since(place: Path, base: str, back: str) -> list[str]:
    """Return what somebody changed in *place* since git stopped there, and what is in the way of going *back*."""
    base_paths = _paths(git.read_git(place, "ls-tree", "-r", "--name-only", "-z", "--full-tree", base))
    tracked = {*_paths(git.read_git(place, "ls-files", "-z"))}
    added = tracked - {*base_paths}
    coming = {*_paths(git.read_git(place, "ls-tree", "-r", "--name-only", "-z", "--full-tree", back))} - tracked
    beside = {path for path in added | coming if os.path.lexists(place / path)}
    candidates = {*_differing(place, base), *beside}
    # Then git itself put it there; what it had not added to its index yet is in its own way.
    same = set() if base != "HEAD" else (candidates & tracked) - {*_differing(place, back)}
    return sorted(path for path in candidates - same if not (place / path).is_dir() or (place / path).is_symlink())


def save_edits(session: Session, paths: Iterable[str], base: str = "HEAD") -> KeptEdits | None:
    """Keep the files at *paths* in the worktree of *session*, where git put *base*; None when there are none."""
    place, files = session.worktree, {}
    for path in paths:
        status = (place / path).lstat()
        if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
            files[path] = (status.st_mode, _blob(place, path, status.st_mode))
    if not files:
        return None
    with _index(place) as run:
        lines = (f"{_mode(mode)} {blob}\t{path}\0" for path, (mode, blob) in files.items())
        run("update-index", "-z", "--index-info", given="".join(lines))
        message = f"Edits in {session.name}, kept before git could overwrite them"
        commit = run("commit-tree", run("write-tree").strip(), "-p", "HEAD", "-m", message).strip()
    reference = f"{_PLACE}/{session.slug}/{datetime.now().strftime(_FORM)}"
    git.run_git(place, "update-ref", reference, commit)
    return KeptEdits(place, reference, files, _committed(place, base, files))


def clear_way(edits: KeptEdits) -> None:
    """Take the kept files out of the way of a git that would refuse to overwrite them."""
    tracked = {*_paths(git.read_git(edits.place, "ls-files", "-z", "--cached"))}
    unmerged = {line.split("\t", 1)[1] for line in _paths(git.read_git(edits.place, "ls-files", "-z", "--unmerged"))}
    loose = [path for path in edits.files if path not in tracked]
    names = "\0".join(path for path in edits.files if path in tracked - unmerged)
    if names:
        git.settle_git(edits.place, "checkout-index", "-f", "-u", "-q", "-z", "--stdin", given=names)
    root = Root(edits.place, follows=False)
    for path in loose:
        with suppress(LeadsOutError):  # git refuses it by itself
            root.delete(path)


def put_back_edits(edits: KeptEdits, always: bool = False) -> list[str]:
    """Write the kept files again where git has committed the same as before; return the others.

    With *always* it writes all of them: git did nothing. What is written in full needs no copy any more.
    """
    now = _committed(edits.place, "HEAD", edits.files)
    same = {path: f"{_mode(mode)} blob {blob}" for path, (mode, blob) in edits.files.items()}
    rest = [path for path in same if now.get(path) not in (edits.committed.get(path), same[path]) and not always]
    for path, (mode, blob) in edits.files.items():
        if path not in rest and not _write(edits.place, path, mode, blob):
            rest.append(path)
    if not rest:
        git.run_git(edits.place, "update-ref", "-d", edits.reference)
    return sorted(rest)


def _write(place: Path, path: str, mode: int, blob: str) -> bool:
    """Return whether *path* has the content of *blob* now: what lies behind a link, or is a directory, is not ours."""
    root, content = Root(place, follows=False), git.read_blob(place, blob)
    try:
        root.make_directory(os.path.dirname(path) or ".")
        status = root.lstat(path)
        if status is not None and stat.S_ISDIR(status.st_mode):
            return False
        if stat.S_ISLNK(mode):
            root.delete(path)
            root.symlink(os.fsdecode(content), path)
        elif status is None or status.st_mode != mode or root.read(path) != content:
            root.delete(path)  # a link, or of another mode
            root.write(path, content, stat.S_IMODE(mode))
    except LeadsOutError:
        return False
    return True


def _differing(place: Path, tree: str) -> list[str]:
    """Return the files of *place* that are there, and not as in *tree*, whatever git was told not to look at."""
    with _index(place) as run:
        run("read-tree", tree)
        run("update-index", "-q", "--refresh", check=False)
        return _paths(run("diff-files", "--name-only", "-z", "--diff-filter=d"))


def _committed(place: Path, tree: str, paths: Iterable[str]) -> dict[str, str]:
    names = {*paths}
    listing = _paths(git.read_git(place, "ls-tree", "-r", "-z", "--full-tree", tree))
    entries = (entry.split("\t", 1) for entry in listing)
    return {path: facts for facts, path in entries if path in names}


def _blob(place: Path, path: str, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return git.read_git(place, "hash-object", "-w", "--stdin", given=os.readlink(place / path)).strip()
    return git.read_git(place, "hash-object", "-w", "--no-filters", "--", str(place / path)).strip()


def _mode(mode: int) -> str:
    return _LINK if stat.S_ISLNK(mode) else "100755" if mode & stat.S_IXUSR else "100644"


def _paths(output: str) -> list[str]:
    return [path for path in output.split("\0") if path]


@contextmanager
def _index(place: Path) -> Iterator[Callable[..., str]]:
    """Yield git with an empty index of its own."""
    with tempfile.TemporaryDirectory(prefix="tally-") as scratch:
        environment = {**shell.clean_environment(), **git.NOBODY, "GIT_INDEX_FILE": str(Path(scratch, "index"))}

        def run(*arguments: str, given: str | None = None, check: bool = True) -> str:
            return shell.read_output("git", "-C", str(place), *arguments, env=environment, given=given, check=check)

        yield run
