"""Benchmarks: the project's commands against a plain script that does the same job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from develop.bench import cases, dashboard
from develop.bench.measure import Ratio, pairs
from develop.bench.repository import TASKS, make_repository, scratch_directory

HEADINGS = ["what", "ours ms", "other ms", "ratio", "gate"]


def run(rounds: int, large: bool, say: Callable[[str], None], tasks: Path = TASKS) -> list[list[str]]:
    """Return the table, headings first. *say* gets progress messages."""
    table = [HEADINGS, *_small(rounds, say, tasks)]
    return [*table, *_large(rounds, say, tasks)] if large else table


def _small(rounds: int, say: Callable[[str], None], tasks: Path) -> list[list[str]]:
    with scratch_directory() as directory:
        say("making a repository of 2,000 files and a database of 50 MB")
        repository = make_repository(directory, 2_000, 50, tasks)
        todo = chain(
            cases.add_and_remove(repository, cases.SMALL),
            cases.windows(repository),
            cases.copying(repository),
            cases.start_up(repository),
            cases.many_sessions(repository),
        )
        rows = _rows(todo, rounds, say)
    return [*rows, *_shown(rounds, say, tasks)]


def _shown(rounds: int, say: Callable[[str], None], tasks: Path) -> list[list[str]]:
    with scratch_directory() as directory:
        say("making a repository of 200 files for the dashboard")
        return _rows(dashboard.dashboard(make_repository(directory, 200, 1, tasks)), rounds, say)


def _large(rounds: int, say: Callable[[str], None], tasks: Path) -> list[list[str]]:
    with scratch_directory() as directory:
        say("making a repository of 20,000 files and a database of 500 MB")
        repository = make_repository(directory, 20_000, 500, tasks)
        rows = _rows(cases.add_and_remove(repository, cases.LARGE), rounds, say)
    return [[f"{row[0]}, 20,000 files", *row[1:]] for row in rows]


def _rows(todo: Iterator[cases.Case], rounds: int, say: Callable[[str], None]) -> list[list[str]]:
    rows = []
    for case in todo:
        say(f"{case.what}: {rounds} rounds")
        rows.append(_row(case, pairs(case.ours, case.other, rounds)))
    return rows


def _row(case: cases.Case, ratio: Ratio) -> list[str]:
    gate = "" if case.gate is None else f"≤ {case.gate:.2f}"
    if case.gate is not None and ratio.median > case.gate:
        gate += " MISSED"
    return [case.what, f"{ratio.ours * 1000:.1f}", f"{ratio.other * 1000:.1f}", str(ratio), gate]
