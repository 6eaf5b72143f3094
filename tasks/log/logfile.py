"""The file of the work log: brought up to date with the registry, whole and under a lock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from .. import git, registry
from ..errors import SessionError
from ..machine import atomic, locks
from ..model import Repository, Session
from . import logbook

_TIME = "%Y-%m-%d %H:%M"


def of(rows: Mapping[str, registry.Row]) -> list[str]:
    """Return the files in which the sessions of *rows* are told."""
    return sorted({log["file"] for row in rows.values() if (log := _log(row))})


def names(repository: Repository, file: str, session: Session) -> bool:
    """Return whether *file* tells of *session*."""
    return (session.name, session.created) in logbook.known(_read(repository.main / file))


def write(repository: Repository, file: str, adding: str = "", gone: Session | None = None) -> None:
    """Bring *file* up to date with the registry; of the sessions that are still being made only *adding* is told.

    A session that is *gone* is not told by its row, and its entry is taken out unless it was removed once before.
    Entries of sessions that are not in the registry stay: they are the past, or somebody else's.
    """
    path = repository.main / file
    with locks.held(repository.private / "worklog.lock"):
        before, rows = _read(path), registry.rows(repository)
        if gone is not None:
            rows.pop(gone.name, None)
        told = {name: row for name, row in rows.items() if name == adding or row.get("state", "ready") != "adding"}
        due = [_entry(name, row) for name, row in told.items() if _log(row).get("file") == file]
        current = {(entry.name, entry.created) for entry in due}
        late = [entry for of, entry in _late(repository) if of == file and (entry.name, entry.created) not in current]
        dropped = (gone.name, gone.created) if gone is not None and not gone.archive else None
        after = logbook.updated(before, [*due, *late], dropped)
        if before and not after and not _committed(repository, file):  # nobody but us was in it
            path.resolve().unlink()
        elif after != before:
            atomic.write(path, after)
        if _late(repository):
            _keep(repository, [each for each in _late(repository) if each[0] != file])


def _committed(repository: Repository, file: str) -> bool:
    """Return whether git has *file*, which then was there, though empty, before us."""
    return bool(git.read(repository.main, "ls-files", "--", f":(literal){file}"))


def told_later(session: Session, removed: str) -> None:
    """Remember for the next `write` that *session* is removed since then: its row will not be there to tell it."""
    facts = {"state": "removing", "removed": removed, "created": session.created, "work_log": dict(session.work_log)}
    with locks.held(session.repository.private / "worklog.lock"):
        late = (session.work_log["file"], _entry(session.name, facts))
        _keep(session.repository, [*(each for each in _late(session.repository) if each != late), late])


def _late(repository: Repository) -> list[tuple[str, logbook.Entry]]:
    try:
        found = json.loads((repository.private / "worklog.json").read_text(encoding="utf-8"))
        return [(str(file), logbook.Entry(**{key: str(fact) for key, fact in entry.items()})) for file, entry in found]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, AttributeError):  # nobody else has that file; what is in it cannot be told any more
        return []


def _keep(repository: Repository, late: list[tuple[str, logbook.Entry]]) -> None:
    path = repository.private / "worklog.json"
    if late:
        atomic.write(path, json.dumps([(file, asdict(entry)) for file, entry in late]), mode=0o600)
    else:
        path.unlink(missing_ok=True)


def _read(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise SessionError("it is no file")
    return path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""


def _log(row: Mapping[str, object]) -> Mapping[str, str]:
    log = row.get("work_log")
    if isinstance(log, dict) and all(isinstance(log.get(key), str) for key in ("file", "before", "after")):
        return log
    return {}


def _entry(name: str, row: registry.Row) -> logbook.Entry:
    log = _log(row)
    return logbook.Entry(name, str(row.get("created")), log["before"], log["after"], status(row))


def status(row: registry.Row) -> str:
    """Return the status by the facts of *row*: merged and removed are times, and are told together."""
    facts = [("MERGED", row.get("merged"))]
    if row.get("state") == "removing":
        facts.append(("REMOVED", row.get("removed")))
    ended = [_dated(word, at) for word, at in facts if at]
    return ", ".join(ended) or ("PAUSED" if row.get("paused") else "IN PROGRESS")


def _dated(word: str, at: object) -> str:
    try:
        return f"{word} {datetime.fromisoformat(str(at)):{_TIME}}"
    except ValueError:
        return word
