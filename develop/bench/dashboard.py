"""How long the dashboard takes until the sessions are on the screen, and until everything about them is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from develop.bench import cases, steps
from develop.bench.measure import Command, Step, process
from develop.bench.repository import Repository

_PAINTER = Path(__file__).with_name("paint_dashboard.py")
_IMPORT = "import textual.app, textual.widgets"


def dashboard(repository: Repository) -> Iterator[cases.Case]:
    """Return for 1, 10 and 50 sessions: the first paint ÷ importing Textual, and all that is known ÷ `session.list`.

    Both are without a terminal, so what a terminal needs to draw is not measured. They begin with the process.
    """
    textual = process([sys.executable, "-c", _IMPORT], repository.main, repository.environment)
    listing = steps.inv_step(repository, "session.list")
    cases.add_sessions(repository, range(1))
    for before, count in ((1, 1), (1, 10), (10, 50)):
        cases.imitate_sessions(repository, range(before, count))
        many = f"{count} session{'s' * (count > 1)}"
        first, whole = _paint(repository, "first"), _paint(repository, "complete")
        yield cases.Case(
            f"dashboard's first paint, {many} ÷ import of Textual", Command(first), Command(textual), None, None,
            "From the start of the process until the sessions are drawn, without a terminal. It is compared with"
            " importing Textual.",
        )  # fmt: skip
        yield cases.Case(
            f"dashboard complete, {many} ÷ session.list", Command(whole), Command(listing), None, None,
            "From the start of the process until all that is known of the sessions is drawn. It is compared with the"
            " table of the same sessions.",
        )  # fmt: skip


def _paint(repository: Repository, when: str) -> Step:
    environment = {**repository.environment, "PYTHONPATH": str(repository.main)}  # the tasks that are measured
    return process([sys.executable, _PAINTER, when], repository.main, environment)
