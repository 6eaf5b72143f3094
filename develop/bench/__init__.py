"""Benchmarks: the project's commands against a plain script that does the same job."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from develop.bench import cases, dashboard, steps
from develop.bench.measure import Command, Ratio, pairs
from develop.bench.repository import TASKS, Repository, make_repository, scratch_directory

Say = Callable[[str], None]
HEADINGS = ["what", "ours ms", "other ms", "ratio", "of CPU", "load", "gate", "goal"]


@dataclass(frozen=True)
class Measured:
    """A case, and what came out."""

    what: str
    way: str
    gate: float | None
    goal: float | None
    ratio: Ratio

    @property
    def missed(self) -> bool:
        """Whether it takes longer than the gate."""
        return self.gate is not None and self.ratio.median > self.gate

    def row(self) -> list[str]:
        """Return it as a row of the table."""
        ratio, missed = self.ratio, " MISSED" if self.missed else ""
        times = [f"{each.wall * 1000:.1f}" for each in (ratio.ours, ratio.other)]
        return [
            self.what,
            *times,
            str(ratio),
            f"{ratio.cpu:.2f}",
            f"{ratio.load:.1f}",
            f"{at_most(self.gate)}{missed}",
            at_most(self.goal),
        ]


def at_most(bound: float | None) -> str:
    """Return *bound* as the table has it; empty for none."""
    return "" if bound is None else f"≤ {bound:.2f}"


@dataclass(frozen=True)
class Report:
    """What was measured, where, when and in how many rounds; *floor* is an `inv` that does nothing, beside the script.

    The figures of a busy machine are not those of a quiet one: each has the load beside it.
    """

    machine: dict[str, str]
    rounds: int
    floor: Ratio
    measured: tuple[Measured, ...]

    def table(self) -> list[list[str]]:
        """Return the table, headings first."""
        return [HEADINGS, *(each.row() for each in self.measured)]

    def record(self) -> dict[str, Any]:
        """Return it for programs."""
        return asdict(self)

    def introduction(self) -> list[str]:
        """Return lines with the machine, and Invoke's floor."""
        floor = self.floor
        return [
            ", ".join(self.machine.values()),
            f"Invoke's floor: `inv --list` with an empty task takes {floor.ours.wall * 1000:.0f} ms, which is"
            f" {floor.median:.2f} of the script's add ({floor.other.wall * 1000:.0f} ms).",
        ]


def run(rounds: int, large: bool, say: Say, tasks: Path = TASKS) -> Report:
    """Measure everything, and return the report. *say* gets progress messages."""
    with scratch_directory() as directory:
        say("making a repository of 2,000 files and a database of 50 MB")
        repository = make_repository(directory, 2_000, 50, tasks)
        machine = _machine(directory)
        say("Invoke's floor")
        floor = _floor(repository, rounds)
        measured = list(_measured(_small(repository), rounds, say))
    measured += _shown(rounds, say, tasks)
    if large:
        measured += _large(rounds, say, tasks)
    return Report(machine, rounds, floor, tuple(measured))


def _shown(rounds: int, say: Say, tasks: Path) -> Iterator[Measured]:
    with scratch_directory() as directory:
        say("making a repository of 200 files for the dashboard")
        yield from _measured(dashboard.dashboard(make_repository(directory, 200, 1, tasks)), rounds, say)


def _small(repository: Repository) -> Iterator[cases.Case]:
    return chain(
        cases.add_and_remove(repository, cases.SMALL),
        cases.usable(repository),
        cases.copying(repository),
        cases.start_up(repository),
        cases.many_sessions(repository),
    )


def _large(rounds: int, say: Say, tasks: Path) -> Iterator[Measured]:
    with scratch_directory() as directory:
        say("making a repository of 20,000 files and a database of 500 MB")
        repository = make_repository(directory, 20_000, 500, tasks)
        for each in _measured(cases.add_and_remove(repository, cases.LARGE), rounds, say):
            yield Measured(f"{each.what}, 20,000 files", each.way, each.gate, each.goal, each.ratio)


def _measured(todo: Iterator[cases.Case], rounds: int, say: Say) -> Iterator[Measured]:
    for case in todo:
        say(f"{case.what}: {rounds} rounds")
        yield Measured(case.what, case.way, case.gate, case.goal, pairs(case.ours, case.other, rounds))


def _floor(repository: Repository, rounds: int) -> Ratio:
    script = Command(
        steps.script_step(repository, "add", cases.NAME), after=steps.script_step(repository, "remove", cases.NAME)
    )
    return pairs(Command(steps.trivial_step(repository, "--list")), script, rounds)


def _machine(directory: Path) -> dict[str, str]:
    """Return what the figures depend on."""
    git, tmux = (_said([name, flag]) for name, flag in (("git", "--version"), ("tmux", "-V")))
    return {
        "date": f"{datetime.now():%d %B %Y}".lstrip("0"),
        "cores": f"{os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"Python {platform.python_version()}",
        "git": git,
        "tmux": tmux,
        "files": "files in memory" if directory.is_relative_to("/dev/shm") else "files on disk",  # noqa: S108
    }


def _said(argv: list[str]) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True, stdin=sys.stdin).stdout.strip()
