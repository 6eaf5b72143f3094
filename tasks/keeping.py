"""Files kept by a second name: they are about to lose their first, and nothing has to be copied."""

from __future__ import annotations

import filecmp
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from . import copying, git, work
from .model import Session

# Made anew by a package manager, a compiler or a server; never the only copy of anything.
_REGENERATED = frozenset(
    "node_modules .venv venv __pycache__ .vite .svelte-kit .pytest_cache .mypy_cache .ruff_cache .tox .nox".split()
)


def keep(session: Session, directory: Path, paths: set[str]) -> list[str]:
    """Keep those of *paths* that exist and are not links to the main checkout's; return them."""
    kept = []
    for path in sorted(paths):
        source = session.worktree / path
        if os.path.lexists(source) and path not in session.link:
            (directory / path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            link_or_copy(source, directory / path)
            kept.append(path)
    return kept


def unique(paths: set[str]) -> set[str]:
    """Return *paths* without those that are made anew, and without copies of ours that were never finished."""
    made_anew = {p for p in paths if not _REGENERATED.isdisjoint(Path(p).parts) or p.endswith(".pyc")}
    return {path for path in paths - made_anew if not work.UNFINISHED.search(f"/{path}")}


def is_same(session: Session, path: str) -> bool:
    """Return whether the main checkout has the same file at *path*."""
    source, original = session.worktree / path, session.repository.main / path
    if source.is_symlink() or not source.is_file() or not original.is_file() or Path(f"{source}-wal").exists():
        return False
    return filecmp.cmp(source, original, shallow=False)


def modes(session: Session, paths: Iterable[str]) -> dict[str, int]:
    """Return the modes of the files among *paths* that git would not bring back: private ones, above all."""
    found = {path: session.worktree / path for path in paths}
    files = {path: file for path, file in found.items() if file.is_file() and not file.is_symlink()}
    numbers = {path: stat.S_IMODE(file.stat().st_mode) for path, file in files.items()}
    return {path: mode for path, mode in numbers.items() if mode not in (0o644, 0o755)}


def submodules(session: Session, directory: Path) -> list[str]:
    """Keep the data of initialised submodules, which git deletes with the worktree; return their paths."""
    data = Path((session.worktree / ".git").read_text().removeprefix("gitdir:").strip()) / "modules"
    if not data.is_dir():
        return []
    link_or_copy(data, directory / "modules")
    return _submodule_paths(session)


def give_back_submodules(session: Session, directory: Path) -> None:
    """Put the data of submodules where git has that of the worktree, and make room for their files."""
    data = Path((session.worktree / ".git").read_text().removeprefix("gitdir:").strip()) / "modules"
    if (directory / "modules").is_dir():
        give_back(directory / "modules", data)
        for path in _submodule_paths(session):
            if (session.worktree / path).is_dir() and not any((session.worktree / path).iterdir()):
                (session.worktree / path).rmdir()


def _submodule_paths(session: Session) -> list[str]:
    listed = git.read(session.worktree, "config", "--file", ".gitmodules", "--get-regexp", r"\.path$", check=False)
    return [line.split(" ", 1)[1] for line in listed.splitlines()]


def link_or_copy(source: Path, target: Path) -> None:
    """Give *source*, a file or directory, the second name *target*; copy it to another file system."""
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True, copy_function=_linked, ignore=_left_out)
    else:
        _linked(str(source), str(target))


def give_back(source: Path, target: Path) -> None:
    """Make *target*, unless it is there, a copy of *source*, which stays as it is whatever is done to *target*."""
    if os.path.lexists(target):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target, follow_symlinks=False)


def _left_out(directory: str, names: list[str]) -> set[str]:
    """Name the directories that are made anew; inside of a repository's own data nothing is."""
    if ".git" in Path(directory).parts or "modules" in Path(directory).parts:
        return set()
    return {name for name in names if name in _REGENERATED and os.path.isdir(os.path.join(directory, name))}


def _linked(source: str, target: str) -> None:
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    try:
        os.link(source, target)
    except OSError:  # another file system
        copying.copy(Path(source), Path(target))
