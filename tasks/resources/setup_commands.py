"""The resource of the project's own setup commands, run once in a new worktree."""

from __future__ import annotations

import time

from ..errors import CommandError, SessionError
from ..model import Problem, Session
from ..store import registry, rows
from ..system import terminal
from ..system.progress import notice, say, show_busy, tell

LABEL = "setup"
KEY = "setup_done"


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    del session
    return ""  # each command is printed as it begins


def create(session: Session) -> None:
    """Run the setup commands that have not succeeded yet; the next start tries one that failed again."""
    if not (pending := _pending(session)):
        return
    from ..system import session_command

    for command in pending:
        if not terminal.is_live():
            say(f"  setup      {command} …")
        started = time.monotonic()
        try:
            with show_busy("setup", command):
                session_command.run_project_step(session, command, "setup")
        except CommandError as error:
            notice(f"Setup command failed: {command}")
            if output := error.stderr.rstrip():
                say(output)
            notice(f"The session was kept. Fix the problem, then run: inv session.start {session.name}")
            return
        tell("setup", f"{command}  {time.monotonic() - started:.2f} s")
        done = registry.read_noted(session.repository, session.name, KEY)
        registry.note_facts(session.repository, session.name, **{KEY: [*done, command]})


def run_again(session: Session) -> None:
    """Run all of the setup commands, also those that succeeded; a start continues after a kill."""
    with registry.session_lock(session.repository, session.name):
        if (state := rows.current_session(session).state) != "ready":
            raise SessionError(f"Session {session.name} is {state}.\nRun: inv session.remove {session.name}")
        if not session.setup:
            raise SessionError(f"Session {session.name} was added without setup commands.")
        registry.note_facts(session.repository, session.name, setup_done=[])
        create(session)


def remove(session: Session) -> None:
    """Do nothing: what the commands made goes with the worktree."""


def problems(session: Session) -> list[Problem]:
    """Return the setup commands that have not succeeded."""
    if session.waits_for_containers:
        return []
    fix, pending = f"inv session.start {session.name}", map(terminal.mask_passwords, _pending(session))
    return [
        Problem(f"setup command failed: {command}", "the worktree may not be ready to use", fix) for command in pending
    ]


def unfinished_commands(session: Session) -> list[str]:
    """Return a message for each setup command that has not succeeded."""
    return [f"S{problem.what[1:]}\nFix the problem, then run: {problem.fix}" for problem in problems(session)]


def _pending(session: Session) -> list[str]:
    if not session.setup:
        return []
    successes = registry.read_noted(session.repository, session.name, KEY)
    return [command for command in session.setup if command not in successes]
