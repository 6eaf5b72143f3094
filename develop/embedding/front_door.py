"""The `tasks.py` of a repository: written when there is none, else three lines that a person, or `--patch`, adds."""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass
from pathlib import Path

from develop.embedding.appending import append
from develop.embedding.errors import EmbedError

_MISSING = "tasks/ is missing beside tasks.py; it belongs into the commit: git add tasks"
NEW = f"""import sys
from pathlib import Path

if not Path(__file__).with_suffix("").is_dir():
    sys.exit("{_MISSING}")
del sys.modules[__name__]

from tasks import ns
"""
# Invoke loads that file under the package's name: without the first line it would import itself.
ADDED = f"__import__('os').path.isdir(__file__[:-3]) or exit('{_MISSING}'); "
ADDED += "del __import__('sys').modules[__name__]  # noqa\n"
ADDED += "from tasks import join  # noqa\nns = join(globals())\n"


@dataclass(frozen=True)
class Plan:
    """The lines to *add* to *file*, which may be missing, None for none; and what is *said* of it."""

    file: Path
    add: str | None
    said: str

    @property
    def left(self) -> bool:
        """Whether the lines are left for a person to add."""
        return self.add is None and bool(self.said)


def plan(file: Path, patch: bool) -> Plan:
    """Decide what becomes of *file*; raises `EmbedError` when it is no file of Invoke's."""
    if not os.path.lexists(file):
        return Plan(file, NEW, "wrote tasks.py")
    if not file.is_file():
        raise EmbedError(f"{file} is no file; move it away: `inv` and the package need its name")
    text = file.read_bytes()
    if re.search(rb"^from tasks import .*\b(ns|join)\b", text, re.MULTILINE) and b"sys" in text:
        return Plan(file, None, "")
    if not _of_invoke(text):
        raise EmbedError(f"{file} is not a file of Invoke's tasks; rename it: `inv` and the package need its name")
    if patch:
        return Plan(file, f"\n{ADDED}", "added three lines at the end of tasks.py")
    return Plan(file, None, f"tasks.py stays as it is; add to its end (--patch does it):\n\n{ADDED}")


def put(decided: Plan) -> str:
    """Do what was *decided* and return what is said of it."""
    if decided.add is not None:
        append(decided.file, decided.add)
    return decided.said


def _of_invoke(text: bytes) -> bool:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return any(name.partition(".")[0] in ("invoke", "fabric") for name in names)
