"""What a session changed, as git's own diff: from where it left its base to what is in its worktree now.

Untracked files count. Git is given a copy of the worktree's index in which they stand: nothing is written in the
worktree, its index or the repository.
"""

from __future__ import annotations

import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import SessionError
from ..model import Repository, Session
from ..system import shell
from ..tools import git, worktree_status
from . import session_changes, worktree_looks
from .worktree_looks import Look

_QUIET = ("-c", "core.splitIndex=false", "-c", "core.fsmonitor=false")
# The id of an empty file, by the length of ids: what an untracked file is compared with is never read.
_EMPTY = {
    40: "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    64: "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
}


class ChangedFile(NamedTuple):
    """A file that differs; *was*: its name before, if that is another. Of a binary file no lines are counted."""

    path: str
    was: str
    insertions: int | None
    deletions: int | None


class WorktreeDiff(NamedTuple):
    """The difference between the commit *start* and what is in the worktree of *session*.

    *skipped* are the untracked repositories in it, of which git compares nothing.
    """

    session: Session
    start: str
    base: str  # what the session is measured against
    related: bool  # whether it and that have a commit in common
    skipped: tuple[str, ...]
    environment: Mapping[str, str]

    def argv(self, *flags: str) -> list[str]:
        """Return the command that shows the difference, with *flags* of `git diff`."""
        return ["git", "-C", str(self.session.worktree), *_QUIET, "diff", *flags, self.start, "--"]


@contextmanager
def open_diff(repository: Repository, session: Session, tip: bool = False) -> Iterator[WorktreeDiff]:
    """Yield what *session* changed since it left its base; with *tip*, how it differs from its base as it is now.

    Raises `SessionError` when git can't read its work.
    """
    look = worktree_looks.look_at_worktree(session)
    look = worktree_looks.with_tip(look, worktree_looks.resolve_bases(repository, [session]))
    if why := worktree_looks.why_unusable(look):
        raise SessionError(why)
    assert look.work is not None and look.admin_dir is not None  # it is usable
    if tip and not look.tip:
        from ..integrate import base

        base.find_base(session)  # which says how to get it back
    fork = _find_fork(repository, look)
    start = look.tip if tip else fork or git.resolve_commit(repository, session.start or "HEAD")
    untracked = worktree_status.list_untracked(session, look.work)
    skipped = tuple(path for path in untracked if path.endswith("/"))
    with tempfile.TemporaryDirectory(prefix="tally-") as scratch:
        index = Path(scratch, "index")
        environment = {**shell.clean_environment(), "GIT_INDEX_FILE": str(index)}
        if (look.admin_dir / "index").exists():
            shutil.copy2(look.admin_dir / "index", index)  # with its time: git then knows which files are unchanged
        _list_untracked(session, environment, untracked, _EMPTY.get(len(start), ""))
        yield WorktreeDiff(session, start, session.base or "HEAD", bool(fork), skipped, environment)


def _find_fork(repository: Repository, look: Look) -> str:
    """Return where the session left its base, also in the middle of a merge of that; empty if they share nothing."""
    assert look.work is not None and look.admin_dir is not None
    if not (look.tip and look.work.head):
        return ""
    heads = (look.work.head, *session_changes.merged_heads(look.admin_dir))
    return git.read_git(repository.main, "merge-base", look.tip, *heads, check=False).strip()


def _list_untracked(session: Session, environment: Mapping[str, str], paths: Sequence[str], empty: str) -> None:
    """Put the untracked *paths* into the index of *environment*, without reading them."""
    entries = []
    for path in paths:
        try:
            mode = (session.worktree / path).lstat().st_mode
        except OSError:  # deleted just now
            continue
        if stat.S_ISLNK(mode) or stat.S_ISREG(mode):
            kind = "120000" if stat.S_ISLNK(mode) else "100755" if mode & stat.S_IXUSR else "100644"
            entries.append(f"{kind} {empty}\t{path}\0")
    if entries:
        argv = ("git", "-C", str(session.worktree), *_QUIET, "update-index", "--add", "-z", "--index-info")
        shell.read_output(*argv, env=environment, given="".join(entries))


def has_changes(diff: WorktreeDiff) -> bool:
    """Return whether there is any difference."""
    return bool(shell.read_output(*diff.argv("--no-ext-diff", "--name-only"), env=diff.environment))


def diff_text(diff: WorktreeDiff, *flags: str) -> str:
    """Return the whole difference as git prints it, with *flags* such as --color=always, without pager or tools."""
    return shell.read_output(*diff.argv("--no-ext-diff", *flags), env=diff.environment)


def changed_files(diff: WorktreeDiff) -> list[ChangedFile]:
    """Return the files that differ, and how many lines of each."""
    output = shell.read_output(*diff.argv("--no-ext-diff", "--numstat", "-z"), env=diff.environment)
    words, files = iter(output.split("\0")), []
    for word in words:
        if not word:
            continue
        added, removed, path = word.split("\t", 2)
        was, path = ("", path) if path else (next(words), next(words))
        counts = [None if number == "-" else int(number) for number in (added, removed)]
        files.append(ChangedFile(path, was, counts[0], counts[1]))
    return files


def diff_record(diff: WorktreeDiff) -> dict[str, Any]:
    """Return it as `diff --json` shows it."""
    files = changed_files(diff)
    return {
        "name": diff.session.name, "base": diff.base, "start": diff.start,
        "insertions": sum(each.insertions or 0 for each in files),
        "deletions": sum(each.deletions or 0 for each in files),
        "files": [each._asdict() for each in files], "skipped": list(diff.skipped),
    }  # fmt: skip
