"""What was done in a worktree, as `git status` knows it, and what is in progress there."""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ..errors import CommandError, SessionError
from ..model import Session
from ..system import files, shell, terminal
from ..system.patterns import late_pattern
from . import git
from .git import Worktree, find_worktree

# In git's directory for a worktree while a merge or the like is in progress there, besides `rebase-merge` and its like.
_IN_PROGRESS = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_START", "sequencer")


def list_git_operations(session: Session, worktree: Worktree | None = None) -> list[Path]:
    """Return git's notes of a merge, rebase or bisection that is in progress in the *worktree* of *session*."""
    admin_dir = (worktree or find_worktree(session.worktree)).admin_dir
    return list_operations_in(admin_dir) if admin_dir else []


def list_operations_in(admin_dir: Path) -> list[Path]:
    """Return the same notes in git's directory *admin_dir* for a worktree or the main checkout."""
    try:
        names = sorted(os.listdir(admin_dir))
    except OSError:
        return []
    rebases = [name for name in names if name.startswith("rebase-")]
    return [admin_dir / name for name in (*rebases, *(name for name in _IN_PROGRESS if name in names))]


# What git calls what it has begun, by its notes of that; a rebase that stopped has notes of a cherry-pick as well.
_OPERATIONS = {
    "rebase-merge": "rebase", "rebase-apply": "rebase", "MERGE_HEAD": "merge", "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert", "sequencer": "cherry-pick", "BISECT_START": "bisect",
}  # fmt: skip


def name_operation(notes: list[Path]) -> str:
    """Return what git calls that of which these are the *notes*, as `rebase`; empty for nothing."""
    names = {note.name for note in notes}
    if any(note.name == "rebase-apply" and (note / "applying").exists() for note in notes):
        return "patch"
    return next((_OPERATIONS[name] for name in _OPERATIONS if name in names), min(names, default=""))


def operation_ends(operation: str) -> tuple[str, ...]:
    """Return the arguments for git that finish *operation*, as `name_operation` calls it, and those that undo it."""
    if operation == "bisect":
        return ("bisect reset",)
    verb = {"patch": "am"}.get(operation, operation)
    return (f"{verb} --continue", f"{verb} --abort") if operation in _ENDED else ("status",)


_ENDED = {*_OPERATIONS.values(), "patch"}
_SHOWN = 10
_NAMED = 5
_STATUS = ("status", "--porcelain=v2", "--branch", "--no-ahead-behind", "-z")
_EACH_FILE = ("--untracked-files=all", "--ignored=matching")
_CHECKOUT = 5.0  # seconds that a checkout may take
_CLOSED = late_pattern(r"^warning: could not open directory '(.+)/': Permission denied$", re.MULTILINE)
UNFINISHED = late_pattern(r"\.[^/]+\.\d+\.[0-9a-f]{8}\.tmp(-wal|-shm|-journal)?$")


class Work(NamedTuple):
    """The state of a worktree: the commit and branch of its HEAD, and the paths that are changed or untracked."""

    head: str
    branch: str  # "(detached)" without one
    changed: tuple[str, ...]
    untracked: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    own: tuple[str, ...] = ()  # untracked, but put there by us
    gone: tuple[str, ...] = ()  # deleted, or renamed to one of the changed
    closed: tuple[str, ...] = ()  # directories that only another user may read: git warns, and skips them
    unmerged: tuple[str, ...] = ()  # those of the changed in which a merge or rebase has stopped at a conflict

    @property
    def dirty(self) -> bool:
        """Whether there are uncommitted changes."""
        return bool(self.changed or self.untracked)


