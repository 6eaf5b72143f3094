"""Whether two worktrees have the same files, to the byte, and how to make them so."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from ..errors import SessionError
from ..model import Session


def require(original: Session, copy: Session, paths: Iterable[str]) -> None:
    """Make each of *paths* in the worktree of *copy* what it is in that of *original*.

    Git's filters and attributes may change what they pass on, and git keeps of a mode one bit. Raises `SessionError`
    for what cannot be made the same.
    """
    for path in paths:
        one, other = original.worktree / path, copy.worktree / path
        if one.is_file() and not one.is_symlink() and other.is_file() and not other.is_symlink():
            if not filecmp.cmp(one, other, shallow=False):
                shutil.copyfile(one, other)
            shutil.copymode(one, other)
        if not _same(one, other):
            raise SessionError(f"{other} is not as {one}")


def hold(original: Session, copy: Session, paths: Iterable[str]) -> bool:
    """Return whether both have the same at all of *paths*."""
    return all(_same(original.worktree / path, copy.worktree / path) for path in paths)


def _same(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and os.readlink(one) == os.readlink(other)
    if one.is_file():
        return other.is_file() and filecmp.cmp(one, other, shallow=False)
    return not other.is_file()
