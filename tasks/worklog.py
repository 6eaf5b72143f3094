"""The resource of the work log in the main checkout, where people read who works on what.

What cannot be written there is told, and is no reason to have no session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from . import registry
from .archives import archive
from .errors import SessionError
from .log import logfile
from .model import Problem, Repository, Session
from .narration import notice


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    return f"entry in {session.work_log['file']}" if session.work_log else ""


def create(session: Session) -> None:
    """Make sure that the session is in the log, as in progress."""
    if not session.work_log:
        return
    with _told(session.work_log["file"], f"after mending it: inv session.resume {session.name}"):
        if session.state != "adding":
            registry.note(session.repository, session.name, paused="")
        logfile.write(session.repository, session.work_log["file"], adding=session.name)


def remove(session: Session) -> None:
    """Tell in the log that the session is paused, or removed if it is being removed; one that never was leaves it."""
    if not session.work_log:
        return
    file, now = session.work_log["file"], datetime.now().astimezone().isoformat(timespec="seconds")
    row = registry.rows(session.repository).get(session.name, {})
    if session.state == "adding":
        with _told(file, "the entry has to be taken out by hand"):
            _take_back(session)
    elif row.get("state") == "removing":
        registry.note(session.repository, session.name, removed=now)
        with _told(file, "it will be with the next session that changes", lambda: logfile.told_later(session, now)):
            logfile.write(session.repository, file)
    else:
        with _told(file, f"after mending it: inv session.stop {session.name}"):
            registry.note(session.repository, session.name, paused=now)
            logfile.write(session.repository, file)


def problems(session: Session) -> list[Problem]:
    """Return whether the log cannot be used or lacks the session; a stopped session is not started to mend that."""
    row = registry.rows(session.repository).get(session.name, {}) if session.work_log else {}
    if not session.work_log or row.get("paused"):
        return []
    file, mend = session.work_log["file"], f"inv session.resume {session.name}"
    try:
        if logfile.names(session.repository, file, session):
            return []
    except (SessionError, OSError) as error:
        return [Problem(f"{file}: {_reason(error)}", "the session's status is not told there", mend)]
    return [Problem(f"{file} does not name the session", "nobody sees there who works on what", mend)]


def refresh(repository: Repository) -> None:
    """Make every log tell how the sessions of the registry stand; what cannot be written is told."""
    for file in logfile.of(registry.rows(repository)):
        with _told(file, "after mending it: inv session.resume"):
            logfile.write(repository, file)


@contextmanager
def _told(file: str, then: str, instead: Callable[[], None] | None = None) -> Iterator[None]:
    """Tell that *file* was not changed, if that fails, and what *then*; do something *instead*."""
    try:
        yield
    except (SessionError, OSError) as error:
        notice(f"{file} was not changed: {_reason(error)}; {then}")
        if instead is not None:
            with suppress(SessionError, OSError):  # the same disk may be full
                instead()


def _reason(error: SessionError | OSError) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _take_back(session: Session) -> None:
    """Undo `create`; a session that was being restored is removed again, since the same time."""
    if session.archive:
        since = datetime.strptime(Path(session.archive).name, archive.FORM)
        logfile.told_later(session, since.isoformat())
    logfile.write(session.repository, session.work_log["file"], gone=session)
