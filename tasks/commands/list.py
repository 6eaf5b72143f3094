"""`inv session.list`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from invoke.context import Context

from .command import answer, as_json, command

if TYPE_CHECKING:
    from ..model import Repository, Session


@command(optional=("sort",), help={
    "json": "print JSON",
    "removed": "list the sessions that session.restore can restore",
    "cost": "show the tokens of each conversation, and their price",
    "sort": "order: attention (what needs you first, the default), name or age",
    "waiting": "only sessions whose Claude waits for you",
    "format": "columns to show, separated by commas, such as name,state,urls,worktree",
    "plain": "print lines with tabs and without headings, for scripts",
    "all-repositories": "list the sessions of every repository on this machine",
})  # fmt: skip
def list_(
    c: Context, json: bool = False, removed: bool = False, cost: bool = False, sort: str = "", waiting: bool = False,
    format: str = "", plain: bool = False, all_repositories: bool = False,
) -> None:  # fmt: skip
    """List the sessions: ports, state, work and Claude.

    Example: inv session.list --sort
    """
    if sort or waiting or format or plain or all_repositories:
        from . import chosen_list

        chosen_list.print_chosen(
            c, chosen_list.parse_choice(sort, waiting, format, plain, all_repositories), json, cost, removed
        )
        return
    from ..tools import git
    from . import selection

    repository = git.current_repository()
    if removed:
        from ..store import archive
        from ..views import removed as views_removed

        if not (archives := archive.list_archives(repository)):
            selection.note_unusable_git(repository)
        answer(as_json([each.record() for each in archives]) if json else views_removed.removed_table(archives))
    elif sessions := selection.list_sessions(c, repository):
        _list(c, sessions, repository, json, cost)
    else:
        from ..views import tables as views_tables

        answer(as_json([]) if json else views_tables.NONE)


def _list(c: Context, sessions: Sequence[Session], repository: Repository, json: bool, cost: bool) -> None:
    from ..status import conflicts, session_status
    from ..store import state_directory
    from ..system import progress, table, terminal
    from ..tools import git
    from ..views import tables as views_tables

    if not json:
        table.prefetch_table()
    statuses = session_status.session_statuses(sessions, repository, conflicts.known_conflicts)
    if git.remote_hosts(repository):
        from . import forge_requests

        statuses = forge_requests.follow_requests(c, repository, statuses)
    if cost:
        statuses = [session_status.with_cost(each) for each in statuses]
    if json:
        answer(as_json([each.record() for each in statuses]))
    else:
        answer(views_tables.sessions_table(statuses, terminal.stdout_columns()), paint=views_tables.paint_table)
    conflicts.print_notes(conflicts.conflict_notes(statuses))
    state_directory.note_writable()
    if any(each.outlived or each.displaced for each in statuses):
        from ..status import outlived

        for note in outlived.outlived_notes(statuses):
            progress.notice(note)
    states = {each.state for each in statuses if each.session.windows and not each.session.bare}
    if not json and states == {"stopped"}:
        progress.notice("No session is running.\nRun: inv session.resume")
