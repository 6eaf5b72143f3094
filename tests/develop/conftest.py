"""What the tests of embedding share."""

import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def target(sandbox: Path) -> Path:
    """Return an empty repository to embed into."""
    top = sandbox / "target"
    subprocess.run(["git", "init", "--quiet", str(top)], check=True)
    return top
