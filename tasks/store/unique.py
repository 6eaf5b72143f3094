"""Whether a removed session holds work that exists nowhere else."""

from __future__ import annotations

import filecmp
import os
from pathlib import Path

from ..model import Repository
from ..system import envfile
from ..tools import git
from . import held, thinning
from .archive import Archive


def holds_work(repository: Repository, saved: Archive) -> bool:
    """Return whether *saved* has work that is neither in a branch nor, unchanged, in the main checkout."""
    if not saved.is_whole or saved.facts["nested"] or held.in_progress(saved.admin):
        return True
    ends = [each for each in (saved.facts["held"], saved.facts["tip"], saved.facts["head"]) if each]
    own = int(saved.facts["held"] not in ("", *ends[1:]))  # the commit that holds the others is our own
    references = ("--branches", "--remotes", "--tags")
    if ends and int(git.read_git(repository.main, "rev-list", "--count", *ends, "--not", *references)) > own:
        return True
    return bool(held.staged_blobs(repository, saved.admin, saved.facts["head"])) or not _is_known(repository, saved)


def _is_known(repository: Repository, saved: Archive) -> bool:
    """Return whether every file of the worktree is in git or the main checkout, and none was deleted."""
    head = saved.facts["head"]
    tracked = thinning.tracked_files(str(repository.common), head) if head else {}
    thinned = thinning.noted_files(str(saved.directory))
    for directory, names, files in os.walk(saved.tree):
        if ".git" in names:
            return False
        for path in (Path(directory, name) for name in files):
            within = str(path.relative_to(saved.tree))
            if within != ".git" and not _is_same(repository, saved, path, tracked):
                return False
    missing = {path for path in tracked if not os.path.lexists(saved.tree / path)}
    return missing <= thinned


def _is_same(repository: Repository, saved: Archive, path: Path, tracked: dict[str, str]) -> bool:
    within = str(path.relative_to(saved.tree))
    if within in tracked and not path.is_symlink():
        return thinning.has_content(str(path), tracked[within])
    original = repository.main / within
    if path.is_symlink():
        return original.exists()  # our own link, or one that the main checkout has, too
    if values := saved.facts["row"].get("env", {}).get(within):
        return _has_only_values(original, path, values)
    return within in saved.facts["files"] and original.is_file() and filecmp.cmp(path, original, shallow=False)


def _has_only_values(original: Path, path: Path, values: dict[str, str]) -> bool:
    """Return whether the file *path* is what *original* is, or an empty file, with *values* that were set by us."""
    before = original.read_bytes().decode("utf-8", "surrogateescape") if original.is_file() else ""
    return path.read_bytes() == envfile.with_values(before, values).encode("utf-8", "surrogateescape")
