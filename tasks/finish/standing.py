"""Whether a session's branch can be finished now: its worktree is there, its branch in it, and nothing half done."""

from __future__ import annotations

import shlex

from .. import git, records, work, worktree
from ..archives import keeping
from ..errors import SessionError
from ..model import Session


def ready(session: Session) -> work.Work:
    """Return what was done in the worktree of *session*, which has its branch checked out and nothing going on.

    Raises `SessionError` otherwise.
    """
    if (state := records.current(session).state) != "ready":
        raise SessionError(f"session {session.name} is {state}; to finish that: inv session.remove {session.name}")
    if worktree.administration(session) is None:
        worktree.refuse_displaced(session)
        found = worktree.problems(session)[0]
        raise SessionError(f"{found.what}; to let the session go but not its branch: {found.mend}")
    refuse_in_progress(session)
    done = work.of(session)
    if done.branch != session.branch:
        on = "on no branch (a detached HEAD)" if done.branch == "(detached)" else f"on {done.branch}"
        back = f"git -C {shlex.quote(str(session.worktree))} {checkout(session)}"
        raise SessionError(f"{session.worktree} is {on}, expected {session.branch}; to go back to it: {back}")
    return done


def checkout(session: Session) -> str:
    """Return the words with which git goes to its branch, which it makes again where somebody deleted it."""
    new = "" if git.commit(session.repository, f"refs/heads/{session.branch}") else "-b "
    return f"checkout {new}{session.branch}"


def refuse_in_progress(session: Session) -> None:
    """Raise `SessionError` when a merge, rebase or the like is going on in the worktree."""
    if going_on := keeping.in_progress(session):
        raise SessionError(
            f"in {session.worktree} a merge, rebase or the like is going on ({going_on[0].name}); finish it there,"
            f" or abort it: inv session.sync {session.name} --abort"
        )


def refuse_dirty(session: Session, done: work.Work) -> None:
    """Raise `SessionError` naming what is not committed."""
    if done.dirty:
        raise SessionError(
            f"session {session.name} has work that is not committed:\n{work.listed(done)}\n"
            f"commit or discard it: cd {shlex.quote(str(session.worktree))} && git add --all && git commit"
        )


def refuse_unrelated(session: Session, head: str, other: str, name: str) -> None:
    """Raise `SessionError` when *head* and the commit *other*, called *name*, have no commit in common."""
    if git.read(session.repository.main, "merge-base", head, other, check=False).strip():
        return
    if (session.repository.common / "shallow").exists():
        raise SessionError(
            f"this clone is shallow: where {session.branch} left {name} is not in it; to fetch the rest:"
            " git fetch --unshallow"
        )
    raise SessionError(f"{session.branch} and {name} have no commit in common; expected a branch that left {name}")
