"""Tasks that run beside the screen: `inv` itself, as a person would run it, with its progress and its whole answer."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from ...tools import other_inv
from .strips import harmless

_TICK = 0.15  # seconds between two looks at what a task printed
_KEPT = 50
_DONE = {"session.start": ("Started", "is already running"), "session.stop": ("Stopped", "was already stopped")}
_NAMED = 6  # sessions in a line


class Command(NamedTuple):
    """A task with its arguments, where and with which *variables* to run it, and what it is called while it runs."""

    title: str
    words: Sequence[str]
    place: Path | None = None
    variables: Mapping[str, str] = {}


class Job:
    """A task that runs, or has ended."""

    def __init__(self, command: Command) -> None:
        self.command, self.started, self.ended = command, time.monotonic(), 0.0
        self.code: int | None = None
        self.out = self.err = ""

    @property
    def progress(self) -> str:
        """The last thing that it said meanwhile."""
        return next((line.strip() for line in reversed(self.err.splitlines()) if line.strip()), "")

    @property
    def summary(self) -> str:
        """Return what it answered, in a line."""
        lines = (self.err if self.code else self.out or self.err).strip().splitlines()
        return " ".join(line.strip() for line in lines[:2]) or ("failed" if self.code else "done")

    @property
    def seconds(self) -> float:
        """How long it took, or takes."""
        return (self.ended or time.monotonic()) - self.started

    @property
    def whole(self) -> str:
        """All that it printed."""
        return "\n".join(part.strip("\n") for part in (self.err, self.out) if part.strip())


class Jobs:
    """The tasks that run, and the last ones that have ended; *changed* is called from their threads.

    They run in the main checkout: the directory where the dashboard was started may be a worktree that goes.
    """

    def __init__(self, main: Path, changed: Callable[[Job], None]) -> None:
        self._main, self._changed = main, changed
        self.every: list[Job] = []

    @property
    def running(self) -> list[Job]:
        """Those that have not ended."""
        return [job for job in self.every if job.code is None]

    def start(self, command: Command) -> Job:
        """Run *command* in the background."""
        job = Job(command)
        self.every = [*self.every[-_KEPT:], job]
        threading.Thread(target=self._run, args=(job,), daemon=True).start()
        return job

    def _run(self, job: Job) -> None:
        # Files, not pipes: a task goes on, and can print, when the screen is left before it has ended.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            try:
                program, environment = program_of(job.command.place)
                environment = {**environment, **job.command.variables, "NO_COLOR": "1"}
                process = subprocess.Popen(
                    [*program, *job.command.words], cwd=job.command.place or self._main, stdin=subprocess.DEVNULL,
                    stdout=out, stderr=err, env=environment, start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                job.err, code = str(error), 127
            else:
                while (code_now := process.poll()) is None:
                    if (said := _text(err)) != job.err:
                        job.err = said
                        self._changed(job)
                    time.sleep(_TICK)
                code = code_now
                job.out, job.err = _text(out), _text(err)
        job.ended, job.code = time.monotonic(), code
        self._changed(job)


def list_names(names: Sequence[str]) -> str:
    """Return the first few of *names*, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:_NAMED])} and {more} more"


def count_names(names: Sequence[str]) -> str:
    """Return how many sessions *names* are, and the first few of them."""
    return f"{len(names)} session{'s' * (len(names) != 1)}: {list_names(names)}"


def describe_new(job: Job) -> str:
    """Return which session *job* made, and its addresses; the answer of `add` and `restore` ends with its name."""
    lines = [line.split(maxsplit=1) for line in job.out.strip().splitlines()]
    named = [line[1] for line in lines if line[0] in ("attach", "start") and "inv session." in line[-1]]
    if not named:
        return job.summary
    addresses = "".join(f"  {' '.join(line)}" for line in lines if "://" in line[-1])
    done = "Restored" if job.command.words[0] == "session.restore" else "Added"
    return f"{done} {named[-1].split()[-1]}.{addresses}"


def describe_several(names: Sequence[str], job: Job) -> str:
    """Return what *job* did to several sessions: to all of them, in a line."""
    lines = job.out.strip().splitlines()
    done, before = _DONE.get(job.command.words[0], ("", ""))
    if not done:
        return " ".join(line.strip() for line in lines if ": inv " not in line) or job.summary
    already = [name for name in names if any(line.startswith(f"{name} {before}") for line in lines)]
    others = [name for name in names if name not in already]
    parts = [*([f"{done} {count_names(others)}."] if others else []),
             *([f"Already {before.split()[-1]}: {list_names(already)}."] if already else [])]  # fmt: skip
    return " ".join(parts)


def program_of(place: Path | None) -> tuple[list[str], dict[str, str]]:
    """Return what runs a task, and its environment: in the main checkout of another repository that one's own."""
    if place is None:
        return [sys.executable, sys.argv[0]], dict(os.environ)
    return other_inv.inv_command(place), other_inv.inv_environment()


def _text(file: IO[bytes]) -> str:
    size = os.fstat(file.fileno()).st_size
    return harmless(os.pread(file.fileno(), size, 0).decode(errors="replace"))
