"""The resource of the work log in the main checkout, where people read who works on what.

A log that can't be written is a note, and doesn't keep a session from being added or removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from ..errors import SessionError
from ..model import Problem, Repository, Session
from ..store import registry
from ..system.progress import notice

LABEL = "worklog"


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    return f"entry in {session.work_log['file']}" if session.work_log else ""


def create(session: Session) -> None:
    """Write the session into the log, as in progress."""
    if not session.work_log:
        return
    with _tolerating_failures(session.work_log["file"], f"Fix it, then run: inv session.resume {session.name}"):
        if session.state != "adding":
            registry.note_facts(session.repository, session.name, paused="")
        from . import worklog_file

        worklog_file.write_log(session.repository, session.work_log["file"], adding=session.name)


def remove(session: Session) -> None:
    """Set the session's status in the log to paused or removed; take out the entry of an add that failed."""
    if not session.work_log:
        return
    file, now = session.work_log["file"], datetime.now().astimezone().isoformat(timespec="seconds")
    row = registry.read_registry(session.repository).get(session.name, {})
    from . import worklog_file

    if session.state == "adding":
        with _tolerating_failures(file, "Delete the entry by hand."):
            _take_back(session)
    elif row.get("state") == "removing":
        registry.note_facts(session.repository, session.name, removed=now)
        with _tolerating_failures(
            file, "It will be updated when the next session changes.", lambda: worklog_file.note_removal(session, now)
        ):
            worklog_file.write_log(session.repository, file)
    else:
        with _tolerating_failures(file, f"Fix it, then run: inv session.stop {session.name}"):
            registry.note_facts(session.repository, session.name, paused=now)
            worklog_file.write_log(session.repository, file)


def problems(session: Session) -> list[Problem]:
    """Return whether the log is unusable or doesn't have the session; nothing for a stopped session."""
    row = registry.read_registry(session.repository).get(session.name, {}) if session.work_log else {}
    if not session.work_log or row.get("paused"):
        return []
    file, fix = session.work_log["file"], f"inv session.resume {session.name}"
    try:
        from . import worklog_file

        if worklog_file.log_names_session(session.repository, file, session):
            return []
    except (SessionError, OSError) as error:
        return [Problem(f"{file}: {_reason(error)}", "the session's status is not shown there", fix)]
    return [Problem(f"{file} doesn't list the session", "others can't see there who works on what", fix)]


def refresh_logs(repository: Repository) -> None:
    """Bring every log up to date with the registry; print a note about one that can't be written."""
    from . import worklog_file

    for file in worklog_file.log_files(registry.read_registry(repository)):
        with _tolerating_failures(file, "Fix it, then run: inv session.resume"):
            worklog_file.write_log(repository, file)


def rename_entry(before: Session, session: Session) -> None:
    """Have the entry of the session *before* say what it is called now."""
    from . import worklog_file

    file = session.work_log["file"]
    with _tolerating_failures(file, "Correct the entry by hand."):
        worklog_file.rename_entry(before, session)


@contextmanager
def _tolerating_failures(file: str, then: str, instead: Callable[[], None] | None = None) -> Iterator[None]:
    """Print a note if *file* can't be changed, with *then*, what to do; call *instead*."""
    try:
        yield
    except (SessionError, OSError) as error:
        notice(f"{file} was not changed: {_reason(error)}.\n{then}")
        if instead is not None:
            with suppress(SessionError, OSError):  # the same disk may be full
                instead()


def _reason(error: SessionError | OSError) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _take_back(session: Session) -> None:
    """Undo `create`; a session that was being restored is removed again, with the same time."""
    from . import worklog_file

    if session.archive:
        from ..store import archive

        since = datetime.strptime(Path(session.archive).name, archive.FORM)
        worklog_file.note_removal(session, since.isoformat())
    worklog_file.write_log(session.repository, session.work_log["file"], removed=session)
