"""One file or directory copied whole, a SQLite database consistently even while a server writes to it."""

import errno
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from .. import narration
from . import atomic

_SQLITE = b"SQLite format 3\0"
_BUSY = 5.0  # seconds that a writer may hold the database before the slower way is taken
_PART = 1 << 26  # bytes that are copied at once; of what is larger the progress is told


def copy(source: Path, target: Path) -> None:
    """Make *target* a copy of *source* with its mode; it appears complete or not at all."""
    with atomic.beside(target) as temporary:
        if source.is_dir():
            shutil.copytree(source, temporary, symlinks=True)
            return
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        if _is_database(source):
            _copy_database(source, temporary)
        else:
            _copy_bytes(source, temporary)
        shutil.copymode(source, temporary)


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _copy_database(source: Path, target: Path) -> None:
    wal, target_wal = Path(f"{source}-wal"), Path(f"{target}-wal")
    try:
        with closing(_open(f"{source.as_uri()}?mode=rw")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            # While we hold the write lock nobody resets the log: with it the file is whole, whatever a checkpoint does.
            _copy_bytes(source, target)
            if wal.exists():
                _copy_bytes(wal, target_wal)
            connection.execute("ROLLBACK")
        if target_wal.exists():
            _fold(target)
    except sqlite3.OperationalError:  # held by a writer for long, or not writable by us
        _back_up(source, target)
    except sqlite3.DatabaseError:  # encrypted, or no database after all
        _copy_bytes(source, target)
    finally:
        for suffix in ("-wal", "-shm", "-journal"):
            Path(f"{target}{suffix}").unlink(missing_ok=True)


def _open(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, timeout=_BUSY, isolation_level=None, uri=True)


def _fold(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _back_up(source: Path, target: Path) -> None:
    target.write_bytes(b"")
    with (
        closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", timeout=0, uri=True)) as origin,
        closing(sqlite3.connect(target)) as copied,
    ):
        copied.execute("PRAGMA synchronous=OFF")
        origin.backup(copied, progress=_patience(source), sleep=0.05)


def _patience(source: Path) -> Callable[[int, int, int], None]:
    """Return what ends a backup that gets nowhere: by itself it would wait for a lock for ever."""
    moved = [time.monotonic()]

    def progress(status: int, _remaining: int, _total: int) -> None:
        if status in (sqlite3.SQLITE_OK, sqlite3.SQLITE_DONE):
            moved[0] = time.monotonic()
        elif time.monotonic() - moved[0] > _BUSY:
            raise TimeoutError(errno.EBUSY, "a program holds the database locked; end its transaction", str(source))

    return progress


def _copy_bytes(source: Path, target: Path) -> None:
    if not hasattr(os, "copy_file_range"):  # on macOS, whose `cp -c` shares the blocks where the file system can
        subprocess.run(
            ["cp", "-c", str(source), str(target)], stdin=subprocess.DEVNULL, check=False, capture_output=True
        )
        if target.stat().st_size != source.stat().st_size:
            shutil.copyfile(source, target)
        return
    with source.open("rb") as origin, target.open("wb") as copied:
        try:
            whole, done = os.fstat(origin.fileno()).st_size, 0
            while some := os.copy_file_range(origin.fileno(), copied.fileno(), _PART):
                done += some
                if whole > _PART:
                    narration.progress(done / whole)
        except OSError as error:
            if copied.tell() or os.lseek(copied.fileno(), 0, os.SEEK_CUR) or error.errno in _REAL_FAILURES:
                raise
            shutil.copyfileobj(origin, copied, 1 << 20)


_REAL_FAILURES = frozenset((errno.EIO, errno.ENOMEM, errno.EFBIG, errno.ENOSPC, errno.EDQUOT))
