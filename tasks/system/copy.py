"""Copies of files: cloned where the disk can, a database consistently."""

import errno
import os
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ..errors import SessionError
from . import copies, progress
from .rooted import Root

_CLONE = ("/bin/cp", "-c")  # the system's: GNU's, which many have first on PATH, knows no such flag


def clone_content(source: Path, target: Path) -> None:
    """Write the content of *source* into *target*."""
    if not hasattr(os, "copy_file_range"):
        if not _clone(source, target):
            shutil.copyfile(source, target)
        return
    with source.open("rb") as origin, target.open("wb") as copied:
        copies.copy_content(origin, copied, progress.show_progress)


def _clone(source: Path, target: Path) -> bool:
    """Let macOS share the blocks of the file where its file system can; return whether *target* is complete."""
    result = subprocess.run(
        [*_CLONE, str(source), str(target)], stdin=subprocess.DEVNULL, check=False, capture_output=True
    )
    return result.returncode == 0 and target.is_file() and target.stat().st_size == source.stat().st_size


_BUSY = 5.0  # seconds that a writer may hold the database before the slower way is taken


def copy_database(source: Path, target: Path) -> None:
    """Make *target*, an empty file, a consistent copy of the database *source*, even while a program writes to it.

    Raises `SessionError` naming *source* when SQLite can't.
    """
    try:
        _copy(source, target)
    except sqlite3.Error as error:
        raise SessionError(f"Couldn't copy the database {source}: {error}") from None


def _copy(source: Path, target: Path) -> None:
    wal, target_wal = Path(f"{source}-wal"), Path(f"{target}-wal")
    try:
        with closing(_open(f"{source.as_uri()}?mode=rw")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            # While we hold the write lock nobody resets the log: with it the copy is complete, whatever checkpoints do.
            # The log is copied first: closing the file ends our lock, and its last user deletes the log.
            if wal.exists():
                clone_content(wal, target_wal)
            clone_content(source, target)
            connection.execute("ROLLBACK")
        if target_wal.exists():
            _fold(target)
    except sqlite3.OperationalError:  # locked by a writer for long, or not writable by us
        _back_up(source, target)
    except sqlite3.DatabaseError:  # encrypted, or not a database after all
        clone_content(source, target)
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
        origin.backup(copied, progress=patience(source), sleep=0.05)


def patience(source: Path) -> Callable[[int, int, int], None]:
    """Return what ends a backup that makes no progress: by itself it would wait for a lock for ever."""
    moved = [time.monotonic()]

    def progress(status: int, _remaining: int, _total: int) -> None:
        if status in (sqlite3.SQLITE_OK, sqlite3.SQLITE_DONE):
            moved[0] = time.monotonic()
        elif time.monotonic() - moved[0] > _BUSY:
            raise TimeoutError(errno.EBUSY, "a program keeps the database locked. End its transaction", str(source))

    return progress


_SQLITE = b"SQLite format 3\0"


def copy_file(source: Path, target: Path) -> None:
    """Make *target* a copy of *source* with its mode, complete or not at all."""
    copy_into(source, Root(target.parent), target.name)


def copy_into(
    source: Path, root: Root, path: str, finish: Callable[[str], None] | None = None, replaces_directory: bool = False
) -> None:
    """Do the same for *path* in *root*; *finish* may change the copy before it appears."""
    _set_log_aside(source, root, path)
    with root.beside(path, replaces_directory) as new:
        if source.is_dir():
            copies.copy_tree(Root(source), "", root, new, _copy_in_tree)
        else:
            _copy_file(source, root, new)
        if finish is not None:
            finish(new)


def move_into(source: Root, name: str, root: Root, path: str, finish: Callable[[str], None]) -> None:
    """Do the same by moving *name* of *source*, which `copy_into` made, on the same disk."""
    _set_log_aside(source.path / name, root, path)
    with root.beside(path) as new:
        source.move(name, new, root)
        finish(new)


def _set_log_aside(source: Path, root: Root, path: str) -> None:
    """Rename the log of a database that was deleted: SQLite would write it into another one at the same place."""
    if not (source.is_file() and is_database(source) and root.lstat(path) is None):
        return
    for log in (f"{path}-wal", f"{path}-journal"):
        if root.lstat(log) is not None:
            root.move(log, f"{log}.old")
            progress.notice(f"{log} belonged to a database that is gone. It is now {log}.old.")


def _copy_in_tree(source: Root, path: str, target: Root, to: str) -> None:
    """Copy one file of a directory: a database with what its log has, which is then not copied by itself."""
    database = source.path / re.sub("-(wal|shm|journal)$", "", path)
    if database != source.path / path and database.is_file() and is_database(database):
        return
    if is_database(source.path / path):
        _copy_file(source.path / path, target, to)
    else:
        copies.copy_file(source, path, target, to)


def _copy_file(source: Path, root: Root, new: str) -> None:
    os.close(root.create(new))
    if is_database(source):
        copy_database(source, root.path / new)
    else:
        clone_content(source, root.path / new)
    shutil.copymode(source, root.path / new)


def is_database(path: Path) -> bool:
    """Return whether the file *path* is a database of SQLite."""
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE
