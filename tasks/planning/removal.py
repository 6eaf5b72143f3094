"""What `remove` would take away: every refusal, before any effect."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from .. import astray, compose, git, work, worktree
from ..archives import keeping
from ..errors import SessionError
from ..history import merged
from ..machine import places, tools
from ..model import Session
from ..narration import notice
from ..request import Removal


def plan(session: Session, how: Removal) -> Session:
    """Return *session* as it is to be removed: with the commit that its branch must still have.

    Raises `SessionError` naming the work that exists nowhere else, unless forced.
    """
    tools.require_tmux()
    force = how.force
    entry = worktree.administration(session)
    if entry is None and session.state != "adding" and (away := astray.displaced(session)):
        again = f"inv session.remove {session.name}"
        raise SessionError(f"{away[0]}, so what is in it cannot be kept; to mend that: {away[1]}; then: {again}")
    done = work.of(session) if entry is not None else None
    if done is not None:
        work.refuse_closed(session, done)
    tip = done.head if done is not None and done.branch == session.branch else _tip_elsewhere(session, how)
    doomed = replace(session, tip=tip, creates_branch=session.creates_branch and not how.keep_branch)
    locked = entry is not None and (entry / "locked").exists() and session.state != "adding"  # git's own lock, then
    if locked and not force:
        unlock = f"git worktree unlock {shlex.quote(str(session.worktree))}"
        raise SessionError(f"{session.worktree} is locked; to unlock it: {unlock}")
    if not force and session.state != "removing" and not session.archive:  # then it was agreed to, and interrupted
        _refuse_in_progress(session)
        _refuse_uncommitted(session, done)
        _refuse_unmerged(doomed, done)
    return _with_volumes(doomed, how)


def _with_volumes(doomed: Session, how: Removal) -> Session:
    """Return *doomed* with what becomes of its volumes; an engine that does not answer is an error as well.

    Unless forced: then it is without containers, and that they stay is told.
    """
    if doomed.compose is None:
        return doomed
    keeps = how.keep_volumes or doomed.compose.keeps_volumes
    try:
        volumes = compose.volumes_of(doomed)
    except SessionError as error:
        if not how.force:
            raise SessionError(
                f"{error}\nto remove all else without it: inv session.remove {doomed.name} --force"
            ) from None
        notice(compose.unreached(doomed.compose.project, str(error).splitlines()[0]))
        return replace(doomed, compose=None)
    if volumes and doomed.state == "ready" and not (keeps or how.force):
        raise SessionError(
            f"session {doomed.name} has volumes, whose data nothing else holds: {', '.join(volumes)}\n"
            f"to leave them for a later session of that name: inv session.remove {doomed.name} --keep-volumes\n"
            f"to delete them for good (no archive has them): inv session.remove {doomed.name} --force"
        )
    return replace(doomed, compose=replace(doomed.compose, keeps_volumes=keeps))


def _tip_elsewhere(session: Session, how: Removal) -> str:
    """Return the commit of the branch, which is not checked out in the worktree; empty when there is none."""
    branch = git.branches(session.repository).get(f"refs/heads/{session.branch}")
    if branch is None:
        return ""
    elsewhere = session.creates_branch and not places.same(Path(branch.checkout), session.worktree)
    if branch.current and elsewhere and not how.keep_branch:
        raise SessionError(
            f"the branch {session.branch} is checked out in the main checkout; to let the session go but not its"
            f" branch: inv session.remove {session.name} --keep-branch"
        )
    if branch.checkout and elsewhere and not branch.current:
        moved = f"git worktree move {shlex.quote(branch.checkout)} {shlex.quote(str(session.worktree))}"
        raise SessionError(f"the branch {session.branch} is checked out at {branch.checkout}; to move it back: {moved}")
    return branch.commit


def _refuse_in_progress(session: Session) -> None:
    if going_on := keeping.in_progress(session):
        raise SessionError(
            f"in {session.worktree} a merge, rebase or the like is going on ({going_on[0].name}); finish or abort it,"
            f" or remove it with the session: inv session.remove {session.name} --force"
        )


def _refuse_uncommitted(session: Session, done: work.Work | None) -> None:
    if done is None or not done.dirty:
        return
    raise SessionError(
        f"session {session.name} has work that is not committed, in {session.worktree}:\n{work.listed(done)}\n"
        f"commit or discard it, or remove it with the session: inv session.remove {session.name} --force"
    )


def _refuse_unmerged(doomed: Session, done: work.Work | None) -> None:
    ends = {doomed.tip} if doomed.creates_branch else set()
    if done is not None and done.branch != doomed.branch:
        ends.add(done.head)  # commits on a detached HEAD belong to no branch
    ends -= {doomed.start, "", _merged(doomed)}
    if not ends:
        return
    kept = [doomed.base or "HEAD"] if git.commit(doomed.repository, doomed.base or "HEAD") else []
    if done is not None and done.branch not in (doomed.branch, "(detached)"):
        kept.append(f"refs/heads/{done.branch}")  # another branch, which stays
    count = merged.missing(doomed.repository, sorted(ends), kept)
    if count:
        raise SessionError(
            f"session {doomed.name} has {count} unmerged commit{'s' if count > 1 else ''}: on {doomed.branch},"
            f" in neither {doomed.base or 'HEAD'} nor any remote branch;\n"
            "merge or push them, keep the branch (--keep-branch), or delete them:"
            f" inv session.remove {doomed.name} --force"
        )


def _merged(session: Session) -> str:
    """Return the commit that `session.merge` brought to a branch, if that still has it.

    A squash onto other commits is not always a patch that could be found again.
    """
    into = git.commit(session.repository, f"refs/heads/{session.merged_into}") if session.merged_into else ""
    if not into or not git.commit(session.repository, session.merged_as):
        return ""
    return "" if git.beyond(session.repository, session.merged_as, into) else session.merged_tip
