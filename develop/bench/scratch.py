"""A directory that takes everything of a benchmark with it when it goes."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108
SPACE_NEEDED = 6 * 1024**3
ATTEMPTS = 20


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty directory, in memory where there is room; its own tmux server ends with it."""
    directory = Path(tempfile.mkdtemp(prefix="tally-bench-", dir=_parent())).resolve()
    try:
        yield directory
    finally:
        _end_tmux(directory / "tmux")
        _delete(directory)


def _parent() -> Path | None:
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > SPACE_NEEDED
    return MEMORY if roomy else None


def _end_tmux(sockets: Path) -> None:
    """End the server whose sockets are here; a missing directory would mean the person's."""
    if not sockets.is_dir():
        return
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TMUX")}
    subprocess.run(
        ["tmux", "kill-server"],
        env={**kept, "TMUX_TMPDIR": str(sockets)},
        stderr=subprocess.DEVNULL,
        check=False,
    )


def _delete(directory: Path) -> None:
    """Delete it, though a program that was just told to end may still write there."""
    for _ in range(ATTEMPTS):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        time.sleep(0.1)
