"""The order of the world, and what walks it: add, resume, stop, remove."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from . import (
    briefing,
    claude,
    compose,
    containers,
    files,
    kept,
    making,
    narration,
    programs,
    records,
    registry,
    rules,
    setup,
    tmux,
    walk,
    worklog,
    worktree,
)
from .archives import archive, archiving, checkout
from .errors import SessionError, told
from .machine import imports, signals
from .model import Repository, Resource, Session
from .planning import removal as removing

if TYPE_CHECKING:
    from .request import Removal, Request
    from .settings import Settings

# In order of creation; removal and rollback walk it backwards. Shells boot in tmux while files are copied.
RESOURCES: tuple[Resource, ...] = (
    worktree, kept, tmux, claude, files, compose, containers, setup, rules, briefing, programs, worklog,
)  # fmt: skip
# The part that runs, which stop ends; the log says so.
RUNNING: tuple[Resource, ...] = (containers, tmux, programs, worklog)


def add(asked: Request, settings: Settings, repository: Repository) -> Session:
    """Make the session that is *asked* for and return it; a failure, or ^C, leaves nothing of it.

    What an earlier add or remove of that name left unfinished, because it was killed, is undone first.
    """
    from .planning import checklist, deciding, numbering

    numbering.check(asked.name, settings)
    row = registry.rows(repository).get(asked.name, {})
    if row.get("state", "ready") != "ready":
        finish(records.session(asked.name, row, repository, lambda: settings))
    checklist.tell(asked, settings, repository, fetch=True)
    plan = partial(deciding.claimed, asked, settings, repository)
    return making.make(asked.name, repository, plan, RESOURCES, RUNNING)


def restore(name: str, repository: Repository, at: str = "") -> Session:
    """Make the removed session *name* again, as it was, and return it; a failure leaves its archive as it is.

    Of several, *at* chooses by the beginning of its time; else it is the newest.
    """
    from . import restoration

    saved = restoration.find(name, repository, at)
    row = saved.facts["row"]
    # What it did is in what comes back; and which move brought it, if one did.
    done = {key: row[key] for key in ("setup_done", "rules", "moved") if key in row}

    def decide(held: set[int], _until: ExitStack) -> Session:
        kept = restoration.find(name, repository, saved.directory.name)  # what was pruned meanwhile is gone
        return restoration.plan(kept, repository, held)

    session = making.make(name, repository, decide, RESOURCES, RUNNING, done)
    registry.note(repository, name, creates_branch=row.get("creates_branch", True))
    if not checkout.stays(saved.directory, saved.facts):
        archive.drop(repository, saved)
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
                    with registry.alone(session.repository, session.name):
                        _require_ready(session)
                        resource.create(session)
                except (SessionError, OSError) as error:
                    failed[session.name] = f"{session.name}: {told(error)}"
    return list(failed.values())


def stop(session: Session) -> None:
    """End what runs of *session*; its files, its branch and its ports stay."""
    with signals.surviving(str(session.worktree)), registry.alone(session.repository, session.name):
        if leftovers := walk.backward(session, RUNNING):
            raise SessionError("\n".join(leftovers))


def remove(session: Session, how: Removal) -> archive.Archive | None:
    """Leave nothing of *session* but its archive, which is returned; what does not go stays registered.

    Raises `SessionError` before any effect when work would be lost, unless forced.
    """
    with signals.surviving(str(session.worktree)), registry.alone(session.repository, session.name):
        return _remove(records.current(session), how)


def finish(session: Session) -> None:
    """Undo an add, or end a removal, that was interrupted; what is going on, or has become whole, is left alone."""
    from .request import Removal

    with signals.raised(), ExitStack() as until:
        if not registry.alone_at_once(session.repository, session.name, until):
            return
        state = registry.rows(session.repository).get(session.name, {}).get("state", "ready")
        if state != "ready":
            narration.notice(f"an earlier attempt was interrupted ({state}); what it left of {session.name} is removed")
            _remove(records.current(session), Removal())


def _remove(session: Session, how: Removal) -> archive.Archive | None:
    imports.prefetch("psutil")
    doomed = removing.plan(session, how)
    agreed = {"tip": doomed.tip, "creates_branch": doomed.creates_branch, **records.compose(doomed)}
    registry.note(session.repository, session.name, state="removing", **agreed)
    os.chdir(session.repository.main)  # the worktree may take our directory with it
    with signals.held():
        leftovers = walk.backward(doomed, RUNNING)  # first: what they write last is kept as well
        saved = _archived(doomed, session)
        leftovers += walk.backward(doomed, [resource for resource in RESOURCES if resource not in RUNNING])
        if leftovers:
            again = f"the rest is removed; to try again: inv session.remove {session.name}"
            raise SessionError("\n".join([*leftovers, again]))
        walk.release(session)
    return saved


def _archived(doomed: Session, session: Session) -> archive.Archive | None:
    try:
        return archiving.keep(doomed)
    except Exception as error:
        before = {"creates_branch": session.creates_branch, **records.compose(session)}
        registry.note(doomed.repository, doomed.name, state="ready", **before)
        again = f"inv session.start {doomed.name}"
        said = told(error) if isinstance(error, (SessionError, OSError)) else str(error)
        raise SessionError(f"{said}\nnothing was removed, because it could not be kept; to go on: {again}") from None


def _require_ready(session: Session) -> None:
    if (state := records.current(session).state) != "ready":
        raise SessionError(f"session is {state}; to finish that: inv session.remove {session.name}")
