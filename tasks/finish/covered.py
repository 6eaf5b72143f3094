"""Files that git would overwrite without asking, because it ignores them or does not know them any more."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from .. import git
from ..errors import SessionError


def occupied(place: Path, path: str) -> bool:
    """Return whether something is at *path*, or instead of a directory that leads to it."""
    above = (place / parent for parent in Path(path).parents)
    return os.path.lexists(place / path) or any(each.is_symlink() or each.is_file() for each in above)


def listed(said: str) -> list[str]:
    """Return the paths that git said with `-z`."""
    return [path for path in said.split("\0") if path]


def changed(place: Path, old: str, new: str, kinds: str = "") -> list[str]:
    """Return the paths that differ between two commits, of all *kinds* or those that `--diff-filter` knows."""
    only = (f"--diff-filter={kinds}",) if kinds else ()
    return listed(git.read(place, "diff-tree", "-r", "--name-only", "-z", "--no-renames", *only, old, new))


def passing(place: Path, old: str, new: str) -> list[str]:
    """Return the paths that come or go in a commit between *old* and *new*: a rebase checks each of them out."""
    words = ("log", "-z", "--format=", "--name-only", "--no-renames", "--diff-filter=AD", f"{old}...{new}", "--")
    return listed(git.read(place, *words))


def refuse(place: Path, coming: Iterable[str]) -> None:
    """Raise `SessionError` when the checkout *place* has a file at a path that is *coming* and that it does not track.

    One that is tracked is none of ours: git refuses to overwrite what was changed there.
    """
    known = set(listed(git.read(place, "ls-files", "-z")))
    for path in sorted({*coming} - known):
        if occupied(place, path) and not known & {str(parent) for parent in Path(path).parents}:
            raise SessionError(
                f"{place / path} is there, untracked or ignored, and would be overwritten by what is committed now"
                " under its name; move it away first"
            )
