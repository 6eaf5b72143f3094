"""The resource of the project's own setup commands, run once in a new worktree."""

from __future__ import annotations

import time

from ..errors import CommandError, SessionError
from ..model import Problem, Session
from ..store import registry, rows
from ..system import activation, shell, terminal
from ..system.progress import notice, say, show_busy, tell

LABEL = "setup"


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    del session
    return ""  # each command is printed as it begins


def create(session: Session) -> None:
    """Run the setup commands that have not succeeded yet; the next start tries one that failed again."""
    for command in _pending(session):
        if not terminal.is_live():
            say(f"  setup      {command} …")
        started = time.monotonic()
        try:
            with show_busy("setup", command):
                _run(session, command)
        except CommandError as error:
            notice(f"Setup command failed: {command}")
            if output := error.stderr.rstrip():
                say(output)
            notice(f"The session was kept. Fix the problem, then run: inv session.start {session.name}")
            return
        tell("setup", f"{command}  {time.monotonic() - started:.2f} s")
        registry.note_facts(session.repository, session.name, setup_done=[*_successful(session), command])


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


def _successful(session: Session) -> list[str]:
    row = registry.read_registry(session.repository).get(session.name, {})
    successes = row.get("setup_done", [])
    return successes if isinstance(successes, list) else []


def _pending(session: Session) -> list[str]:
    if not session.setup:
        return []
    successes = _successful(session)
    return [command for command in session.setup if command not in successes]


def _run(session: Session, command: str) -> None:
    from ..system import session_command

    argv = ("bash", "-c", session_command.command_script(session, command), "setup", str(session.worktree))
    shell.run_step(*argv, env=activation.session_environment(session))
