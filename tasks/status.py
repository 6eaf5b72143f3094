"""How the sessions stand: what `list` and `show` tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from . import git, ports, work, worktree
from .conversations import talk
from .docker import services
from .errors import SessionError
from .machine import listeners, panes
from .model import Repository, Session
from .overlap.findings import Finding

_AT_ONCE = 8  # git is mostly waiting for the disk


@dataclass(frozen=True)
class Status:
    """A session as it is now."""

    session: Session
    state: str  # running, partial, stopped, broken, adding or removing
    answering: frozenset[int]  # its ports on which its own processes answer
    foreign: Mapping[int, str]  # its ports on which somebody else does, and who
    work: work.Work | None  # None without a worktree
    ahead: int
    behind: int
    talk: talk.Talk
    services: services.Seen = ()
    tip: str = ""  # the commit of its base
    clashes: tuple[Finding, ...] = ()  # what it cannot be merged with, or has changed outside of its component
    tried: bool = False  # whether merges were tried for that

    @property
    def merged(self) -> bool:
        """Whether `session.merge` brought all of its commits to where they belong."""
        return bool(self.session.merged and self.work and self.work.head == self.session.merged_tip)

    def files(self, kind: str) -> list[str]:
        """Return the files of its clashes of that *kind*."""
        return sorted({file for clash in self.clashes if clash.kind == kind for file in clash.files})

    @property
    def component(self) -> str:
        """Its component, and how many changed files are outside of that."""
        outside = len(self.files("scope"))
        return f"{self.session.component}{f', {outside} outside' if outside else ''}"

    def record(self) -> dict[str, Any]:
        """Return it as `list --json` shows it."""
        session, done = self.session, self.work
        return {
            "name": session.name, "slug": session.slug, "branch": session.branch, "worktree": str(session.worktree),
            "ports": dict(session.ports), "status": self.state, "dirty": bool(done and done.dirty),
            "ahead": self.ahead, "behind": self.behind, "claude": self.talk.state,
            "claude_waiting_for": self.talk.waiting_for, "claude_since": self.talk.since,
            "component": session.component,
            "created": session.created, "answering": sorted(self.answering), "foreign": dict(self.foreign),
            "setup_failed": list(session.setup_failed),
            "tmux": session.tmux, "base": session.base, **self._containers(), "scope": list(session.scope),
            "merged": session.merged if self.merged else "", "outside": self.files("scope"),
            "conflicts": [each.record() for each in self.clashes if each.kind == "hot"] if self.tried else None,
        }  # fmt: skip

    def _containers(self) -> dict[str, Any]:
        if self.session.compose is None:
            return {}
        told = None if self.services is None else [each.record() for each in self.services]
        return {"mode": self.session.compose.mode, "services": told}


def of(sessions: Sequence[Session], repository: Repository) -> list[Status]:
    """Return how each of *sessions* stands: one question to tmux and Docker for all, git for several at a time."""
    if not sessions:
        return []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        seen, contained = pool.submit(panes.by_worktree), pool.submit(services.seen, sessions)
        talking = pool.submit(lambda: talk.ask(sessions, seen.result()))
        bases = pool.submit(_bases, repository, {session.base for session in sessions})
        done = pool.map(_work, sessions)
        answering = ports.answering({port for session in sessions for port in session.ports.values()})
        heard = listeners.on(answering)
        works = list(done)
        tips = bases.result()
        apart = pool.map(lambda session, found: _distance(session, found, tips), sessions, works)
        inside = contained.result()
        shown, told = seen.result(), talking.result()
        looks = [_Seen(shown.get(str(each.worktree), []), inside.get(each.name, ()), heard, told) for each in sessions]
        found = [_status(*each) for each in zip(sessions, looks, works, apart, strict=True)]
        return [replace(each, tip=tips.get(each.session.base, "")) for each in found]


@dataclass(frozen=True)
class _Seen:
    panes: list[panes.Pane]
    services: services.Seen
    heard: Mapping[int, list[listeners.Listener]]
    talking: talk.Open


def foreigners(
    session: Session, heard: Mapping[int, list[listeners.Listener]], inside: services.Seen = ()
) -> dict[int, str]:
    """Return by port who answers in the place of *session* and of its services *inside* containers."""
    found = {}
    for port in set(session.ports.values()) - services.published(inside):  # Docker's own proxy listens there
        strangers = [each for each in heard.get(port, []) if not each.belongs_to(session)]
        if strangers and len(strangers) == len(heard[port]):
            found[port] = str(strangers[0])
    return found


def _bases(repository: Repository, names: set[str]) -> dict[str, str]:
    return {name: git.commit(repository, name) for name in names if name}


def _work(session: Session) -> work.Work | None:
    if worktree.administration(session) is None:
        return None
    try:
        return work.of(session)
    except SessionError:
        return None


def _distance(session: Session, done: work.Work | None, bases: dict[str, str]) -> tuple[int, int]:
    return work.distance(session, done.head, bases.get(session.base, "")) if done else (0, 0)


def _status(session: Session, seen: _Seen, done: work.Work | None, apart: tuple[int, int]) -> Status:
    foreign = foreigners(session, seen.heard, seen.services)
    up = frozenset(port for port in session.ports.values() if port in seen.heard and port not in foreign)
    at = {pane.window: pane for pane in seen.panes}
    state = session.state if session.state != "ready" else "broken" if done is None else _state(session, at, up, seen)
    return Status(session, state, up, foreign, done, *apart, talk.of(session, seen.panes, seen.talking), seen.services)


def _state(session: Session, at: dict[str, panes.Pane], up: frozenset[int], seen: _Seen) -> str:
    if not at and not any(each.running for each in seen.services or ()):
        return "stopped"
    windows = session.present_windows
    complete = all(window.name in at for window in windows)
    serving = all(not at[w.name].at_prompt for w in windows if w.run and w.name in at)
    served = {port for port in session.ports.values() for w in windows if str(port) in w.run.split()}
    contained = seen.services is not None and all(each.up for each in seen.services)
    return "running" if complete and serving and contained and served <= up else "partial"
