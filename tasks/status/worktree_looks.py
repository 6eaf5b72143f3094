"""What is in the worktrees of sessions now: looked at once, and handed on to all that say something about it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ..errors import CommandError, SessionError, SilentError
from ..model import Repository, Session
from ..tools import git, worktree_status
from ..tools.git import Worktree
from ..tools.worktree_status import Work

GIT_PATIENCE = 5.0  # seconds; one worktree on a disk that hangs must not keep the other sessions waiting
AT_ONCE = 8  # git is mostly waiting for the disk


class Look(NamedTuple):
    """A *session* with its worktree, the work in that, and the commit that its base has now."""

    session: Session
    admin_dir: Path | None = None  # git's own directory for the worktree; None when git does not know that
    work: Work | None = None
    failure: SessionError | None = None  # why git could not say what the work is
    tip: str = ""  # empty when the base names no commit

    @property
    def silence(self) -> str:
        """That git gave no answer in time; empty when it did."""
        return f"no answer from git in {GIT_PATIENCE:g} s" if isinstance(self.failure, SilentError) else ""

    @property
    def operation(self) -> str:
        """What git has begun in the worktree and not finished, as `rebase`; empty for nothing."""
        notes = worktree_status.list_operations_in(self.admin_dir) if self.admin_dir else []
        return worktree_status.name_operation(notes)

    @property
    def other_head(self) -> str:
        """The branch that is checked out in the place of the session's, `(detached)` for none; empty if it is that."""
        branch = self.work.branch if self.work else ""
        return "" if self.operation or branch == self.session.branch else branch


def look_at_worktree(session: Session, crowded: bool = False) -> Look:
    """Return what is in the worktree of *session*; git has `GIT_PATIENCE` to say it.

    *crowded* says that so many are looked at that git's own threads would be in each other's way.
    """
    admin_dir = git.own_admin_dir(session.repository, session.worktree)
    if admin_dir is None:
        return Look(session)
    tree = Worktree(session.worktree, admin_dir)
    try:
        work = worktree_status.read_work(session, worktree=tree, seconds=GIT_PATIENCE, threads=not crowded)
        return Look(session, admin_dir, work)
    except SessionError as error:
        return Look(session, admin_dir, failure=error)


def look_at_each(pool: ThreadPoolExecutor, sessions: Sequence[Session]) -> Iterator[Look]:
    """Return what is in the worktree of each of *sessions*, as *pool* finds it out."""
    crowded = len(sessions) > (os.cpu_count() or 1)
    return pool.map(partial(look_at_worktree, crowded=True) if crowded else look_at_worktree, sessions)


def look_at_worktrees(repository: Repository, sessions: Sequence[Session]) -> list[Look]:
    """Return what is in the worktree of each of *sessions*."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        bases = pool.submit(resolve_bases, repository, sessions)
        return [with_tip(look, bases.result()) for look in look_at_each(pool, sessions)]


def resolve_bases(repository: Repository, sessions: Sequence[Session]) -> dict[str, str]:
    """Return the commit of each base of *sessions* by name, empty for none; without a base it is HEAD."""
    names = {session.base or "HEAD" for session in sessions}
    return {name: git.resolve_commit(repository, name) for name in names}


def with_tip(look: Look, bases: dict[str, str]) -> Look:
    """Return *look* with the commit of its base, one of *bases*."""
    return look._replace(tip=bases[look.session.base or "HEAD"])


def why_unusable(look: Look) -> str:
    """Return why the work of a session cannot be compared, and what to do; empty if it can be."""
    session = look.session
    if session.state != "ready":
        return f"{session.name} is {session.state}.\nRun: inv session.remove {session.name}"
    if look.admin_dir is None:
        return f"The worktree of {session.name} is gone.\nRun: inv session.doctor"
    if isinstance(look.failure, SilentError):
        return f"Git didn't answer in {session.worktree} within {GIT_PATIENCE:g} s.\nRun: inv session.doctor"
    return "" if look.failure is None else describe_failure(session, look.failure)


def describe_failure(session: Session, error: SessionError) -> str:
    """Return in one line that git could not read the work of *session*, and why, and what to do."""
    if "\nRun: " in str(error):
        return str(error)
    lines = error.stderr.strip().splitlines() if isinstance(error, CommandError) else str(error).splitlines()
    reason = next((line for line in lines if line.startswith(("fatal: ", "error: "))), "".join(lines[:1]))
    look = shlex.join(["git", "-C", str(session.worktree), "status"])
    return f"Git couldn't read the work of {session.name} ({reason or 'no reason given'}).\nRun: {look}"


def operation_steps(session: Session, operation: str) -> list[tuple[str, str]]:
    """Return why and how the *operation* that git has begun in the worktree is finished, or undone."""
    enter, why = f"cd {shlex.quote(str(session.worktree))} && git", f"a {operation} is in progress"
    finish, *undo = (f"{enter} {words}" for words in worktree_status.operation_ends(operation))
    if operation in ("rebase", "merge"):
        undo = [f"inv session.sync {session.name} --abort"]
    return [(why, finish), *(("or undo it", each) for each in undo)]


def links_out(session: Session) -> list[str]:
    """Return the directories of the session's own files that are links to somewhere outside of its worktree."""
    paths = (*session.copy, *session.link, *session.env)
    parents = sorted({str(parent) for path in paths for parent in Path(path).parents if parent.name})
    top = os.path.realpath(session.worktree)
    links = [parent for parent in parents if (session.worktree / parent).is_symlink()]
    return [link for link in links if not Path(os.path.realpath(session.worktree / link)).is_relative_to(top)]
