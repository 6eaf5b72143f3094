"""Sessions that are merged: one, or several one after the other, each on top of those before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from invoke.context import Context

from ..errors import SessionError
from ..integrate import base as integrate_base
from ..integrate import merge as integrate_merge
from ..integrate import sync
from ..model import Removal, Session
from ..status import conflicts, merge_order
from ..system.progress import notice
from . import report, selection
from .command import answer_done, fail_with


class How(NamedTuple):
    """How each session is merged."""

    into: str
    squash: bool
    remove: bool
    json: bool


def merge_sessions(c: Context, sessions: list[Session], how: How) -> tuple[list[dict[str, Any]], list[str]]:
    """Sync, verify and merge each of *sessions*, the least overlap first; return what was done, and why it stopped.

    It stops at the first that can't be merged; what was merged before it stays.
    """
    records, inside = list[dict[str, Any]](), Path.cwd()
    waiting = _mergeable([each for each in sessions if not _finish_removal(each, how, inside)], how)
    fetched, printed = set[str](), set[str]()
    while waiting:
        session, *waiting = merge_order.order_sessions(waiting)
        try:
            integrate_merge.require_mergeable(session, how.into, how.squash)
            _refuse_clashes(session)
            base = integrate_base.find_base(session).name
            sync.sync_session(session, fetches=base not in fetched, aborts=True)
            fetched.add(base)
            text = integrate_merge.merge_session(session, how.into, how.squash, removes=how.remove)
        except integrate_merge.NothingToMergeError as error:
            notice(str(error))  # its commits came in with another session's, for example a fork's
            continue
        except SessionError as error:
            return records, [report.stopped_text(session.name, records, [each.name for each in waiting], error)]
        records.append(_done(c, session, text, how, inside))
        notes = {text for other in waiting for text in conflicts.conflict_sentences(other, waiting)}
        conflicts.print_notes(notes - printed)
        printed |= notes
    return records, []


def _finish_removal(session: Session, how: How, inside: Path) -> bool:
    """Finish the removal of a merged *session* that was interrupted; return whether there was one."""
    if not (how.remove and session.state == "removing" and session.merged_tip):
        return False
    removal = report.remove_one(session, Removal(), inside)
    if not how.json:
        answer_done(removal.text)
    return True


def _refuse_clashes(session: Session) -> None:
    """Raise `SessionError` for what git would merge into the base, and the base can't have both."""
    fail_with(conflicts.base_clashes(session))


def merge_one(c: Context, session: Session, how: How) -> dict[str, Any]:
    """Verify and merge *session*, and return what was done."""
    inside = Path.cwd()
    text = integrate_merge.merge_session(session, how.into, how.squash, removes=how.remove)
    return _done(c, session, text, how, inside)


def _mergeable(sessions: list[Session], how: How) -> list[Session]:
    """Return those of *sessions* that have something to merge; raise for all that aren't ready, before any effect."""
    waiting, refusals = [], []
    for session in sessions:
        try:
            integrate_merge.require_mergeable(session, how.into, how.squash)
            waiting.append(session)
        except integrate_merge.NothingToMergeError as error:
            notice(str(error))
        except integrate_merge.MergeConflictError:
            waiting.append(session)  # it may be the last, and those before it go in
        except SessionError as error:
            refusals.append(str(error))
    if refusals:
        raise SessionError("\n".join([*dict.fromkeys(refusals), "Nothing was merged."]))
    return waiting


def _done(c: Context, session: Session, text: str, how: How, inside: Path) -> dict[str, Any]:
    """Print that *session* was merged, remove it if that is asked for, and return its record."""
    record: dict[str, Any] = report.work_record(session, text) if how.json else {"name": session.name}
    if not how.json:
        answer_done(text)
    if how.remove:
        (now,) = (each for each in selection.list_sessions(c, session.repository) if each.name == session.name)
        removal = report.remove_one(now, Removal(), inside)
        record["removed"] = removal.record
        if not how.json:
            answer_done(removal.text)
    return record
