"""Run `inv` under the tracer: count its system calls, and kill, signal or fail at one of them."""

import hashlib
import itertools
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil

from testing import tracer
from testing.project import INV, Project, eventually

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
ERRORS = ("ENOSPC", "EACCES", "EIO") if tracer.FAILS else ()


class Attempt(NamedTuple):
    """What is done before which call: a kill of `alone` or `all`, a signal, or the error that the call ends with.

    Numbers differ by a few from run to run; a call is found again by *after*, parts of its name and path, from which
    *number* is then counted.
    """

    number: int
    action: str
    after: str = ""


_PLACES = ("dev", "home", "state")
NOTHING = Attempt(0, "alone")


class Ended(NamedTuple):
    """How a traced command ended."""

    code: int
    said: str
    calls: list[tracer.Call]


def order(name: str, count: int, actions: Sequence[str]) -> list[Attempt]:
    """Return every attempt on a command of *count* calls, in an order that is the same in every run and place."""
    # The first call starts `inv` itself, so an error there is not ours.
    every = [
        Attempt(number, action)
        for number in range(1, count + 1)
        for action in actions
        if number > 1 or action not in ERRORS
    ]
    return sorted(every, key=lambda each: hashlib.sha256(f"{name} {each.number} {each.action}".encode()).digest())


def run(
    project: Project,
    command: Sequence[str],
    attempt: Attempt = NOTHING,
    places: Sequence[str] = ("dev", "home", "state"),
) -> Ended:
    """Run the *command* of `inv` in *project* with that *attempt*, and wait for all that it started."""
    top = project.top.parent
    log, output = top / "calls", top / "said"
    tops = ":".join(str(top / place) for place in places)
    argv = [
        sys.executable,
        "-I",
        "-S",
        tracer.PROGRAM,
        str(log),
        str(attempt.number),
        attempt.after,
        attempt.action,
        tops,
    ]
    env = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    log.write_text("")
    with output.open("wb") as file:  # not a pipe: processes that outlive the command would keep it open
        done = subprocess.run(
            [*argv, sys.executable, INV, *command], cwd=project.main, env=env, stdin=subprocess.DEVNULL, stdout=file,
            stderr=file, check=False,
        )  # fmt: skip
    said = output.read_text()
    assert "Traceback" not in said, said
    for line in _lines(log):
        if line[0] == "left":
            eventually(partial(_is_over, int(line[1])), tracer.LIMIT + 10)
    lines = _lines(log)
    overdue = [line[1:] for line in lines if line[0] == "overdue"]
    assert not overdue, f"not over after {tracer.LIMIT} s: {overdue}"
    _age_locks(project)
    own = itertools.takewhile(lambda line: line[0] != "left", lines)
    return Ended(done.returncode, said, [tracer.Call(int(line[0]), int(line[1]), *line[2:]) for line in own])


def _lines(log: Path) -> list[list[str]]:
    return [line.split("\t") for line in log.read_text().splitlines()]


def _age_locks(project: Project) -> None:
    """Make leftover locks look old: a person would come back later than a test does."""
    for lock in (project.main / ".git").rglob("*.lock"):
        os.utime(lock, (0, 0))
    with suppress(FileNotFoundError):
        os.utime(project.top.parent / "home" / ".claude.json.lock", (0, 0))


def _is_over(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
