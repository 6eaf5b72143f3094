"""`inv session.merge`."""

from __future__ import annotations

from invoke.context import Context

from .command import CHANGED, JSON, NAMES, answer, as_json, command, fail_with


@command("name", help={
    **NAMES,
    "all": "merge every session that has something to merge",
    "squash": "merge it as one commit",
    "into": "local branch to merge into (default: the base)",
    "remove": "remove the session afterwards",
    **CHANGED,
    **JSON,
})  # fmt: skip
def merge(
    c: Context, name: str = "", all: bool = False, squash: bool = False, into: str = "", remove: bool = False,
    yes: bool = False, json: bool = False,
) -> None:  # fmt: skip
    """Run checks, then merge the branch into its base.

    It merges all of it or nothing. Several sessions are synced, verified and merged one by one, starting with the least
    overlap.

    Example: inv session.merge feature/login --squash --remove
    """
    from ..plan import row_consent
    from . import landing_train, selection

    sessions, how = selection.select_sessions(c, name, all), landing_train.How(into, squash, remove, json)
    row_consent.require_sessions(c, sessions, yes)
    if len(sessions) == 1 and not all:
        record = landing_train.merge_one(c, sessions[0], how)
        if json:
            answer(as_json(record))
        return
    records, failures = landing_train.merge_sessions(c, sessions, how)
    if json:
        answer(as_json(records))
    fail_with(failures)
