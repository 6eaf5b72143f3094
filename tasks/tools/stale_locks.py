"""Lock files of a git that was killed: git fails until somebody removes them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..model import Problem, Repository
from ..system import locks
from . import worktrees

if TYPE_CHECKING:
    import psutil

_OLD = 2.0  # seconds; git itself holds most of its locks for some milliseconds
_WITHOUT_LOCKS = ("fsmonitor--daemon", "credential-cache--daemon", "cat-file", "log", "show", "blame")
_SKIPPED = ("objects", "modules", "lfs", "tally-sessions", "worktrees", "hooks")  # which have no locks of this checkout


class Lock(NamedTuple):
    """A lock file of git's."""

    path: Path
    inode: int
    owner: int
    time: float


def stale_lock_problems(repository: Repository) -> list[Problem]:
    """Return the locks that stop git and that no process of git holds."""
    why = "git was killed, and fails until the lock is removed"
    fix = "inv session.doctor --fix"
    return [Problem(f"Git's lock {lock.path} is stale", why, fix) for lock in stale_locks(repository)]


def remove_stale_locks(repository: Repository) -> None:
    """Remove the locks that no process of git holds."""
    if not stale_locks(repository):
        return
    with locks.file_lock(repository.private / "stale-locks.lock"):
        for lock in stale_locks(repository):  # one that another doctor removed may exist again, and be held
            lock.path.unlink(missing_ok=True)


def stale_locks(repository: Repository) -> list[Lock]:
    """Return git's locks of the main checkout and of all worktrees that nobody holds."""
    candidates = [lock for directory in worktrees.admin_dirs(repository) for lock in _locks(directory)]
    old = [lock for lock in candidates if time.time() - lock.time > _OLD]
    if not old:
        return []
    running, places = list(_processes()), _places(repository)
    return [lock for lock in old if not any(_may_hold(process, lock, places) for process in running)]


def _locks(directory: Path) -> Iterator[Lock]:
    """Yield the locks in git's own *directory* for a checkout."""
    for place, names, files in os.walk(directory):
        if place == str(directory):
            names[:] = [name for name in names if name not in _SKIPPED]
        yield from (lock for file in files if file.endswith(".lock") and (lock := _lock(Path(place, file))))
    if lock := _lock(directory / "objects" / "maintenance.lock"):  # while it exists, git tidies nothing up
        yield lock


def _lock(path: Path) -> Lock | None:
    with suppress(OSError):
        status = os.lstat(path)
        return Lock(path, status.st_ino, status.st_uid, status.st_mtime)
    return None


def _places(repository: Repository) -> list[str]:
    linked_places = [os.path.realpath(place) for _data, place in worktrees.linked_worktrees(repository)]
    return [str(repository.main), str(repository.common), *linked_places]


def _processes() -> Iterator[psutil.Process]:
    import psutil

    return psutil.process_iter()


def _may_hold(process: psutil.Process, lock: Lock, places: Sequence[str]) -> bool:
    """Return whether *process* has the file open, or is a git in one of *places* that started before the lock."""
    import psutil

    try:
        if process.uids().effective != lock.owner or process.create_time() > lock.time + 1:
            return False
        if not process.name().startswith("git"):
            return str(lock.path) in _answers(lambda: [each.path for each in process.open_files()])
        words = process.cmdline()
        if not set(words).isdisjoint(_WITHOUT_LOCKS):
            return False
        within = _answers(lambda: [process.cwd()]) or places[:1]  # a process with a hidden directory may be anywhere
        named = [*words, *within]
        return any(place == word or f"{place}/" in f"{word}/" for place in places for word in named)
    except psutil.Error:  # it has just ended
        return False


def _answers(question: Callable[[], list[str]]) -> list[str]:
    """Return what the *question* to a process yields; nothing where we may not ask."""
    import psutil

    try:
        return question()
    except (psutil.AccessDenied, OSError):
        return []
