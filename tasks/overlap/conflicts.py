"""What will clash: sessions with each other and with their base, and changes outside of a session's component."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from .. import work
from ..errors import SessionError
from ..model import Repository, Session
from . import scope, sides, trial
from .findings import KINDS, Finding, shortened
from .sides import Side

if TYPE_CHECKING:
    from ..status import Status

_MOST = 6  # merges that are tried for `list`


def examine(repository: Repository, sessions: Sequence[Session], about: str = "") -> list[Finding]:
    """Return what clashes among *sessions* and with their bases; with *about* only what that session is part of.

    Raises `SessionError` when nothing can be said about that one, or git is too old.
    """
    for session in sessions:
        if session.name == about and (why := sides.unusable(session)):
            raise SessionError(why)
    known = sides.of(repository, sides.look(repository, sessions))
    pairs, onto = _meeting(repository, known, about)
    found = [*trial.findings(repository, pairs, onto), *(each for side in known for each in _outside(side))]
    chosen = [each for each in found if not about or _about(each, about)]
    return sorted(chosen, key=lambda each: (KINDS.index(each.kind), each.session, each.other))


def hot(session: Session, sessions: Sequence[Session]) -> list[str]:
    """Return a sentence for each of *sessions*, and for its base, that git cannot merge *session* with."""
    usable = [each for each in sessions if not sides.unusable(each)]
    try:
        found = examine(session.repository, usable, session.name)
    except SessionError:  # an old git: who asks for `conflicts` is told
        return []
    return [str(each) for each in found if each.kind == "hot"]


def met(session: Session, sessions: Sequence[Session]) -> list[str]:
    """Return what the new *session* meets: whom it cannot be merged with, and who changed files of its component."""
    found = hot(session, sessions) if session.brings_work else []
    others = [each for each in sessions if each.name != session.name and not sides.unusable(each)]
    if session.scope and others:
        for side in sides.of(session.repository, sides.look(session.repository, others), quiet=True):
            inside = side.changed.paths - {*scope.outside(side.changed.paths, session.scope)}
            if inside:
                found.append(f"{side.name} has changed files of {session.component}: {shortened(sorted(inside))}")
    return found


def noted(repository: Repository, found: Sequence[Status]) -> list[Status]:
    """Return *found* with what each session cannot be merged with, and its changes outside of its component.

    `list` must stay quick: beyond a few merges none is tried, and the statuses say so.
    """
    seen = [(each.session, each.work, each.tip) for each in found if each.work and not sides.unusable(each.session)]
    known = sides.of(repository, seen, quiet=True)
    clashes = [each for side in known for each in _outside(side)]
    pairs, onto = _meeting(repository, known)
    tried = len(pairs) + len(onto) <= _MOST
    try:
        clashes += trial.findings(repository, pairs, onto) if tried else []
    except SessionError:  # an old git: who asks for `conflicts` is told
        tried = False
    return [
        replace(each, tried=tried, clashes=tuple(c for c in clashes if _about(c, each.session.name))) for each in found
    ]


def notes(found: Sequence[Status]) -> list[str]:
    """Return what `list` mentions of the sessions *found*: what cannot be merged, or that this was not tried."""
    if not all(each.tried for each in found):
        return ["sessions change the same files; which of them git cannot merge: inv session.conflicts"]
    return [str(clash) for each in found for clash in each.clashes if clash.kind == "hot"]


def _about(found: Finding, name: str) -> bool:
    return name == found.session or (name == found.other and found.against == "session")


def _meeting(
    repository: Repository, known: Sequence[Side], about: str = ""
) -> tuple[list[trial.Both], list[trial.Both]]:
    """Return the pairs of sessions, and of sessions and bases, that changed the same paths."""
    pairs = [(a, b) for a, b in combinations(known, 2) if about in ("", a.name, b.name) and a.changed.meets(b.changed)]
    partners = {side.name for both in pairs for side in both}
    moved = sides.bases(repository, [side for side in known if about in ("", side.name) or side.name in partners])
    onto = [(side, moved[side.name]) for side in known if side.name in moved]
    return pairs, [(side, base) for side, base in onto if side.changed.meets(base.changed)]


def _outside(side: Side) -> list[Finding]:
    session, done = side.session, side.work
    assert session is not None and done is not None  # it is no base
    if not session.scope:
        return []
    whole = {path.rstrip("/") for path in done.untracked if path.endswith("/")}
    paths = {*(side.changed.paths - whole), *work.untracked_files(session, done)}
    files = scope.outside(paths, session.scope)
    return [Finding("scope", side.name, session.component, "component", files)] if files else []
