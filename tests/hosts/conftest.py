"""A project with two hosts."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing import hosts, missing
from testing.hosts import Fleet
from testing.project import Project


@pytest.fixture
def fleet(project: Project, sandbox: Path) -> Iterator[Fleet]:
    """Return the project with two hosts that have nothing yet."""
    missing.require("ssh", "ssh-keygen", "sshd")
    made = hosts.make(sandbox, project)
    yield made
    for machine in (made.alpha, made.beta):
        machine.end()


@pytest.fixture
def ready(fleet: Fleet) -> Fleet:
    """Return the same with checkouts on both, as `fleet.setup` makes them."""
    for machine in (fleet.alpha, fleet.beta):
        machine.main.parent.mkdir()
        subprocess.run(["git", "clone", "--quiet", str(fleet.here.main), str(machine.main)], check=True)
        for path in ("backend/.env", "frontend/.env", "backend/db.sqlite3"):
            shutil.copy(fleet.here.main / path, machine.main / path)
    return fleet
