"""The tasks that show the sessions live: watch, and pick, which chooses one by a few letters."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from invoke.context import Context

from .command import answer, command
from .errors import SessionError

if TYPE_CHECKING:
    from .model import Repository
    from .status import Status

_RARELY = 5


@command(help={"interval": "seconds between two looks"})
def watch(c: Context, interval: str = "2") -> None:
    """Show the sessions live; keys attach, stop and resume them, and show what their windows print.

    Example: inv session.watch
    """
    from . import choosing, narration
    from .answers import attaching, screen, tail, view
    from .config import checks

    _require_terminal("watch")
    source = view.Source(_Looks(c, choosing.here()).look, tail.last, _perform)
    with narration.muted():
        chosen = screen.watch(source, checks.seconds("--interval", interval))
    if chosen is not None:
        attaching.attach(chosen)


@command("name", help={"name": "some letters of it; without them, or where several sessions have them, you are asked"})
def pick(c: Context, name: str = "") -> None:
    """Choose a session by some of its letters, and attach to it.

    Example: inv session.pick auth
    """
    from . import choosing
    from .answers import attaching, picking

    _require_terminal("pick")
    sessions = {session.name: session for session in choosing.every(c, choosing.here())}
    if not sessions:
        raise SessionError("there is no session; to make one: inv session.add NAME")
    chosen = picking.pick(list(sessions), name)
    if chosen is not None:
        attaching.attach(sessions[chosen])
    else:
        answer("nothing chosen")


class _Looks:
    """Looks at the sessions; what git cannot merge is tried at every fifth only."""

    def __init__(self, c: Context, repository: Repository) -> None:
        self._c, self._repository = c, repository
        self._count = 0
        self._noted: dict[str, Status] = {}

    def look(self) -> tuple[list[Status], list[str]]:
        from . import choosing, status
        from .overlap import conflicts

        found = status.of(choosing.every(self._c, self._repository), self._repository)
        known = {each.session.name for each in found} == set(self._noted)
        if self._count % _RARELY == 0 or not known:
            found = conflicts.noted(self._repository, found)
            self._noted = {each.session.name: each for each in found}
        self._count += 1
        old = [self._noted[each.session.name] for each in found]
        found = [replace(each, clashes=was.clashes, tried=was.tried) for each, was in zip(found, old, strict=True)]
        return found, sorted(set(conflicts.notes(found)))


def _require_terminal(task: str) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SessionError(f"session.{task} needs a terminal; for programs: inv session.list --json")


def _perform(task: str, name: str) -> str:
    """Run another task as the person would, and return the last line that it printed, or of a list what was done."""
    argv, plain = [sys.executable, sys.argv[0], task, name], {**os.environ, "NO_COLOR": "1"}
    said = subprocess.run(
        argv, env=plain, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    if task == "session.resume" and not said.returncode:
        return f"resumed {name}"
    lines = (said.stderr if said.returncode else said.stdout).strip().splitlines()
    return lines[-1] if lines else ""
