"""The tasks that show the sessions live: watch, and pick, which chooses one by a few letters."""

from __future__ import annotations

import os
import subprocess
import sys

from invoke.context import Context

from .command import answer, command
from .errors import SessionError


@command(help={"interval": "seconds between two looks"})
def watch(c: Context, interval: str = "2") -> None:
    """Show the sessions live; keys attach, stop and resume them.

    Example: inv session.watch
    """
    from . import choosing, status
    from .answers import attaching, screen
    from .config import checks

    _require_terminal("watch")
    repository = choosing.here()
    chosen = screen.watch(
        lambda: status.of(choosing.every(c, repository), repository), _perform, checks.seconds("--interval", interval)
    )
    if chosen is not None:
        attaching.attach(chosen)


@command()
def pick(c: Context) -> None:
    """Choose a session by some of its letters, and attach to it.

    Example: inv session.pick
    """
    from . import choosing
    from .answers import attaching, screen

    _require_terminal("pick")
    sessions = {session.name: session for session in choosing.every(c, choosing.here())}
    if not sessions:
        raise SessionError("there is no session; to make one: inv session.add NAME")
    name = screen.pick(list(sessions))
    if name is not None:
        attaching.attach(sessions[name])
    else:
        answer("nothing chosen")


def _require_terminal(task: str) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SessionError(f"session.{task} needs a terminal; for programs: inv session.list --json")


def _perform(task: str, name: str) -> str:
    """Run another task as the person would, and return the last line that it printed, or of a list what was done."""
    argv, plain = [sys.executable, sys.argv[0], task, name], {**os.environ, "NO_COLOR": "1"}
    said = subprocess.run(argv, env=plain, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if task == "session.resume" and not said.returncode:
        return f"resumed {name}"
    lines = (said.stderr if said.returncode else said.stdout).strip().splitlines()
    return lines[-1] if lines else ""
