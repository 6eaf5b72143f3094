"""What was done in a worktree: changes, commits, and how it stands to its base."""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import git
from .model import Session

_OURS_UNFINISHED = re.compile(r"\.[^/]+\.\d+\.[0-9a-f]{8}\.tmp$")


@dataclass(frozen=True)
class Work:
    """The state of a worktree: the commit and branch of its HEAD, and the paths that are changed or untracked."""

    head: str
    branch: str  # "(detached)" without one
    changed: tuple[str, ...]
    untracked: tuple[str, ...]

    @property
    def dirty(self) -> bool:
        """Whether something is not committed."""
        return bool(self.changed or self.untracked)


def of(session: Session) -> Work:
    """Return what was done in the worktree of *session*, its own copies and links left out."""
    said = git.read(session.worktree, "--no-optional-locks", "status", "--porcelain=v2", "--branch", "-z")
    head = branch = ""
    changed, untracked = [], []
    records = iter(said.split("\0"))
    for record in records:
        kind, _, rest = record.partition(" ")
        if record.startswith("# branch.oid "):
            head = record.split(" ", 2)[2]
        elif record.startswith("# branch.head "):
            branch = record.split(" ", 2)[2]
        elif kind == "?":
            untracked.append(rest)
        elif kind in ("1", "u"):
            changed.append(rest.split(" ", 7 if kind == "1" else 9)[-1])
        elif kind == "2":
            changed.append(rest.split(" ", 8)[-1])
            next(records, None)  # where it was renamed from
    return Work(head, branch, tuple(changed), tuple(path for path in untracked if not _ours(session, path)))


def _ours(session: Session, path: str) -> bool:
    made = {*session.copy, *session.link, *session.env}
    return path.rstrip("/") in made or _OURS_UNFINISHED.search(path) is not None


def distance(session: Session, head: str, base: str) -> tuple[int, int]:
    """Return by how many commits *head* is ahead of and behind *base*, both full ids."""
    if not base or head == base:
        return 0, 0
    counted = git.read(session.worktree, "rev-list", "--left-right", "--count", f"{head}...{base}", check=False)
    ahead, behind = counted.split() if counted.strip() else ("0", "0")
    return int(ahead), int(behind)
