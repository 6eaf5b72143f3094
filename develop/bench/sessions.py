"""Making many sessions: the first by the project itself, the rest in their likeness."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from develop.bench.commands import inv
from develop.bench.measure import process
from develop.bench.repository import Repository

REGISTRY = ".tally-sessions"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def name(number: int) -> str:
    """Return what the session of this number is called; no name is a part of another."""
    return f"many-{number:03}"


def add(repository: Repository, numbers: range) -> None:
    """Add and stop real sessions."""
    for number in numbers:
        inv(repository, "session.add", name(number))()
        inv(repository, "session.stop", name(number))()


def imitate(repository: Repository, numbers: range) -> None:
    """Make worktrees, and rows in the form of the first real one's."""
    registry = repository.main / REGISTRY
    rows = json.loads(registry.read_text())
    for number in numbers:
        row = _likeness(rows[name(0)], number)
        rows[name(number)] = row
        words = ["git", "worktree", "add", "--quiet", "-b", name(number), row["worktree"]]
        process(words, repository.main, repository.environment)()
        # A first status notes in the index what is unchanged; whichever side ran it would pay for both.
        process(["git", "-C", row["worktree"], "status"], repository.main, repository.environment)()
    registry.write_text(json.dumps(rows, indent=2))


def worktrees(repository: Repository) -> list[Path]:
    """Return where the sessions in the registry are."""
    rows = json.loads((repository.main / REGISTRY).read_text())
    return [Path(row["worktree"]) for row in rows.values()]


def _likeness(row: dict[str, Any], number: int) -> dict[str, Any]:
    text = json.dumps(row).replace(name(0), name(number))
    copy: dict[str, Any] = json.loads(UUID.sub(str(uuid5(NAMESPACE_URL, str(number))), text))
    ports = {key: value + number for key, value in copy.items() if key.endswith("_port")}
    return {**copy, **ports}
