"""A project with two hosts."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing import hosts, missing, spaces
from testing.hosts import Fleet
from testing.project import Project


def _made(project: Project, sandbox: Path, apart: bool) -> Iterator[Fleet]:
    missing.require("ssh", "ssh-keygen", "sshd")
    made = hosts.make(sandbox, project, apart)
    yield made
    for machine in (made.alpha, made.beta):
        machine.end()


@pytest.fixture
def fleet(project: Project, sandbox: Path) -> Iterator[Fleet]:
    """Return the project with two hosts that have nothing yet."""
    yield from _made(project, sandbox, apart=False)


@pytest.fixture
def ready(fleet: Fleet) -> Fleet:
    """Return the same with checkouts on both, as `fleet.setup` makes them."""
    return _with_checkouts(fleet)


@pytest.fixture
def apart(project: Project, sandbox: Path) -> Iterator[Fleet]:
    """Return the same, each host in a network namespace with ports of its own."""
    if not spaces.CAN:
        pytest.skip("only root on Linux can make network namespaces")
    for made in _made(project, sandbox, apart=True):
        yield _with_checkouts(made)


def _with_checkouts(fleet: Fleet) -> Fleet:
    for machine in (fleet.alpha, fleet.beta):
        machine.main.parent.mkdir()
        subprocess.run(["git", "clone", "--quiet", str(fleet.here.main), str(machine.main)], check=True)
        for path in ("backend/.env", "frontend/.env", "backend/db.sqlite3"):
            shutil.copy(fleet.here.main / path, machine.main / path)
    return fleet
