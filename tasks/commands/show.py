"""`inv session.show`."""

from __future__ import annotations

from invoke.context import Context

from .command import NAME, answer, as_json, command


@command("name", help={**NAME, "json": "print JSON"})
def show(c: Context, name: str = "", json: bool = False) -> None:
    """Show one session: ports, changes and what to do next.

    Example: inv session.show feature/login
    """
    from ..status import conflicts, next_steps, session_status
    from ..store import state_directory
    from ..tools import git
    from ..views import details
    from . import forge_requests, selection

    repository = git.current_repository()
    session = selection.select_session(c, name)
    status = session_status.session_statuses([session], repository, conflicts.known_conflicts)[0]
    status = session_status.with_memory(session_status.with_cost(status))
    (status,) = forge_requests.follow_requests(c, repository, [status])
    if json:
        answer(as_json({**status.record(), **next_steps.advice_record(status)}))
    else:
        conflict_lines = [
            ("conflict", each) for each in conflicts.conflict_sentences(session, selection.list_sessions(c, repository))
        ]
        answer(details.format_details(status, [*conflict_lines, *next_steps.advice_lines(status)]))
    state_directory.note_writable()
