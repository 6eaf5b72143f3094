"""Locks between processes: `flock`, which the kernel drops with its holder however that one ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from .. import narration
from ..errors import SessionError

_TELL_AFTER = 3.0
_GIVE_UP_AFTER = 60.0


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock file *path*, which exists only while it is held; a holder that lives is named after a few seconds.

    Raises `SessionError` when it is not free within a minute.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _until_left(path, _acquire(path)):
        yield


def attempt(path: Path, until: ExitStack) -> bool:
    """Hold the lock file *path* until *until* is left, without waiting; return whether nobody else holds it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    if not _current(descriptor, path):  # its last holder is just removing it
        os.close(descriptor)
        return False
    until.enter_context(_until_left(path, descriptor))
    return True


@contextmanager
def _until_left(path: Path, descriptor: int) -> Iterator[None]:
    try:
        with suppress(OSError):  # on a full disk we hold it all the same, and the others are not told who
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        try:
            path.unlink(missing_ok=True)
        except OSError:  # a file that stays locks nobody out: the lock is the kernel's, and goes with the descriptor
            pass
        finally:
            os.close(descriptor)


def _acquire(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _wait(descriptor, path)
            if _current(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its last holder removed it while we waited


def _current(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _wait(descriptor: int, path: Path) -> None:
    started, told = time.monotonic(), False
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = time.monotonic() - started
        holder = os.pread(descriptor, 20, 0).decode(errors="replace") or "unknown"
        if waited > _GIVE_UP_AFTER:
            raise SessionError(f"{path} is held by process {holder}; wait for it, or end it: kill {holder}")
        if waited > _TELL_AFTER and not told:
            narration.notice(f"waiting for process {holder}, which holds {path}")
            told = True
        time.sleep(0.01)
