"""Two commands timed in turn, so that a machine whose speed drifts cannot favour either."""

from __future__ import annotations

import os
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
class Cost:
    """What one run took: seconds on the clock, and of the processors for it and what it waited for."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Ratio:
    """Medians of the first's and the second's cost; of first ÷ second, pair by pair, the median and the extremes."""

    ours: Cost
    other: Cost
    median: float
    low: float
    high: float
    cpu: float
    load: float  # of the machine, when it was measured

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.low:.2f}-{self.high:.2f}]"


def pairs(a: Command, b: Command, rounds: int) -> Ratio:
    """Run each once to warm up, then *a* and *b* in turn."""
    _cost(a)
    _cost(b)
    costs = [(_cost(a), _cost(b)) for _ in range(rounds)]
    walls = [ours.wall / other.wall for ours, other in costs]
    ours, other = (_median([pair[side] for pair in costs]) for side in (0, 1))
    cpu = median(ours.cpu / max(other.cpu, 0.001) for ours, other in costs)
    return Ratio(ours, other, median(walls), min(walls), max(walls), cpu, os.getloadavg()[0])


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(median(each.wall for each in costs), median(each.cpu for each in costs))


def _cost(command: Command) -> Cost:
    command.before()
    time.sleep(SETTLE_SECONDS)
    before, start = os.times(), time.perf_counter()
    command.run()
    wall, after = time.perf_counter() - start, os.times()
    command.after()
    return Cost(wall, sum(after[:4]) - sum(before[:4]))


def process(argv: Sequence[str | Path], cwd: Path, environment: Mapping[str, str], code: int | None = 0) -> Step:
    """A step that runs one process, which has to end with that *code* if one is given."""

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
            if code is not None and done.returncode != code:
                said.seek(0)
                reason = said.read().decode(errors="replace").strip()
                words = " ".join(map(str, argv))
                raise Exit(f"{words} exited with {done.returncode}: {reason}", code=1)

    return run
