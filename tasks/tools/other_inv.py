"""`inv` of another repository: with that one's own tasks, and its own Python where it has one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..system import shell

_ENVIRONMENTS = (".venv", "venv")


def inv_command(main: Path) -> list[str]:
    """Return the program that runs tasks in the main checkout *main*: its own `inv`, else ours.

    Which tasks these are is decided by where it runs: Invoke loads those of the directory.
    """
    own = (main / name / "bin" / "inv" for name in _ENVIRONMENTS)
    return next(([str(each)] for each in own if os.access(each, os.X_OK)), [sys.executable, sys.argv[0]])


def inv_environment() -> dict[str, str]:
    """Return the environment for that: without the virtualenv, conversation or session that we run in."""
    return shell.pristine_environment()
