"""What was done in a worktree: changes, commits, and how it stands to its base."""

from __future__ import annotations

import re
import shlex
import time
from dataclasses import dataclass, replace
from pathlib import Path

from . import git, shell, terminal
from .errors import SessionError
from .model import Session

_SHOWN = 10
_CHECKOUT = 5.0  # seconds that git may take for it
_CLOSED = re.compile(r"^warning: could not open directory '(.+)/': Permission denied$", re.MULTILINE)
UNFINISHED = re.compile(r"\.[^/]+\.\d+\.[0-9a-f]{8}\.tmp$")


@dataclass(frozen=True)
class Work:
    """The state of a worktree: the commit and branch of its HEAD, and the paths that are changed or untracked."""

    head: str
    branch: str  # "(detached)" without one
    changed: tuple[str, ...]
    untracked: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    own: tuple[str, ...] = ()  # untracked, but put there by us
    gone: tuple[str, ...] = ()  # deleted, or renamed to one of the changed
    closed: tuple[str, ...] = ()  # directories that only another user may read: git warns, and leaves them out

    @property
    def dirty(self) -> bool:
        """Whether something is not committed."""
        return bool(self.changed or self.untracked)


def listed(done: Work) -> str:
    """Return what of *done* is not committed, a line for each path, ten at most."""
    kinds = (("changed", done.changed), ("untracked", done.untracked))
    lines = [f"    {kind}: {terminal.line(path)}" for kind, paths in kinds for path in paths]
    more = [f"    and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join([*lines[:_SHOWN], *more])


def of(session: Session, ignored: bool = False) -> Work:
    """Return what was done in the worktree of *session*, its own copies and links left out.

    With *ignored* those files are listed too, and each untracked file by itself (a repository as `path/`).
    """
    if _unborn(session):
        return Work("", "(detached)", (), ())
    lockless = () if _never_refreshed(session) else ("--no-optional-locks",)
    listing = ("--untracked-files=all", "--ignored=matching") if ignored else ()
    asked = ("git", "-C", str(session.worktree), *lockless, "status", "--porcelain=v2", "--branch", "-z", *listing)
    said, warned = shell.heard(*asked)
    return replace(_parsed(said, session), closed=tuple(_CLOSED.findall(warned)))


def refuse_closed(session: Session, done: Work) -> None:
    """Raise `SessionError` where *done* has a directory that only another user may read."""
    if done.closed:
        place = shlex.quote(str(session.worktree / done.closed[0]))
        raise SessionError(
            f"{place} cannot be read, so it cannot be kept; let yourself read it: sudo chmod -R a+rX {place}"
        )


def copies(session: Session) -> Path:
    """Return the file, gone with the worktree, that says how its large copies stood when they were made."""
    return (git.data_of(session.worktree) or session.worktree) / "tally-copies"


def _unborn(session: Session) -> bool:
    """Return whether a `git worktree add` was killed before it checked anything out: no git answers there."""
    try:
        head = ((git.data_of(session.worktree) or session.worktree) / "HEAD").read_text().strip()
    except OSError:
        return False
    return bool(head) and not head.strip("0")


def _parsed(said: str, session: Session) -> Work:
    head = branch = ""
    changed, untracked, hidden, gone = [], [], [], []
    records = iter(said.split("\0"))
    for record in records:
        kind, _, rest = record.partition(" ")
        if record.startswith("# branch.oid "):
            head = record.split(" ", 2)[2].replace("(initial)", "")
        elif record.startswith("# branch.head "):
            branch = record.split(" ", 2)[2]
        elif kind == "?":
            untracked.append(rest)
        elif kind == "!":
            hidden.append(rest.rstrip("/"))
        elif kind in ("1", "u"):
            changed.append(rest.split(" ", 7 if kind == "1" else 9)[-1])
            gone += changed[-1:] if "D" in rest[:2] else []
        elif kind == "2":
            changed.append(rest.split(" ", 8)[-1])
            gone.append(next(records, ""))  # where it was renamed or copied from
    others: list[str] = []
    own: list[str] = []
    for path in untracked:
        (own if _ours(session, path) else others).append(path)
    return Work(head, branch, tuple(changed), tuple(others), tuple(hidden), tuple(own), tuple(gone))


def untracked_files(session: Session, found: Work) -> tuple[str, ...]:
    """Return the untracked files that *found* has, each by itself: status names a whole new directory once."""
    if not any(path.endswith("/") for path in found.untracked):
        return found.untracked
    said = git.read(session.worktree, "ls-files", "--others", "--exclude-standard", "-z", "--full-name", ":/")
    return tuple(path for path in said.split("\0") if path and not _ours(session, path))


def _never_refreshed(session: Session) -> bool:
    """Return whether git's index is as the checkout left it, as old as its files: git then reads every one of them.

    One status that may lock the index mends that; later ones must not, or a commit at that moment would fail.
    """
    try:
        entry = git.data_of(session.worktree) or session.worktree
        made, index = (entry / "gitdir").stat().st_mtime, (entry / "index").stat().st_mtime
    except OSError:
        return False
    return index - made < _CHECKOUT and time.time() - index > 1


def _ours(session: Session, path: str) -> bool:
    made = {*session.copy, *session.link, *session.env}
    return path.rstrip("/") in made or UNFINISHED.search(path) is not None


def distance(session: Session, head: str, base: str) -> tuple[int, int]:
    """Return by how many commits *head* is ahead of and behind *base*, both full ids."""
    if not base or head == base:
        return 0, 0
    counted = git.read(session.worktree, "rev-list", "--left-right", "--count", f"{head}...{base}", check=False)
    ahead, behind = counted.split() if counted.strip() else ("0", "0")
    return int(ahead), int(behind)
