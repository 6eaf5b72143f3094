"""The two pieces of the project that are also timed by themselves, in this process."""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

from develop.bench.measure import Step
from develop.bench.repository import Repository
from tasks import git, records, registry, settings, status
from tasks.machine import copying


def database_copier(source: Path, target: Path) -> Step:
    """Return the project's copying of *source* to *target*."""
    return lambda: copying.copy(source, target)


def status_reader(repository: Repository) -> Step:
    """Return what `session.list` does between reading the registry and printing."""
    here = git.locate(repository.main)
    rows = registry.rows(here)
    sessions = [records.session(name, row, here, lambda: settings.load({})) for name, row in rows.items()]

    def read() -> None:
        # Its children would else ask the person's own tmux server.
        with mock.patch.dict(os.environ, repository.environment, clear=True):
            status.of(sessions, here)

    return read
