"""Files kept by a second name: they are about to lose their first, and nothing has to be copied."""

from __future__ import annotations

import filecmp
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from .. import git, work
from ..machine import copying, envfile, unchanged
from ..model import Session

# Made anew by a package manager, a compiler or a server; never the only copy of anything.
_REGENERATED = frozenset(
    "node_modules .venv venv __pycache__ .vite .svelte-kit .pytest_cache .mypy_cache .ruff_cache .tox .nox".split()
)

# In git's directory for a worktree, while something is going on in it; and what belongs to that, but may also stay.
_IN_PROGRESS = ("rebase-*", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_START", "sequencer")
_NOTES = ("MERGE_*", "BISECT_*", "AUTO_MERGE")


def keep(session: Session, directory: Path, paths: set[str]) -> list[str]:
    """Keep those of *paths* that exist and are not links of ours; return them."""
    kept = []
    for path in sorted(paths):
        source = session.worktree / path
        if _is_file_or_directory(source) and not (path in session.link and source.is_symlink()):
            (directory / path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            link_or_copy(source, directory / path)
            kept.append(path)
    return kept


def _is_file_or_directory(path: Path) -> bool:
    return path.is_symlink() or path.is_file() or path.is_dir()  # what else there is, as a socket, holds nothing


def unique(paths: set[str]) -> set[str]:
    """Return *paths* without what is made anew, what lies below another, and our copies that were never finished."""
    made_anew = {p for p in paths if not _REGENERATED.isdisjoint(Path(p).parts) or p.endswith(".pyc")}
    below = {p for p in paths if any(str(parent) in paths for parent in Path(p).parents)}
    return {path for path in paths - made_anew - below if not work.UNFINISHED.search(f"/{path}")}


def is_same(session: Session, path: str) -> bool:
    """Return whether the main checkout has the same file at *path*."""
    source, original = session.worktree / path, session.repository.main / path
    if source.is_symlink() or not source.is_file() or not original.is_file() or Path(f"{source}-wal").exists():
        return False
    return unchanged.is_same(work.copies(session), source, original) or filecmp.cmp(source, original, shallow=False)


def is_ours(session: Session, path: str) -> bool:
    """Return whether the file at *path* is wholly ours and as we made it: it is made anew when it is needed."""
    return path in session.env_files and envfile.only(session.worktree / path, session.env[path])


def private(session: Session, paths: Iterable[str]) -> list[str]:
    """Return the files among *paths* that nobody else may read: git would let everybody."""
    files = [path for path in paths if (session.worktree / path).is_file()]
    return [path for path in files if not (session.worktree / path).lstat().st_mode & (stat.S_IRGRP | stat.S_IROTH)]


def in_progress(session: Session) -> list[Path]:
    """Return git's notes of a merge, rebase or bisection that is going on in the worktree."""
    data = git.data_of(session.worktree)
    return going_on(data) if data else []


def going_on(data: Path) -> list[Path]:
    """Return the same notes in git's directory *data* for a worktree or the main checkout."""
    return [entry for pattern in _IN_PROGRESS for entry in data.glob(pattern)]


def unfinished(session: Session, directory: Path) -> None:
    """Keep git's notes of what is going on."""
    data = git.data_of(session.worktree)
    found = in_progress(session)
    more = {entry for pattern in _NOTES for entry in data.glob(pattern)} if data and found else set()
    for entry in sorted({*found, *more}):
        directory.mkdir(exist_ok=True, mode=0o700)
        link_or_copy(entry, directory / entry.name)


def submodules(session: Session, directory: Path) -> list[str]:
    """Keep the data of initialised submodules, which git deletes with the worktree; return their paths."""
    data = (git.data_of(session.worktree) or session.worktree) / "modules"
    if not data.is_dir():
        return []
    link_or_copy(data, directory / "modules")
    return _submodule_paths(session)


def give_back_submodules(session: Session, directory: Path) -> None:
    """Put the data of submodules where git has that of the worktree, and make room for their files."""
    data = (git.data_of(session.worktree) or session.worktree) / "modules"
    if (directory / "modules").is_dir():
        give_back(directory / "modules", data)
        for path in _submodule_paths(session):
            if (session.worktree / path).is_dir() and not any((session.worktree / path).iterdir()):
                (session.worktree / path).rmdir()


def _submodule_paths(session: Session) -> list[str]:
    listed = git.read(session.worktree, "config", "--file", ".gitmodules", "--get-regexp", r"\.path$", check=False)
    return [line.split(" ", 1)[1] for line in listed.split("\n")[:-1]]


def link_or_copy(source: Path, target: Path) -> None:
    """Give *source*, a file or directory, the second name *target*; copy it to another file system."""
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True, copy_function=_linked, ignore=_left_out)
    else:
        _linked(str(source), str(target))


def give_back(source: Path, target: Path) -> None:
    """Make *target* a copy of *source*, which stays as it is whatever is done to *target*."""
    if target.is_dir() and not target.is_symlink() and source.is_dir():
        for entry in source.iterdir():
            give_back(entry, target / entry.name)
        return
    target.unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target, follow_symlinks=False)


def _left_out(directory: str, names: list[str]) -> set[str]:
    """Name the directories that are made anew; inside of a repository's own data nothing is."""
    left = {name for name in names if not _is_file_or_directory(Path(directory, name))}
    if ".git" not in Path(directory).parts and "modules" not in Path(directory).parts:
        left |= {name for name in names if name in _REGENERATED and os.path.isdir(os.path.join(directory, name))}
    return left


def _linked(source: str, target: str) -> None:
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    try:
        os.link(source, target)
    except OSError:  # another file system
        copying.copy(Path(source), Path(target))
