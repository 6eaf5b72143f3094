"""A command in a session's worktree, with the session's environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

from .. import shell
from ..model import Session
from . import activation, signals

_GRACE = 5.0  # seconds to end in, once we are asked to


@dataclass(frozen=True)
class Run:
    """How a *command* ended, and after how long."""

    command: str
    exit_code: int
    seconds: float


def environment(session: Session) -> dict[str, str]:
    """Return the environment of the session's windows, without what we happen to run in."""
    return {**shell.pristine_environment(), **session.environment}


def script(session: Session, command: str) -> str:
    """Return what bash runs, given the worktree as `$1`: *command* in it, its environment activated."""
    active = f"{activation.sourced(session.activate)} && " if session.activate else ""
    return f'cd "$1" && {{ {active}{command}\n}} 1>&2'


def run(session: Session, command: str) -> Run:
    """Run *command* and return how it ended; its output goes to stderr. When we are ended, so is all it started."""
    argv = ("bash", "-c", script(session, command), "bash", str(session.worktree))
    started = time.monotonic()
    sys.stderr.flush()
    with signals.raised(), subprocess.Popen(
        argv, env=environment(session), stdin=subprocess.DEVNULL, start_new_session=True
    ) as process:  # fmt: skip
        try:
            code = process.wait()
        except BaseException:
            _end(process)
            raise
    return Run(command, code if code >= 0 else 128 - code, time.monotonic() - started)


def _end(process: subprocess.Popen[bytes]) -> None:
    with signals.held(), suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            pass
        os.killpg(process.pid, signal.SIGKILL)  # what did not listen, or outlived the first of them
