"""Claude Code's own lock on its `.claude.json`.

It is a *directory* beside the file, stale when its mtime is older than ten seconds. It is advisory: after a while
Claude Code writes without it, so what was written must be looked at again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .. import ports
from ..machine import locks
from ..narration import notice

_STALE = 10.0
_PATIENCE = 12.0  # longer than a dead owner's lock lives
_TELL_AFTER = 1.0


class UnusableError(Exception):
    """The file cannot be read, or must not be changed; the message says why."""


@contextmanager
def held(file: Path) -> Iterator[Callable[[], bool]]:
    """Hold Claude Code's lock on *file*; yield the question whether we still do.

    Raises `UnusableError` when it is not to be had.
    """
    lock = Path(f"{file}.lock")
    made = _acquire(lock)
    try:
        yield lambda: _inode(lock) == made
    finally:
        if _inode(lock) == made:
            lock.rmdir()


def _acquire(lock: Path) -> int:
    started, told = time.monotonic(), False
    while True:
        try:
            lock.mkdir()
            return lock.stat().st_ino
        except FileExistsError:
            _break_stale(lock)
        except OSError as error:
            raise UnusableError(f"{lock} cannot be made: {error.strerror}") from None
        waited = time.monotonic() - started
        if waited > _PATIENCE:
            raise UnusableError(f"Claude Code holds its lock {lock}")
        if waited > _TELL_AFTER and not told:
            notice(f"waiting for Claude Code, which holds {lock}")
            told = True
        time.sleep(random.uniform(0.01, 0.04))  # noqa: S311


def _break_stale(lock: Path) -> None:
    """Delete a dead owner's lock; one of us at a time, or one would delete what the other has just made."""
    if _stale(lock):
        with locks.held(ports.state_directory() / "claude.lock"), suppress(OSError):
            if _stale(lock):
                lock.rmdir()


def _stale(lock: Path) -> bool:
    try:
        return time.time() - lock.stat().st_mtime > _STALE
    except OSError:
        return False


def _inode(lock: Path) -> int | None:
    try:
        return lock.stat().st_ino
    except OSError:
        return None
