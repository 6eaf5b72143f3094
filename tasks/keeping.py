"""Files kept by a second name: they are about to lose their first, and nothing has to be copied."""

from __future__ import annotations

import filecmp
import os
import shutil
from pathlib import Path

from . import copying, git
from .model import Session

# Made anew by a package manager, a compiler or a server; never the only copy of anything.
_REGENERATED = frozenset(
    "node_modules .venv venv __pycache__ .vite .svelte-kit .pytest_cache .mypy_cache .ruff_cache .tox .nox".split()
)


def keep(session: Session, directory: Path, paths: set[str], differing: bool = True) -> list[str]:
    """Keep *paths*; only those that are *differing* from the main checkout's and are not made anew, unless told."""
    kept = []
    for path in sorted(paths):
        source, original = session.worktree / path, session.repository.main / path
        if not os.path.lexists(source) or path in session.link:
            continue
        if differing and (_regenerated(path) or _same(source, original)):
            continue
        (directory / path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        link_or_copy(source, directory / path)
        kept.append(path)
    return kept


def submodules(session: Session, directory: Path) -> list[str]:
    """Keep the data of initialised submodules, which git deletes with the worktree; return their paths."""
    data = Path((session.worktree / ".git").read_text().removeprefix("gitdir:").strip()) / "modules"
    if not data.is_dir():
        return []
    link_or_copy(data, directory / "modules")
    listed = git.read(session.worktree, "config", "--file", ".gitmodules", "--get-regexp", r"\.path$", check=False)
    return [line.split(" ", 1)[1] for line in listed.splitlines()]


def _regenerated(path: str) -> bool:
    return not _REGENERATED.isdisjoint(Path(path).parts) or path.endswith(".pyc")


def _same(source: Path, original: Path) -> bool:
    if source.is_symlink() or not source.is_file() or not original.is_file():
        return False
    return not Path(f"{source}-wal").exists() and filecmp.cmp(source, original, shallow=False)


def link_or_copy(source: Path, target: Path) -> None:
    """Give *source*, a file or directory, the second name *target*; copy it to another file system."""
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(
            source, target, symlinks=True, copy_function=_linked, ignore=shutil.ignore_patterns(*_REGENERATED)
        )
    else:
        _linked(str(source), str(target))


def _linked(source: str, target: str) -> None:
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    try:
        os.link(source, target)
    except OSError:  # another file system
        copying.copy(Path(source), Path(target))
