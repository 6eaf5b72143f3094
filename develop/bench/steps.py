"""The commands that are measured: ours, the plain script's, an `inv` that does nothing."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from unittest import mock

from develop.bench.measure import Step, process
from develop.bench.repository import Repository, write_file
from tasks.config import settings
from tasks.plan import contents
from tasks.status import session_status
from tasks.store import registry
from tasks.store import rows as store_rows
from tasks.system import copy
from tasks.tools import git

# The one beside the interpreter: with a version manager's shim its time would be measured, too.
INV = Path(sys.executable).with_name("inv")
SCRIPT = Path(__file__).with_name("script.sh")
TRIVIAL = """\
from invoke import task


@task
def hello(c):
    \"\"\"Say hello.\"\"\"
    print("hello")
"""


def inv_step(repository: Repository, *words: str, code: int | None = 0) -> Step:
    """Return `inv` on the embedded project, which has to end with that *code* if one is given."""
    return process([INV, *words], repository.main, repository.environment, code)


def trivial_step(repository: Repository, *words: str) -> Step:
    """`inv` with a task that does nothing, to measure Invoke itself."""
    directory = repository.home / "trivial"
    write_file(directory / "tasks.py", TRIVIAL)
    return process([INV, *words], directory, repository.environment)


def script_step(repository: Repository, *words: str) -> Step:
    """Return the plain script on the same repository."""
    environment = {**repository.environment, "MAIN": str(repository.main)}
    return process([SCRIPT, *words], repository.main, environment)


def database_copier(source: Path, target: Path) -> Step:
    """Return the project's copying of *source* to *target*."""
    return lambda: copy.copy_file(source, target)


def status_reader(repository: Repository) -> Step:
    """Return what `session.list` does between reading the registry and printing."""
    here = git.find_repository(repository.main)
    rows = registry.read_registry(here)
    sessions = [
        store_rows.session_from_row(name, row, here, partial(contents.complete_row, settings.parse_settings({})))
        for name, row in rows.items()
    ]

    def read() -> None:
        # Otherwise its children would use the developer's own tmux server.
        with mock.patch.dict(os.environ, repository.environment, clear=True):
            session_status.session_statuses(sessions, here)

    return read
