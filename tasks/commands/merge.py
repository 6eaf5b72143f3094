"""`inv session.merge`."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from .command import CHANGED, JSON, NAME, answer, answer_done, as_json, command


@command("name", help={
    **NAME,
    "squash": "merge it as one commit",
    "into": "local branch to merge into (default: the base)",
    "remove": "remove the session afterwards",
    **CHANGED,
    **JSON,
})  # fmt: skip
def merge(
    c: Context, name: str = "", squash: bool = False, into: str = "", remove: bool = False, yes: bool = False,
    json: bool = False,
) -> None:  # fmt: skip
    """Run checks, then merge the branch into its base.

    It merges all of it or nothing.

    Example: inv session.merge feature/login --squash --remove
    """
    from ..integrate import merge as integrate_merge
    from ..model import Removal
    from ..plan import row_consent
    from . import report, selection

    session, inside = selection.select_session(c, name), Path.cwd()
    row_consent.require_sessions(c, [session], yes)
    text = integrate_merge.merge_session(session, into, squash, removes=remove)
    record = report.work_record(session, text) if json else {}
    if not json:
        answer_done(text)
    if remove:
        (now,) = (each for each in selection.list_sessions(c, session.repository) if each.name == session.name)
        removal = report.remove_one(now, Removal(), inside)
        record["removed"] = removal.record
        if not json:
            answer_done(removal.text)
    if json:
        answer(as_json(record))
