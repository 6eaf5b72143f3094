"""How the sessions stand: what `list` and `show` tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from . import git, listeners, panes, ports, work, worktree
from .errors import SessionError
from .model import Repository, Session

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
    claude: str  # off or unknown

    @property
    def setup_failed(self) -> tuple[str, ...]:
        """The setup commands that have not succeeded."""
        return self.session.setup_pending if self.session.state == "ready" else ()

    def record(self) -> dict[str, Any]:
        """Return it as `list --json` shows it."""
        session, done = self.session, self.work
        return {
            "name": session.name, "slug": session.slug, "branch": session.branch, "worktree": str(session.worktree),
            "ports": dict(session.ports), "status": self.state, "dirty": bool(done and done.dirty),
            "ahead": self.ahead, "behind": self.behind, "claude": self.claude, "component": session.component,
            "created": session.created, "answering": sorted(self.answering), "foreign": dict(self.foreign),
            "tmux": session.tmux, "base": session.base,
            "setup_failed": list(self.setup_failed),
        }  # fmt: skip


def of(sessions: Sequence[Session], repository: Repository) -> list[Status]:
    """Return how each of *sessions* stands: one question to tmux for all, git for several at a time."""
    if not sessions:
        return []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        seen = pool.submit(panes.observe)
        bases = pool.submit(_bases, repository, {session.base for session in sessions})
        done = pool.map(_work, sessions)
        answering = ports.answering({port for session in sessions for port in session.ports.values()})
        heard = listeners.on(answering)
        by_worktree: dict[str, list[panes.Pane]] = {}
        for pane in seen.result():
            by_worktree.setdefault(pane.worktree, []).append(pane)
        works = list(done)
        tips = bases.result()
        apart = pool.map(lambda session, found: _distance(session, found, tips), sessions, works)
        return [
            _status(session, by_worktree.get(str(session.worktree), []), heard, found, distance)
            for session, found, distance in zip(sessions, works, apart, strict=True)
        ]


def foreigners(session: Session, heard: Mapping[int, list[listeners.Listener]]) -> dict[int, str]:
    """Return by port who answers in the place of *session*."""
    found = {}
    for port in session.ports.values():
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


def _status(
    session: Session,
    shown: list[panes.Pane],
    heard: Mapping[int, list[listeners.Listener]],
    done: work.Work | None,
    apart: tuple[int, int],
) -> Status:
    foreign = foreigners(session, heard)
    up = frozenset(port for port in session.ports.values() if port in heard and port not in foreign)
    at = {pane.window: pane for pane in shown}
    talking = [at[w.name] for w in session.windows if w.claude and w.name in at]
    claude = "unknown" if any(not pane.at_prompt for pane in talking) else "off"
    return Status(session, _state(session, at, up, done), up, foreign, done, *apart, claude)


def _state(session: Session, at: dict[str, panes.Pane], up: frozenset[int], done: work.Work | None) -> str:
    if session.state != "ready":
        return session.state
    if done is None:
        return "broken"
    if not at:
        return "stopped"
    windows = session.present_windows
    complete = all(window.name in at for window in windows)
    serving = all(not at[w.name].at_prompt for w in windows if w.run and w.name in at)
    served = {port for port in session.ports.values() for w in windows if str(port) in w.run.split()}
    return "running" if complete and serving and served <= up else "partial"
