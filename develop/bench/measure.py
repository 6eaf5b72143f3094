"""Two commands timed in turn, so that a machine whose speed drifts cannot favour either."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile

from invoke.exceptions import Exit

# Wait for shells and deletions of the last step, so that they don't slow the next one.
SETTLE_SECONDS = 0.25

Step = Callable[[], None]


def nothing() -> None:
    """Do what a command without preparation needs."""


@dataclass(frozen=True)
class Command:
    """A timed step, with untimed preparation and clean-up."""

    run: Step
    before: Step = nothing
    after: Step = nothing


@dataclass(frozen=True)
class Ratio:
    """Median seconds of each; median and extremes of first ÷ second, pair by pair."""

    ours: float
    other: float
    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.low:.2f}-{self.high:.2f}]"


def pairs(a: Command, b: Command, rounds: int) -> Ratio:
    """Run each once to warm up, then *a* and *b* in turn."""
    _seconds(a)
    _seconds(b)
    times = [(_seconds(a), _seconds(b)) for _ in range(rounds)]
    ratios = [ours / other for ours, other in times]
    return Ratio(
        median(ours for ours, _ in times),
        median(other for _, other in times),
        median(ratios),
        min(ratios),
        max(ratios),
    )


def _seconds(command: Command) -> float:
    command.before()
    time.sleep(SETTLE_SECONDS)
    start = time.perf_counter()
    command.run()
    seconds = time.perf_counter() - start
    command.after()
    return seconds


def process(argv: Sequence[str | Path], cwd: Path, environment: Mapping[str, str]) -> Step:
    """A step that runs one process."""

    def run() -> None:
        # A file, not a pipe: a child left in the background would hold a pipe open.
        with TemporaryFile() as said:
            done = subprocess.run(
                argv,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                check=False,
            )
            if done.returncode:
                said.seek(0)
                reason = said.read().decode(errors="replace").strip()
                words = " ".join(map(str, argv))
                raise Exit(f"{words} exited with {done.returncode}: {reason}", code=1)

    return run
