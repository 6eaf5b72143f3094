"""Copy a session's configured files and databases again; the old ones are saved in git's directory."""

from __future__ import annotations

import shlex
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from ..errors import SessionError
from ..model import Session
from ..resources import files
from ..store import old_copies, registry, rows
from ..system import copy, signals
from ..system.progress import notice
from ..system.rooted import Root


class Refreshed(NamedTuple):
    """The *paths* that were copied again, and the *directory* with the old ones."""

    paths: list[str]
    directory: Path


def choose_paths(session: Session, source: Path, only: str) -> list[str]:
    """Return the configured copies that *source* has: all, or *only* the "files" or the "data", its databases."""
    present = [path for path in session.copy if (source / path).exists()]
    chosen = [path for path in present if only in ("", "data" if _is_database(source / path) else "files")]
    if not chosen:
        what = {"": "files", "data": "databases", "files": "files"}[only]
        raise SessionError(f"None of the {what} in the setting copy of {session.name} exists in {source}.")
    return chosen


def _is_database(path: Path) -> bool:
    return path.is_file() and copy.is_database(path)


def refresh_session(session: Session, source: Path, only: str) -> Refreshed:
    """Replace the copies in the worktree of *session* by those in the checkout *source*, one after the other.

    A kill leaves each of them complete, old or fresh; a directory can be missing, which `resume` copies. A database is
    replaced by a transaction, so its servers may run.
    """
    with signals.signals_raised(), registry.session_lock(session.repository, session.name):
        if (state := rows.current_session(session).state) != "ready":
            raise SessionError(f"Session {session.name} is {state}.\nRun: inv session.remove {session.name}")
        paths = choose_paths(session, source, only)
        directory = old_copies.new_directory(session.repository, session.slug)
        try:
            fresh = [path for path in paths if _refresh(session, source, path, directory)]
        except (SessionError, OSError):
            if directory.is_dir():
                notice(f"The old ones are in {directory}")
            raise
    if not fresh:
        raise SessionError(f"Nothing was copied into {session.name}.")
    return Refreshed(fresh, directory)


def _refresh(session: Session, source: Path, path: str, directory: Path) -> bool:
    """Replace *path*, whose old content goes into *directory*; return whether it could be copied."""
    tree = Root(session.worktree)
    if not tree.lstat(path):
        return files.copy_fresh(session, source, path)
    old_copies.keep_copy(session, path, directory)
    if _is_database(source / path) and _is_database(session.worktree / path) and not tree.is_link(path):
        _replace_database(source / path, session.worktree / path)
        return True
    return files.copy_fresh(session, source, path, replaces_directory=True)


def _replace_database(source: Path, target: Path) -> None:
    """Replace the content of the database *target*, all or nothing, while programs may have it open."""
    try:
        with (
            closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", timeout=5, uri=True)) as origin,
            closing(sqlite3.connect(f"{target.as_uri()}?mode=rw", timeout=5, uri=True)) as own,
        ):
            origin.backup(own, progress=copy.patience(target), sleep=0.05)
    except (sqlite3.Error, TimeoutError) as error:
        reason = error.strerror if isinstance(error, TimeoutError) else error
        raise SessionError(
            f"Couldn't replace the database {target}: {reason}.\nIt was not changed. {_database_advice(error, target)}"
        ) from None


def _database_advice(error: Exception, target: Path) -> str:
    """Return what helps: waiting for a lock does, but not where SQLite can't write into *target* at all."""
    if isinstance(error, TimeoutError) or "locked" in str(error):
        return "Stop the programs that use it, then run the command again."
    names = [f"{target}{suffix}" for suffix in ("", "-wal", "-shm")]
    again = "Stop the programs that use it, delete it and run the command again."
    return f"{again}\nRun: {shlex.join(['rm', '-f', *names])}"


def describe_refresh(session: Session, refreshed: Refreshed, origin: str) -> str:
    """Return what was copied, and where the old ones are."""
    fact = f"Copied {', '.join(refreshed.paths)} from {origin} into {session.name}."
    return f"{fact}\nThe old ones are in {refreshed.directory}" if refreshed.directory.is_dir() else fact
