"""Work that began in the main checkout and belongs into a session: moved there, and nothing of it is ever in no place.

The session has all of it, and that was looked at, before the main checkout loses any.
"""

from __future__ import annotations

import shlex
from dataclasses import replace

from .. import git, lifecycle, narration, worklog
from ..archives import snapshot
from ..errors import SessionError
from ..machine import signals
from ..model import Repository, Session
from ..planning import deciding
from ..request import Request
from ..settings import Settings
from . import adopted, hauling, sameness
from .hauling import Haul


def adopt(asked: Request, settings: Settings, repository: Repository, commits: int) -> Session:
    """Make the session that is *asked* for with the last *commits* of the main checkout, or else its changes.

    A failure, or ^C, leaves them in the main checkout.
    """
    with signals.raised(), adopted.alone(repository):
        planned = deciding.plan(replace(asked, base="HEAD"), settings, repository, quiet=True)
        if not planned.creates_branch or planned.tracks:
            raise SessionError(f"a branch {planned.branch} exists; expected a new one: choose another NAME")
        main = replace(planned, worktree=repository.main, tip="")
        haul = hauling.main_checkout(main, commits)
        reference = adopted.reference(repository, planned.slug, haul.work or haul.head)
        try:
            made = _made(replace(asked, base="HEAD", start=haul.to, adopts=haul.work), settings, main)
            _move(main, made, haul)
        finally:
            _forget(repository, reference)
    return made


def _forget(repository: Repository, reference: str) -> None:
    with signals.held():
        try:
            adopted.drop(repository, reference)
        except (SessionError, OSError) as error:
            narration.notice(f"{error}\na copy of the work is left: git update-ref -d {reference}")


def _made(wanted: Request, settings: Settings, main: Session) -> Session:
    try:
        return lifecycle.add(wanted, settings, main.repository)
    except BaseException:
        narration.notice(f"everything is still in the main checkout, {main.worktree}")
        raise


def _move(main: Session, made: Session, haul: Haul) -> None:
    """Take the *haul* away from the main checkout, once the session has all of it."""
    complete = False
    try:
        _require_branch(made, haul)
        sameness.require(main, made, haul.paths)
        complete = True
        signals.ignore()
        with narration.step("adopted", f"{_told(haul)} from {main.worktree}"):
            _take(main, haul)
    except BaseException:
        if complete and not sameness.hold(main, made, haul.paths):
            look = f"git -C {shlex.quote(str(main.worktree))} status"
            narration.notice(f"session {made.name} has all of it; to see what is left: {look}")
        else:
            again = f"inv session.remove {made.name} --force"
            narration.notice(f"everything is still in the main checkout, {main.worktree}")
            narration.notice(f"session {made.name} has a copy of it; before you try again: {again}")
        raise


def _told(haul: Haul) -> str:
    return f"{len(haul.paths)} changed paths" if haul.work else f"the commits after {haul.to[:10]}"


def _require_branch(made: Session, haul: Haul) -> None:
    if git.commit(made.repository, f"refs/heads/{made.branch}") != haul.head:
        raise SessionError(f"{made.branch} is not at {haul.head[:10]}, where the main checkout was; see: git log")


def _take(main: Session, haul: Haul) -> None:
    """Take the *haul* away from the main checkout; raises `SessionError` before any effect when that is not safe."""
    if haul.work:
        snapshot.take_away(main, haul.work, haul.without)
        try:
            git.run(main.worktree, "reset", "--quiet")
        except (SessionError, OSError) as error:
            narration.notice(f"{error}\nthe files are as they should be, git's index is not yet: git reset")
        return
    _go_back(main, haul)


def _go_back(main: Session, haul: Haul) -> None:
    """Take the commits of *haul* back; where they change the work log, its new entry is written again after that."""
    if haul.log:
        git.settle(main.worktree, "checkout", "--quiet", haul.head, "--", f":(literal){haul.log}")
    git.read(main.worktree, "update-index", "-q", "--refresh", check=False)
    git.settle(main.worktree, "update-ref", "-m", f"session.adopt {main.name}", "HEAD", haul.to, haul.head)
    try:
        git.settle(main.worktree, "read-tree", "-m", "-u", haul.head, haul.to)
    except (SessionError, OSError):
        git.settle(main.worktree, "update-ref", "-m", f"undone: session.adopt {main.name}", "HEAD", haul.head, haul.to)
        raise
    finally:
        if haul.log:
            worklog.refresh(main.repository)
