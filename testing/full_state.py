"""A complete snapshot of a worktree: bytes, modes and times of its files, and everything that git records about it."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from pathlib import Path

_KINDS = {stat.S_IFDIR: "directory", stat.S_IFLNK: "link", stat.S_IFREG: "file", stat.S_IFIFO: "fifo"}


def _git(place: Path, *arguments: str) -> str:
    argv = ["git", "-C", str(place), "--no-optional-locks", *arguments]
    run = subprocess.run(argv, capture_output=True, text=True, errors="surrogateescape", check=False)
    return f"{run.returncode} {run.stdout}"


def _entry(path: Path) -> tuple[object, ...]:
    found = path.lstat()
    kind = _KINDS[stat.S_IFMT(found.st_mode)]
    content = ""
    if kind == "link":
        content = os.readlink(path)
    elif kind == "file":
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    own = kind == "directory" and (
        path.name == ".git" or "modules" in path.parts
    )  # changes whenever git creates a lock
    return kind, oct(stat.S_IMODE(found.st_mode)), 0 if own else found.st_mtime_ns, content


def files(top: Path) -> dict[str, tuple[object, ...]]:
    """Return what is below *top* by its path: kind, mode, time and content."""
    found: dict[str, tuple[object, ...]] = {}
    for directory, names, entries in os.walk(top):
        for path in (Path(directory, name) for name in (*names, *entries)):
            found[str(path.relative_to(top))] = _entry(path)
    return found


def of(worktree: Path) -> dict[str, object]:
    """Return the files of *worktree*, and of git's directory for it, and how git sees it."""
    admin = Path(subprocess.check_output(["git", "-C", str(worktree), "rev-parse", "--git-dir"], text=True).strip())
    return {
        "files": files(worktree), "admin": files(admin), "flags": _git(worktree, "ls-files", "-s", "-v"),
        "status": _git(worktree, "status", "--porcelain=v2", "--branch", "--ignored", "--untracked-files=all"),
        "refs": _git(worktree, "for-each-ref", "refs/heads", "refs/stash", "refs/bisect", "refs/worktree", "refs/tags"),
        "reflog": _git(worktree, "reflog", "--date=raw"), "branch": _git(worktree, "reflog", "show", "--all"),
        "stash": _git(worktree, "stash", "list"), "config": _git(worktree, "config", "--local", "--list"),
        "worktrees": _git(worktree, "worktree", "list", "--porcelain"), "fsck": _git(worktree, "fsck", "--no-dangling"),
    }  # fmt: skip


def differing(before: dict[str, object], after: dict[str, object]) -> dict[str, object]:
    """Return the differences between two snapshots, file by file."""
    found: dict[str, object] = {}
    for key, value in before.items():
        other = after[key]
        if isinstance(value, dict) and isinstance(other, dict):
            for path in sorted({*value, *other}):
                if value.get(path) != other.get(path):
                    found[f"{key}: {path}"] = (value.get(path), other.get(path))
        elif value != other:
            found[key] = (value, other)
    return found
