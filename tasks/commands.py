"""A shell command of the configuration, run as the session's own shells would run it."""

from __future__ import annotations

from . import shell
from .model import Session


def within(session: Session, command: str) -> tuple[str, ...]:
    """Return what runs *command* in the worktree of *session*, activated; all that it prints goes to stderr."""
    active = f"{sourced(session.activate)} && " if session.activate else ""
    script = f'cd "$1" && {{ {active}{command}\n}} 1>&2'
    return ("bash", "-c", script, "tally", str(session.worktree))


def environment(session: Session) -> dict[str, str]:
    """Return the environment for that."""
    return {**shell.pristine_environment(), **session.environment}


def sourced(activate: str) -> str:
    """Return what does the same as *activate* where nobody types.

    `workon` is a function of interactive shells; what it activates is a file.
    """
    words = activate.split()
    if words[0] == "workon" and len(words) == 2:
        return f'source "${{WORKON_HOME:-$HOME/.virtualenvs}}"/{words[1]}/bin/activate'
    return activate
