"""The two sides of what could clash: sessions and their bases, with what each changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from .. import git, work, worktree
from ..archives import keeping
from ..errors import SessionError
from ..model import Repository, Session
from ..narration import notice
from . import changes, trees
from .changes import Changes

AT_ONCE = 8  # git is mostly waiting for the disk


@dataclass(frozen=True)
class Side:
    """What is at *commit*, changed since *fork*; of a session also its *work* and the *tip* of its base."""

    name: str
    commit: str
    fork: str
    changed: Changes
    session: Session | None = None
    work: work.Work | None = None
    tip: str = ""  # empty when the base is unknown, or has no commit in common with the session


Seen = tuple[Session, work.Work, str]


def look(repository: Repository, sessions: Iterable[Session]) -> list[Seen]:
    """Return the work of each of *sessions* and the tip of its base; what is odd about one is told."""
    chosen = [session for session in sessions if _usable(session)]
    names = {session.base or "HEAD" for session in chosen}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tips = dict(zip(names, pool.map(lambda name: git.commit(repository, name), names), strict=True))
        works = list(pool.map(work.of, chosen))
    for session, done in zip(chosen, works, strict=True):
        _tell(session, done, tips[session.base or "HEAD"])
    return [(session, done, tips[session.base or "HEAD"]) for session, done in zip(chosen, works, strict=True)]


def unusable(session: Session) -> str:
    """Return why nothing can be said about the work of *session*, and what to do; empty when there is no reason."""
    if session.state != "ready":
        return f"{session.name} is {session.state}; to finish that: inv session.remove {session.name}"
    if worktree.administration(session) is None:
        return f"the worktree of {session.name} is gone; what can be done: inv session.doctor"
    return ""


def _usable(session: Session) -> bool:
    if why := unusable(session):
        notice(f"left out: {why}")
    return not why


def _tell(session: Session, done: work.Work, tip: str) -> None:
    if keeping.in_progress(session):
        notice(f"{session.name}: a merge or rebase is going on; it is taken as its files are now")
    elif done.branch != session.branch:
        where = f"detached at {done.head[:12]}" if done.branch == "(detached)" else f"on {done.branch}"
        notice(f"{session.name}: its worktree is {where}, not on {session.branch}; what is there is looked at")
    if not tip:
        notice(f"{session.name}: its base {session.base!r} names no commit any more; it is measured from its start")


def of(repository: Repository, seen: Sequence[Seen], quiet: bool = False) -> list[Side]:
    """Return the sides of the sessions *seen*: their commits at HEAD, their changes with what is not committed."""
    forks = changes.forks(repository, [(done.head, tip) for _, done, tip in seen if done.head != tip])
    sides = [_side(repository, each, forks, quiet) for each in seen]
    committed = changes.between(repository, [(side.fork, side.commit) for side in sides])
    return [replace(side, changed=side.changed | committed[side.fork, side.commit]) for side in sides]


def _side(repository: Repository, seen: Seen, forks: dict[changes.Pair, str], quiet: bool) -> Side:
    session, done, tip = seen
    fork = tip if done.head == tip else forks.get((done.head, tip), "")
    if tip and not fork and not quiet:
        notice(
            f"{session.name} and its base {session.base} have no commit in common here; it is measured from its start."
            " In a shallow clone: git fetch --unshallow"
        )
    known = fork or git.commit(repository, session.start or "HEAD")
    return Side(session.name, done.head, known, changes.uncommitted(done), session, done, tip if fork else "")


def bases(repository: Repository, sides: Iterable[Side]) -> dict[str, Side]:
    """Return by session the other side that its base is, where that has moved on."""
    behind = [side for side in sides if side.tip and side.tip != side.fork]
    moved = changes.between(repository, [(side.fork, side.tip) for side in behind])
    return {side.name: Side(_base(side), side.tip, side.fork, moved[side.fork, side.tip]) for side in behind}


def _base(side: Side) -> str:
    return (side.session and side.session.base) or "HEAD"


def as_they_are(repository: Repository, sides: Sequence[Side], shelf: trees.Shelf) -> dict[str, Side]:
    """Return by name the *sides* with commits of what is in their worktrees now, and exactly what these changed."""

    def taken(side: Side) -> Side | None:
        assert side.session is not None and side.work is not None
        try:
            return replace(side, commit=trees.commit(side.session, side.work, shelf))
        except SessionError as error:
            notice(f"left out: the work of {side.name} cannot be read: {error}")
            return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        known = [side for side in pool.map(taken, sides) if side is not None]
    env = shelf.environment
    forks = changes.forks(repository, [(side.commit, side.tip) for side in known if side.tip], env)
    known = [replace(side, fork=forks.get((side.commit, side.tip)) or side.fork) for side in known]
    exact = changes.between(repository, [(side.fork, side.commit) for side in known], env)
    return {side.name: replace(side, changed=exact[side.fork, side.commit]) for side in known}
