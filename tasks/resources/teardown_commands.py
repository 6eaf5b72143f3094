"""The project's own commands before a session goes: what `setup` made outside of the worktree, they take back."""

from __future__ import annotations

from ..errors import CommandError, SessionError
from ..model import Session
from ..store import registry
from ..system import session_command
from ..system.progress import notice, show_busy, tell

KEY = "teardown_done"


def run_teardown(session: Session, forced: bool) -> None:
    """Run the commands that have not succeeded yet, in the worktree; without one there is nothing to run them in.

    Raises `SessionError` for the first that fails; if *forced*, a note says so, and the others run.
    """
    if not session.worktree.is_dir():
        return
    for command in session.teardown:
        done = registry.read_noted(session.repository, session.name, KEY)
        if command in done:
            continue
        try:
            with show_busy("teardown", command):
                session_command.run_project_step(session, command, "teardown")
        except CommandError as error:
            words = f"Teardown command failed: {command}\n{error.stderr.rstrip()}".rstrip()
            if not forced:
                raise SessionError(f"{words}\n{_advice(session.name)}") from None
            notice(words)
            continue
        tell("teardown", command)
        registry.note_facts(session.repository, session.name, **{KEY: [*done, command]})


def _advice(name: str) -> str:
    fact = f"Nothing was removed, but {name} is stopped. Fix the problem, then remove it again."
    return f"{fact}\nTo remove it all the same, run: inv session.remove {name} --force"
