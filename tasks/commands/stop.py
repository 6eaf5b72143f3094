"""`inv session.stop`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from invoke.context import Context

from .command import CHANGED, JSON, NAMES, answer, answer_done, as_json, command, fail_with

if TYPE_CHECKING:
    from ..model import Session


@command(
    "name",
    help={
        **NAMES,
        "all": "stop every session",
        "idle": "stop those that have been idle this long, for example 2h",
        **CHANGED,
        **JSON,
    },
)
def stop(
    c: Context, name: str = "", all: bool = False, idle: str | None = None, yes: bool = False, json: bool = False
) -> None:
    """Stop sessions: servers, containers and tmux session.

    Files, branches, ports and conversations stay.

    Example: inv session.stop feature/login
    """
    from .. import lifecycle
    from ..errors import SessionError, describe_error
    from ..resources import containers
    from ..system import processes
    from ..tools import tmux
    from . import selection

    chosen = selection.select_sessions(c, name, all or (idle is not None and not name))
    chosen, is_due = (chosen, None) if idle is None else _find_idle(chosen, idle)
    targets, failures = selection.part_unchanged(c, chosen, selection.STOPPED, yes)
    records = []
    if is_due is None:  # else each is looked at again before
        containers.stop_together(targets)
    for session in targets:
        try:
            was_running = session.compose or tmux.list_panes(session) or any(processes.session_processes(session))
            if not lifecycle.stop_session(session, is_due and partial(is_due, session)):
                continue
            fact = f"Stopped {session.name}" if was_running else f"{session.name} was already stopped"
            session = _named_directory(session)
            records.append({"name": session.name, "was_running": bool(was_running)})
            if not json:
                answer_done(_stopped(session, fact))
        except (SessionError, OSError) as error:
            failures.append(f"{session.name}: {describe_error(error)}")
    if json:
        answer(as_json(records))
    fail_with(failures)


def _find_idle(sessions: list[Session], time: str) -> tuple[list[Session], Callable[[Session], bool]]:
    """Return those of *sessions* that were idle for that *time*, and what says whether one still is."""
    from ..config import checks
    from ..status import idle

    seconds = checks.check_duration("--idle", time)
    return idle.find_idle(sessions, seconds), lambda session: idle.is_still_idle(session, seconds)


def _named_directory(session: Session) -> Session:
    """Return *session* after its directory got the name that it was given while something ran there."""
    from ..store import names

    if session.slug == names.slug_of(session.name):
        return session
    from ..integrate import rename
    from ..system import progress

    renamed = rename.move_directory(session)[0]
    if renamed.worktree != session.worktree:
        progress.notice(f"The worktree of {renamed.name} is now at {renamed.worktree}.")
    return renamed


def _stopped(session: Session, fact: str) -> str:
    """Return *fact*, and how to start the session again."""
    from ..resources import worktree

    if worktree.worktree_admin_dir(session) is None:  # start would refuse
        problem = worktree.problems(session)[0]
        return f"{fact}, but {problem.what}.\nRun: {problem.fix}"
    return f"{fact}.\nStart again: inv session.start {session.name}"
