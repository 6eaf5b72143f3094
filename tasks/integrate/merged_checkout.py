"""The merged result, checked out in a session's worktree while its checks run there; also after a kill."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from ..errors import CommandError, SessionError
from ..model import Problem, Session
from ..store import registry
from ..system import signals
from ..tools import git
from . import half_checkout

_KEY = "verifying"
_BARE = ("-c", f"core.hooksPath={os.devnull}")  # hooks are for a person's own checkouts


@contextmanager
def merged_checkout(session: Session, head: str, commit: str) -> Iterator[None]:
    """Check out *commit* in the clean worktree of *session*, whose branch is at *head*, and go back afterwards.

    What is edited in the meantime stays; where git can't go back because of it, a `SessionError` says so.
    """
    registry.note_facts(session.repository, session.name, **{_KEY: f"{head} {commit}"})
    try:
        git.settle_git(session.worktree, *_BARE, "checkout", "--quiet", "--detach", commit)
        yield
    finally:
        with signals.signals_held():
            finish_checkout(session)


def finish_checkout(session: Session) -> None:
    """Bring the worktree back to its branch if a merged result is in it; the caller has the session's lock."""
    if (noted := _noted(session)) is None:
        return
    head, commit = noted
    place = session.worktree
    if git.own_admin_dir(session.repository, place) is None:
        return
    now = git.read_git(place, "rev-parse", "HEAD", check=False).strip()
    on_branch = git.read_git(place, "symbolic-ref", "--quiet", "HEAD", check=False).strip()
    if now == commit and not on_branch:
        half_checkout.take_back_killed_checkout(place, commit, head)
        try:
            git.settle_git(place, *_BARE, "checkout", "--quiet", session.branch)
        except CommandError as error:
            back = f"git -C {shlex.quote(str(place))} checkout {session.branch}"
            raise SessionError(
                f"{place} still has the merged result that was verified.\n{error.stderr.strip()}\nRun: {back}"
            ) from None
    elif now == head and on_branch:
        half_checkout.take_back_killed_checkout(place, head, commit)
    elif not on_branch and git.read_git(place, "merge-base", commit, now, check=False).strip() == commit:
        raise _committed_meanwhile(session, commit, now)
    registry.note_facts(session.repository, session.name, **{_KEY: ""})


def _committed_meanwhile(session: Session, commit: str, now: str) -> SessionError:
    """Return the error that there are commits on top of the verified *commit*, which no branch has."""
    there = f"git -C {shlex.quote(str(session.worktree))}"
    picked = f"{there} checkout {shlex.quote(session.branch)} && {there} cherry-pick {commit[:12]}..{now[:12]}"
    return SessionError(
        f"While the merged result of {session.name} was verified, commits were made on top of it in"
        f" {session.worktree}. They are on no branch yet.\nRun: {picked}"
    )


def _noted(session: Session) -> tuple[str, str] | None:
    words = str(registry.read_registry(session.repository).get(session.name, {}).get(_KEY, "")).split(" ")
    return (words[0], words[1]) if len(words) == 2 else None


def checkout_problems(sessions: Sequence[Session]) -> Iterator[tuple[str, Problem]]:
    """Yield the sessions whose checks were killed while the merged result was in their worktree."""
    for session in sessions:
        if _noted(session) is not None and not registry.is_busy(session.repository, session.name):
            why = "its worktree may have the merged result instead of its branch"
            yield session.name, Problem("its checks were interrupted", why, "inv session.doctor --fix")


def finish_checkouts(sessions: Sequence[Session]) -> None:
    """Do that for all *sessions* that no command is working on."""
    for session in sessions:
        with ExitStack() as until:
            if _noted(session) is not None and registry.try_session_lock(session.repository, session.name, until):
                finish_checkout(session)
