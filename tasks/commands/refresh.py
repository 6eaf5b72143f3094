"""`inv session.refresh`."""

from __future__ import annotations

from invoke.context import Context

from .command import CHANGED, NAME, answer_done, command


@command("name", help={
    **NAME,
    "files": "only files, no databases",
    "data": "only databases",
    "from_": "session to copy them from (default: the main checkout)",
    **CHANGED,
})  # fmt: skip
def refresh(
    c: Context, name: str = "", files: bool = False, data: bool = False, from_: str = "", yes: bool = False
) -> None:
    """Copy the configured files and databases again.

    The old ones are saved in git's directory until session.prune deletes them.

    Example: inv session.refresh feature/login --data
    """
    from ..errors import SessionError
    from ..integrate import refresh as integrate_refresh
    from ..plan import row_consent
    from . import selection

    session = selection.select_session(c, name)
    row_consent.require_sessions(c, [session], yes)
    other = selection.select_session(c, from_) if from_ else None
    if other and other.name == session.name:
        raise SessionError(
            f"--from must be another session than {session.name}.\n"
            f"To copy from the main checkout, leave it out. Run: inv session.refresh {session.name}"
        )
    source = other.worktree if other else session.repository.main
    only = "files" if files and not data else "data" if data and not files else ""
    refreshed = integrate_refresh.refresh_session(session, source, only)
    answer_done(integrate_refresh.describe_refresh(session, refreshed, other.name if other else "the main checkout"))
