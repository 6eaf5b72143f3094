"""A SQLite database copied consistently, even while a server writes to it."""

import errno
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ..errors import SessionError
from . import cloning

_BUSY = 5.0  # seconds that a writer may hold the database before the slower way is taken


def copy(source: Path, target: Path) -> None:
    """Make *target*, an empty file, a copy of the database *source*: whole, whoever writes to it meanwhile.

    Raises `SessionError` naming *source* when SQLite cannot.
    """
    try:
        _copy(source, target)
    except sqlite3.Error as error:
        raise SessionError(f"{source}: the database could not be copied: {error}") from None


def _copy(source: Path, target: Path) -> None:
    wal, target_wal = Path(f"{source}-wal"), Path(f"{target}-wal")
    try:
        with closing(_open(f"{source.as_uri()}?mode=rw")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            # While we hold the write lock nobody resets the log: with it the file is whole, whatever a checkpoint does.
            # It comes first: once we close the file our lock on it is gone, and who closes it last drops the log.
            if wal.exists():
                cloning.copy(wal, target_wal)
            cloning.copy(source, target)
            connection.execute("ROLLBACK")
        if target_wal.exists():
            _fold(target)
    except sqlite3.OperationalError:  # held by a writer for long, or not writable by us
        _back_up(source, target)
    except sqlite3.DatabaseError:  # encrypted, or no database after all
        cloning.copy(source, target)
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