def list_uncommitted(work: Work) -> str:
    """Return the uncommitted paths of *work*, a line for each, ten at most."""
    kinds = (("changed", work.changed), ("untracked", work.untracked))
    lines = [f"    {kind}: {terminal.file_name(path)}" for kind, paths in kinds for path in paths]
    more = [f"    and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join([*lines[:_SHOWN], *more])


def list_paths(paths: Sequence[str]) -> str:
    """Return the first few of *paths*, and how many more there are."""
    names = map(terminal.file_name, paths[:_NAMED])
    return ", ".join([*names, *([f"and {len(paths) - _NAMED} more"] if len(paths) > _NAMED else [])])


def read_work(
    session: Session, ignored: bool = False, worktree: Worktree | None = None, seconds: float = 0, threads: bool = True,
    refreshes: bool = True,
) -> Work:  # fmt: skip
    """Return what was done in the *worktree* of *session*, without the copies and links that `add` put there.

    With *ignored* those files are listed too, and each untracked file by itself (a repository as `path/`). Without
    *threads* git looks at one file after the other, which is quicker where other worktrees keep all cores busy. Without
    *refreshes*, for the last look, git writes nothing, and reads no file of a new worktree. Raises `CommandError` with
    git's reason when git cannot read the worktree, `SilentError` when it takes more *seconds*, by default its usual
    ones.
    """
    admin_dir = (worktree or find_worktree(session.worktree)).admin_dir or session.worktree
    if _unborn(admin_dir):
        return Work("", "(detached)", (), ())
    if not refreshes:
        _delete_left_copies(admin_dir)
    age = _age_of_new(admin_dir)
    lockless = () if refreshes and age and age > 1 else ("--no-optional-locks",)
    words = (*_STATUS, *(_EACH_FILE if ignored else ()))
    place = ("git", "-C", str(session.worktree), *(() if threads else ("-c", "core.preloadIndex=false")))
    ask = partial(shell.read_outputs, *place, *lockless, *words, seconds=seconds)
    try:
        output, warnings = (_ask_trusting(session, admin_dir, ask) if age and not refreshes else None) or ask()
    except CommandError as error:
        if "index file" in error.stderr:
            raise _damaged_index(session, admin_dir, error) from None
        if _is_damaged(head := admin_dir / "HEAD"):
            raise _damaged_head(session, head) from None
        if lockless:
            raise
        output, warnings = shell.read_outputs(*place, "--no-optional-locks", *words, seconds=seconds)  # a full disk
    return _parse_status(output, session)._replace(closed=tuple(_CLOSED.findall(warnings)))


def _delete_left_copies(admin_dir: Path) -> None:
    """Delete the copies of git's index that killed commands left: they would stay as long as the worktree."""
    with suppress(OSError):
        files.sweep_leftovers(admin_dir / "index")


def _ask_trusting(session: Session, admin_dir: Path, ask: Callable[..., tuple[str, str]]) -> tuple[str, str] | None:
    """Return what *ask* says without reading the files of a new worktree; None where git has to read them."""
    from . import fresh_index

    environment = shell.clean_environment()
    return fresh_index.ask_trusting(
        session.worktree, admin_dir, lambda index: ask(env={**environment, "GIT_INDEX_FILE": str(index)})
    )


def _is_damaged(head: Path) -> bool:
    """Return whether git's file *head* names neither a branch nor a commit, as after a power cut."""
    return not re.match(r"ref: refs/|[0-9a-f]{40}", git.read_git_file(head))


def _damaged_head(session: Session, head: Path) -> SessionError:
    """Return what lets git know again which branch the worktree is on: no file and nothing staged changes."""
    fix = f"echo {shlex.quote(f'ref: refs/heads/{session.branch}')} > {shlex.quote(str(head))}"
    return SessionError(f"Git doesn't know what is checked out in {session.worktree}: {head} is damaged.\nRun: {fix}")


def _damaged_index(session: Session, admin_dir: Path, error: CommandError) -> SessionError:
    """Return what puts git's index in order again: no file in the worktree changes, only what was staged is lost."""
    index, tree = shlex.quote(str(admin_dir / "index")), shlex.quote(str(session.worktree))
    reason = error.stderr.strip().splitlines()[-1].removeprefix("fatal: ")
    fix = f"mv {index} {index}.damaged && git -C {tree} reset"
    return SessionError(f"Git's index of {session.worktree} is damaged: {reason}\nRun: {fix}")


def refuse_closed(session: Session, work: Work) -> None:
    """Raise `SessionError` where *work* has a directory that only another user may read."""
    if work.closed:
        place = shlex.quote(str(session.worktree / work.closed[0]))
        raise SessionError(f"You may not read {place}, so it can't be saved.\nRun: sudo chmod -R a+rX {place}")


def _unborn(admin_dir: Path) -> bool:
    """Return whether a `git worktree add` was killed before it checked anything out: git fails there."""
    try:
        head = (admin_dir / "HEAD").read_text().strip()
    except OSError:
        return False
    return bool(head) and not head.strip("0")


def _parse_status(output: str, session: Session) -> Work:
    head = branch = ""
    changed, untracked, ignored, gone, unmerged = [], [], [], [], []
    records = iter(output.split("\0"))
    for record in records:
        kind, _, rest = record.partition(" ")
        if record.startswith("# branch.oid "):
            head = record.split(" ", 2)[2].replace("(initial)", "")
        elif record.startswith("# branch.head "):
            branch = record.split(" ", 2)[2]
        elif kind == "?":
            untracked.append(rest)
        elif kind == "!":
            ignored.append(rest.rstrip("/"))
        elif kind in ("1", "u"):
            changed.append(rest.split(" ", 7 if kind == "1" else 9)[-1])
            gone += changed[-1:] if "D" in rest[:2] else []
            unmerged += changed[-1:] if kind == "u" else []
        elif kind == "2":
            changed.append(rest.split(" ", 8)[-1])
            gone.append(next(records, ""))  # the old name of what was renamed or copied
    own = tuple(path for path in untracked if _is_ours(session, path))
    others = tuple(path for path in untracked if path not in own)
    return Work(head, branch, tuple(changed), others, tuple(ignored), own, tuple(gone), (), tuple(unmerged))


def list_untracked(session: Session, work: Work) -> tuple[str, ...]:
    """Return the untracked files of *work*, each by itself: git status names a whole new directory once."""
    if not any(path.endswith("/") for path in work.untracked):
        return work.untracked
    output = git.read_git(session.worktree, "ls-files", "--others", "--exclude-standard", "-z", "--full-name", ":/")
    return tuple(path for path in output.split("\0") if path and not _is_ours(session, path))


def _age_of_new(admin_dir: Path) -> float | None:
    """Return the seconds since git's index was written by a checkout; None where it was written later.

    It is as old as its files then, and git reads every one of them. One status that may lock the index fixes that after
    a second; later ones must not, or a commit at that moment would fail.
    """
    try:
        created, index = (os.stat(admin_dir / name).st_mtime for name in ("gitdir", "index"))
    except OSError:
        return None
    return time.time() - index if index - created < _CHECKOUT else None


def _is_ours(session: Session, path: str) -> bool:
    return path.rstrip("/") in {*session.copy, *session.link, *session.env} or UNFINISHED.search(path) is not None


def count_ahead_behind(session: Session, head: str, base: str) -> tuple[int, int]:
    """Return by how many commits *head* is ahead of and behind *base*, both full ids."""
    if not base or head == base:
        return 0, 0
    counted = git.read_git(session.worktree, "rev-list", "--left-right", "--count", f"{head}...{base}", check=False)
    ahead, behind = counted.split() if counted.strip() else ("0", "0")
    return int(ahead), int(behind)
