"""`inv session.sync`."""

from __future__ import annotations

from invoke.context import Context

from .command import JSON, NAME, answer, answer_done, as_json, command


@command("name", help={**NAME, "abort": "abort the rebase or merge in progress", **JSON})
def sync(c: Context, name: str = "", abort: bool = False, json: bool = False) -> None:
    """Rebase a session onto its base, or merge the base in.

    It fetches first. Conflicts are left to you, with what to do.

    Example: inv session.sync feature/login
    """
    from ..integrate import sync as integrate_sync
    from ..status import conflicts
    from . import report, selection

    session = selection.select_session(c, name)
    text = integrate_sync.abort_sync(session) if abort else integrate_sync.sync_session(session)
    if json:
        answer(as_json(report.work_record(session, text)))
    else:
        answer_done(text)
    conflicts.print_notes(conflicts.conflict_sentences(session, selection.list_sessions(c, session.repository)))
