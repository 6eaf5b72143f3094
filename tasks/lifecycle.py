"""The order of the world, and what walks it: add, resume, stop, remove."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module
from threading import Thread

from . import claude, files, locks, names, narration, ports, programs, records, registry, setup, signals, tmux, worktree
from . import plan as planning
from . import removal as removing
from .errors import SessionError
from .model import Repository, Resource, Session
from .settings import Settings

# In order of creation; removal and rollback walk it backwards. Shells boot in tmux while files are copied.
RESOURCES: tuple[Resource, ...] = (worktree, tmux, files, setup, claude, programs)
# The part that runs, which stop ends.
RUNNING: tuple[Resource, ...] = (tmux, programs)


def label(resource: Resource) -> str:
    """Return the name under which *resource* is told of."""
    return getattr(resource, "__name__", "").rpartition(".")[2]


def plan(name: str, settings: Settings, repository: Repository) -> Session:
    """Return the session that `add` would make now, without claiming anything."""
    names.check(name)
    return planning.plan(name, settings, repository, ports.held_elsewhere(repository))


def add(name: str, settings: Settings, repository: Repository) -> Session:
    """Make the session *name* and return it; a failure, or ^C, leaves nothing of it."""
    names.check(name)
    begun: list[Resource] = []
    session = None
    with signals.raised(), _alone(repository, name):
        try:
            with ports.claiming(repository) as held, registry.changing(repository) as rows:
                session = planning.plan(name, settings, repository, held)
                rows[name] = records.row(session)
            _prefetch("dotenv.parser", "sqlite3")
            for resource in RESOURCES:
                begun.append(resource)  # first: `git worktree add` that a hook fails leaves its worktree
                detail = resource.describe(session)
                with narration.step(label(resource), detail) if detail else nullcontext():
                    resource.create(session)
            registry.note(repository, name, state="ready")
        except BaseException:
            if session is not None:
                _undo(session, begun)
            raise
    return session


def resume(sessions: Sequence[Session]) -> list[str]:
    """Make sure that everything of *sessions* is there and runs; return what failed, a message for each session."""
    failed: dict[str, str] = {}
    with signals.raised():
        for resource in RESOURCES:
            for session in sessions:
                if session.name in failed:
                    continue
                try:
                    with _alone(session.repository, session.name):
                        _require_ready(session)
                        resource.create(session)
                except (SessionError, OSError) as error:
                    failed[session.name] = f"{session.name}: {error}"
    return list(failed.values())


def stop(session: Session) -> None:
    """End what runs of *session*; its files, its branch and its ports stay."""
    with _surviving(session), _alone(session.repository, session.name):
        if leftovers := _sweep(session, RUNNING):
            raise SessionError("\n".join(leftovers))


def remove(session: Session, force: bool = False, keep_branch: bool = False) -> None:
    """Leave nothing of *session*; what does not go stays registered, for another try.

    Raises `SessionError` before any effect when work would be lost, unless *force*.
    """
    with _surviving(session), _alone(session.repository, session.name):
        _prefetch("psutil")
        doomed = removing.plan(session, force, keep_branch)
        registry.note(
            session.repository, session.name, state="removing", tip=doomed.tip, creates_branch=doomed.creates_branch
        )
        os.chdir(session.repository.main)  # the worktree may take our directory with it
        with signals.held():
            if leftovers := _sweep(doomed, RESOURCES):
                again = f"the rest is removed; to try again: inv session.remove {session.name}"
                raise SessionError("\n".join([*leftovers, again]))
            _release(session)


def plan_removal(session: Session, force: bool, keep_branch: bool) -> Session:
    """Return what `remove` would take away, or raise its refusal."""
    return removing.plan(session, force, keep_branch)


def _require_ready(session: Session) -> None:
    row = registry.rows(session.repository).get(session.name)
    if row is None or row.get("state", "ready") != "ready":
        state = row["state"] if row else "gone"
        raise SessionError(f"session is {state}; to finish that: inv session.remove {session.name}")


def _undo(session: Session, begun: Iterable[Resource]) -> None:
    with signals.held():
        leftovers = _sweep(session, list(begun))
        for leftover in leftovers:
            narration.notice(f"left behind: {leftover}")
        if leftovers:
            narration.notice(f"to try again: inv session.remove {session.name}")
        else:
            _release(session)
            narration.say(f"nothing is left of {session.name}")


def _sweep(session: Session, resources: Sequence[Resource]) -> list[str]:
    """Remove *resources*, last made first; return what would not go."""
    leftovers = []
    for resource in reversed(resources):
        try:
            resource.remove(session)
        except (SessionError, OSError) as error:  # an undo that raised would hide the failure behind it
            leftovers.append(f"{label(resource)}: {error}")
    return leftovers


def _release(session: Session) -> None:
    if not registry.release(session.repository, session.name):
        ports.leave(session.repository)


def _prefetch(*modules: str) -> None:
    """Import *modules*, which will be needed, while we wait for git."""
    Thread(target=lambda: [import_module(module) for module in modules], daemon=True).start()


@contextmanager
def _alone(repository: Repository, name: str) -> Iterator[None]:
    """Nobody else changes the session *name* meanwhile."""
    with locks.held(repository.private / f"{name.replace('/', '%')}.lock"):
        yield


@contextmanager
def _surviving(session: Session) -> Iterator[None]:
    """Outlive the end of the window that we run in, when it is one of *session*'s."""
    inside = os.environ.get("TALLY_SESSION") == str(session.worktree)
    with signals.raised() if not inside else nullcontext():
        if inside:
            sys.stderr.flush()
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        yield
