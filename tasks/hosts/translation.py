"""The row of a session, put into the words of another machine."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from .. import registry
from ..machine import activation
from ..model import Repository


def translated(row: registry.Row, packed: dict[str, Any], repository: Repository) -> registry.Row:
    """Return *row* with the directories of the other machine replaced by those of this one."""
    worktree = Path(os.path.normpath(repository.main / os.path.relpath(row["worktree"], packed["main"])))
    there = {row["worktree"]: str(worktree), packed["main"]: str(repository.main), packed["home"]: str(Path.home())}
    # The longer first, as one may begin with another; and no part of a longer name.
    pattern = re.compile(rf"(?<![\w.-])({'|'.join(map(re.escape, there))})(?![\w.-])")

    def moved(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub(lambda match: there[match[1]], value)
        if isinstance(value, dict):
            return {key: moved(item) for key, item in value.items()}
        return [moved(item) for item in value] if isinstance(value, list) else value

    new = {key: moved(value) for key, value in row.items() if key not in ("claude_entry", "archive")}
    if packed["found"]:
        new["activate"] = activation.default(repository.main, row["project"])
    return {**new, "state": "ready", "archive": ""}
