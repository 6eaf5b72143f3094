"""Locks between processes: `flock`, which the kernel releases however its holder ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import SessionError
from . import progress

_NOTICE_AFTER = 3.0  # seconds
_GIVE_UP_AFTER = 60.0


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold the lock file *path*, which exists only while it is held; after a few seconds a notice names its holder.

    Raises `SessionError` when it is not free within a minute.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _until_left(path, _acquire(path)):
        yield


def try_file_lock(path: Path, until: ExitStack) -> bool:
    """Hold the lock file *path* until *until* is closed, without waiting; return whether nobody else holds it."""
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


def is_held(path: Path) -> bool:
    """Return whether somebody holds the lock file *path*, without writing anything."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # missing: its holder would have created it
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def _until_left(path: Path, descriptor: int) -> Iterator[None]:
    try:
        with suppress(OSError):  # on a full disk we hold it, too, but the others can't see who
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        try:
            path.unlink(missing_ok=True)
        except OSError:  # harmless: the lock is the kernel's, and ends with the descriptor
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
    started, is_reported = time.monotonic(), False
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = time.monotonic() - started
        holder = os.pread(descriptor, 20, 0).decode(errors="replace") or "unknown"
        if waited > _GIVE_UP_AFTER:
            raise SessionError(f"Process {holder} holds the lock {path}.\nWait for it, or end it: kill {holder}")
        if waited > _NOTICE_AFTER and not is_reported:
            progress.notice(f"Waiting for process {holder}, which holds {path}.")
            is_reported = True
        time.sleep(0.01)
