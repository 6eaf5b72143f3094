"""The processes that are timed: the project's, the plain script's, a trivial collection's."""

from __future__ import annotations

import sys
from pathlib import Path

from develop.bench.measure import Step, process
from develop.bench.repository import Repository, write

# The one beside the interpreter: a version manager's shim would be timed with it.
INV = Path(sys.executable).with_name("inv")
SCRIPT = Path(__file__).with_name("script.sh")
TRIVIAL = """\
from invoke import task


@task
def hello(c):
    \"\"\"Say hello.\"\"\"
    print("hello")
"""


def inv(repository: Repository, *words: str) -> Step:
    """Return `inv` on the embedded project."""
    return process([INV, *words], repository.main, repository.environment)


def trivial_inv(repository: Repository, *words: str) -> Step:
    """`inv` where the only task does nothing: what Invoke itself costs."""
    directory = repository.home / "trivial"
    write(directory / "tasks.py", TRIVIAL)
    return process([INV, *words], directory, repository.environment)


def script(repository: Repository, *words: str) -> Step:
    """Return the plain script on the same repository."""
    environment = {**repository.environment, "MAIN": str(repository.main)}
    return process([SCRIPT, *words], repository.main, environment)
