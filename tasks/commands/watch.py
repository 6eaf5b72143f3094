"""`inv session.watch`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from invoke.context import Context

from .command import command

if TYPE_CHECKING:
    from ..model import Repository
    from ..status.conflicts import Conflicts
    from ..status.session_status import Status
    from ..status.worktree_looks import Look


_RARELY = 5


@command(help={"interval": "seconds between updates"}, needs=("prompt_toolkit",))
def watch(c: Context, interval: str = "2") -> None:
    """Watch the sessions live; keys attach, stop and resume.

    The keys are shown at the bottom; l shows the output of a session's windows.

    Example: inv session.watch
    """
    from ..config import checks
    from ..system import progress
    from ..tools import git, tmux_attach
    from ..views import live, logs

    require_terminal("watch")
    source = live.Source(_Looks(c, git.current_repository()).look, logs.last_lines, _perform)
    with progress.muted_output():
        choice = live.watch_sessions(source, checks.check_seconds("--interval", interval))
    if choice is not None:
        tmux_attach.attach_to_tmux(choice)


class _Looks:
    """Looks at the sessions; what git cannot merge is tried at every fifth only."""

    def __init__(self, c: Context, repository: Repository) -> None:
        self._c, self._repository = c, repository
        self._count = 0
        self._conflicts: Conflicts | None = None
        self._names: set[str] = set()

    def look(self) -> tuple[list[Status], list[str]]:
        from ..status import conflicts, session_status
        from ..system import shell
        from . import selection

        shell.ask_silent_again()
        sessions = selection.list_sessions(self._c, self._repository)
        statuses = session_status.session_statuses(sessions, self._repository, self._find_conflicts)
        return statuses, conflicts.conflict_notes(statuses)

    def _find_conflicts(self, repository: Repository, looks: Sequence[Look]) -> Conflicts:
        from ..status import conflicts

        names = {look.session.name for look in looks}
        if self._conflicts is None or self._count % _RARELY == 0 or names != self._names:
            self._conflicts, self._names = conflicts.known_conflicts(repository, looks), names
        self._count += 1
        return self._conflicts


def require_terminal(task: str) -> None:
    """Raise `SessionError` unless a person sits before *task*."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        from ..errors import SessionError

        raise SessionError(f"session.{task} needs a terminal.\nRun: inv session.list --json")


def _perform(task: str, name: str) -> str:
    """Run another task as the person would, and return what it printed in one line, without progress."""
    argv, plain = [sys.executable, sys.argv[0], task, name], {**os.environ, "NO_COLOR": "1"}
    result = subprocess.run(
        argv, env=plain, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    if task == "session.resume" and not result.returncode:
        return f"Resumed {name}."
    lines = (result.stderr if result.returncode else result.stdout).strip().splitlines()
    return " ".join(line for line in lines if line and not line.startswith(" "))
