"""The resource of the project's own setup commands, run once in a new worktree."""

from __future__ import annotations

import time

from . import registry, shell, terminal
from .errors import CommandError
from .machine import within
from .model import Problem, Session
from .narration import busy, notice, say, told


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    del session
    return ""  # each command is told of as it begins


def create(session: Session) -> None:
    """Run the setup commands that have not succeeded yet; one that fails is told, and tried again by the next start."""
    for command in _pending(session):
        if not terminal.live():
            say(f"  setup      {command} …")
        started = time.monotonic()
        try:
            with busy("setup", command):
                _run(session, command)
        except CommandError as error:
            notice(f"setup command failed: {command}")
            say(error.stderr.rstrip())
            notice(f"the session is kept; after mending it: inv session.start {session.name}")
            return
        told("setup", f"{command}  {time.monotonic() - started:.2f} s")
        registry.note(session.repository, session.name, setup_done=[*_done(session), command])


def remove(session: Session) -> None:
    """Nothing: what the commands made in the worktree goes with it."""


def problems(session: Session) -> list[Problem]:
    """Return the setup commands that have not succeeded."""
    mend, pending = f"inv session.start {session.name}", map(terminal.masked, _pending(session))
    return [Problem(f"setup did not succeed: {command}", "it failed", mend) for command in pending]


def unfinished(session: Session) -> list[str]:
    """Return for each setup command that has not succeeded what to say."""
    return [f"{problem.what}; then: {problem.mend}" for problem in problems(session)]


def _done(session: Session) -> list[str]:
    row = registry.rows(session.repository).get(session.name, {})
    found = row.get("setup_done", [])
    return found if isinstance(found, list) else []


def _pending(session: Session) -> list[str]:
    if not session.setup:
        return []
    done = _done(session)
    return [command for command in session.setup if command not in done]


def _run(session: Session, command: str) -> None:
    argv = ("bash", "-c", within.script(session, command), "setup", str(session.worktree))
    shell.run(*argv, env=within.environment(session))
