"""`inv session.conflicts`."""

from __future__ import annotations

from invoke.context import Context

from .command import answer, as_json, command


@command("name", help={"name": "session name (default: every pair of sessions)", "json": "print JSON"})
def conflicts(c: Context, name: str = "", json: bool = False) -> None:
    """Show conflicts between sessions, and with the base.

    Uncommitted and untracked work counts. A conflict is what git can't merge. An overlap, in the same files, merges.

    Example: inv session.conflicts feature/login
    """
    from ..status import conflicts as looking
    from ..tools import git
    from . import selection

    repository = git.current_repository()
    if name:
        selection.select_session(c, name)
    meetings = looking.find_conflicts(repository, selection.list_sessions(c, repository), name)
    answer(as_json([each.record() for each in meetings]) if json else looking.conflicts_table(meetings))
    looking.refuse_conflicts(meetings)
