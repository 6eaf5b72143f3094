"""Files that are replaced whole: a reader, a crash or a full disk never meets half of one."""

import fcntl
import glob
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Yield a new name beside *path* that takes its place on success and vanishes on failure."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    sweep(path)
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException as error:
        if isinstance(error, OSError) and error.errno and error.filename in (None, str(temporary)):
            error.filename = str(path)  # a full disk names no file, and our temporary one means nothing to anybody
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        temporary.unlink(missing_ok=True)
        raise


def sweep(path: Path) -> None:
    """Delete what a process that was killed left beside *path*."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp*"):
        number = left.name[len(path.name) + 2 :].partition(".")[0]
        if number.isdigit() and not _runs(int(number)):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace the content of *path* with *text*; an existing file keeps its mode, owner and symlink.

    *mode* is for a new file. Bytes that were read with `surrogateescape` come out as they were.
    """
    path = path.resolve()
    try:
        before = path.stat()
    except FileNotFoundError:
        before = None
    with beside(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
            file.flush()
            if before is not None and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                _keep_owner(file.fileno(), before)
            os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode) if before else mode)
            _settle(file.fileno())


def _settle(descriptor: int) -> None:
    """Wait until the content is on the disk: the `fsync` of macOS only reaches the disk's own memory."""
    thoroughly = getattr(fcntl, "F_FULLFSYNC", None)
    try:
        if thoroughly is not None:
            fcntl.fcntl(descriptor, thoroughly)
            return
    except OSError:
        pass  # not every file system has it
    os.fsync(descriptor)


def _keep_owner(descriptor: int, before: os.stat_result) -> None:
    try:
        os.fchown(descriptor, before.st_uid, before.st_gid)
    except PermissionError:
        pass  # only root may give a file away; a shared file stays usable through its mode
