"""git's records of linked worktrees, read from its files; those of others come and go while we look."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .model import Repository


def text(file: Path) -> str:
    """Return what *file* of git's says in one line, whatever its bytes are; empty when it is gone."""
    try:
        return os.fsdecode(file.read_bytes()).strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def worktrees(repository: Repository) -> Iterator[tuple[Path, Path]]:
    """Yield of each linked worktree git's own directory for it, and where it is or was."""
    for entry in _entries(repository):
        if recorded := text(entry / "gitdir"):  # which may be relative to the entry
            yield entry, Path(os.path.normpath(entry / recorded)).parent


def directories(repository: Repository) -> list[Path]:
    """Return git's own directories for the main checkout and for each linked worktree."""
    return [repository.common, *_entries(repository)]


def _entries(repository: Repository) -> list[Path]:
    top = repository.common / "worktrees"
    try:
        return [top / name for name in os.listdir(top)]
    except FileNotFoundError:
        return []
