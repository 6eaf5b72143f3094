"""`inv session.pr`."""

from __future__ import annotations

from invoke.context import Context

from .command import CHANGED, JSON, NAME, answer, as_json, command


@command("name", help={
    **NAME,
    "title": "title (default: the first commit's subject)",
    "body": "text (default: the commits' subjects)",
    "draft": "open it as a draft",
    **CHANGED,
    **JSON,
})  # fmt: skip
def pr(
    c: Context, name: str = "", title: str = "", body: str = "", draft: bool = False, yes: bool = False,
    json: bool = False,
) -> None:  # fmt: skip
    """Run checks, push the branch and open a pull request.

    Without gh it prints the address where you can open it.

    Example: inv session.pr feature/login --draft
    """
    from ..integrate import pull_request
    from ..plan import row_consent
    from . import report, selection

    session = selection.select_session(c, name)
    row_consent.require_sessions(c, [session], yes)
    text = pull_request.propose_pull_request(session, pull_request.Words(title, body, draft))
    answer(as_json(report.work_record(session, text)) if json else text)
