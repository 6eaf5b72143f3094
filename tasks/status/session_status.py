"""The state of each session, as `list` and `show` print it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from ..claude import state as claude_state
from ..model import Conflict, Repository, Session, Window, named_ports
from ..store import ports
from ..system import listening
from ..tools import tmux, worktree_status
from . import worktree_looks
from .worktree_looks import AT_ONCE, Look

if TYPE_CHECKING:
    from ..claude.cost import Cost
    from ..store.request_cache import PullRequest
    from ..tools import docker_services
    from .conflicts import Conflicts

FindConflicts = Callable[[Repository, Sequence[Look]], "Conflicts"]


class Status(NamedTuple):
    """A session as it is now."""

    session: Session
    state: str  # running, partial, stopped, broken, unknown, adding or removing
    answering: frozenset[int]  # its ports on which its own processes answer
    foreign: Mapping[int, str]  # its ports on which somebody else does, and who
    look: Look
    ahead: int
    behind: int
    talk: claude_state.Talk
    services: docker_services.Seen = ()
    conflicts: tuple[Conflict, ...] = ()  # also its changes outside of its component
    tried: bool = False  # whether merges were tried for that
    cost: Cost | None = None  # of its conversation; None if not measured
    displaced: Mapping[int, str] = {}  # its ports on which a process answers that is not the ended window's
    waiting: tuple[Window, ...] = ()  # whose servers start once somebody attaches
    memory: int | None = None  # bytes that its processes use; None if not measured
    request: PullRequest | None = None  # of its branch, as far as the forge said

    @property
    def not_started(self) -> dict[str, list[int]]:
        """The windows whose servers start once somebody attaches, and the ports that these have."""
        named = {each.name: _named_ports(self.session, each) for each in self.session.windows if each.run}
        rest = [port for port in self.session.ports.values() if not any(port in own for own in named.values())]
        return {each.name: named[each.name] or rest for each in self.waiting}

    @property
    def outlived(self) -> bool:
        """Whether something of it answers although it is stopped: that outlived its window."""
        return self.state == "stopped" and bool(self.answering)

    @property
    def work(self) -> worktree_status.Work | None:
        """What was done in its worktree; None without one, or where git does not say."""
        return self.look.work

    @property
    def silence(self) -> str:
        """What did not answer, so that its state is not known; empty otherwise."""
        return self.look.silence

    @property
    def merged(self) -> bool:
        """Whether `session.merge` brought all of its commits to where they belong."""
        return bool(self.session.merged and self.work and self.work.head == self.session.merged_tip)

    @property
    def outside(self) -> list[str]:
        """The changed files outside of its component."""
        return sorted({file for each in self.conflicts if each.kind == "scope" for file in each.files})

    @property
    def component(self) -> str:
        """Its component, and how many changed files are outside of that."""
        return f"{self.session.component}{f', {len(self.outside)} outside' if self.outside else ''}"

    def record(self) -> dict[str, Any]:
        """Return it as `list --json` shows it."""
        session, work = self.session, self.work
        return {
            "name": session.name, "slug": session.slug, "branch": session.branch, "worktree": str(session.worktree),
            "ports": dict(session.ports), "status": self.state, "dirty": bool(work and work.dirty),
            "ahead": self.ahead, "behind": self.behind, "claude": self.talk.state,
            "claude_waiting_for": self.talk.waiting_for, "claude_since": self.talk.since,
            "claude_tasks": self.talk.tasks, "claude_reason": self.talk.reason, "claude_last": self.talk.last,
            "claude_resume": self.talk.resume, "claude_what": self.talk.what,
            "component": session.component, "operation": self.look.operation, "other_head": self.look.other_head,
            "created": session.created, "owner": session.owner, "bare": session.bare,
            "setup_failed": list(session.setup_failed),
            "answering": sorted(self.answering), "foreign": dict(self.foreign),
            "not_started": self.not_started, "displaced": dict(self.displaced),
            "tmux": session.tmux, "base": session.base, **self._containers(), "scope": list(session.scope),
            "merged": session.merged if self.merged else "", "outside": self.outside,
            "conflicts": [each.record() for each in self.conflicts if each.kind == "conflict"] if self.tried else None,
            **({"silence": self.silence} if self.silence else {}),
            **({"cost": self.cost._asdict()} if self.cost else {}),
            **({} if self.memory is None else {"memory": self.memory}), **self._request(),
        }  # fmt: skip

    def _request(self) -> dict[str, Any]:
        if self.request is None:
            return {}
        from . import pull_requests

        return {"pull_request": pull_requests.request_record(self.request)}

    def _containers(self) -> dict[str, Any]:
        if self.session.compose is None:
            return {}
        services = None if self.services is None else [each.record() for each in self.services]
        return {"mode": self.session.compose.mode, "services": services}


def session_statuses(
    sessions: Sequence[Session], repository: Repository, find_conflicts: FindConflicts | None = None
) -> list[Status]:
    """Return the state of each of *sessions*: one call of tmux and of Docker for all, several of git at a time.

    Their conflicts are what *find_conflicts* says of what is in their worktrees.
    """
    if not sessions:
        return []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        from ..tools import docker_services

        panes = pool.submit(tmux.panes_by_worktree)
        services = pool.submit(docker_services.services_by_session, sessions)
        assistants = pool.submit(lambda: claude_state.ask_assistants(sessions, panes.result() or {}))
        bases = pool.submit(worktree_looks.resolve_bases, repository, sessions)
        worktrees = worktree_looks.look_at_each(pool, sessions)
        listeners = listening.listeners_on(
            ports.answering_ports({port for session in sessions for port in session.ports.values()})
        )
        seen = [worktree_looks.with_tip(look, bases.result()) for look in worktrees]
        distances = list(pool.map(measure_distance, seen))
        surroundings = Surroundings(panes.result(), services.result(), listeners, assistants.result())
    known = find_conflicts(repository, seen) if find_conflicts else None
    return [
        assemble_status(look, surroundings, distance, known) for look, distance in zip(seen, distances, strict=True)
    ]


def with_cost(status: Status) -> Status:
    """Return *status* with what its conversation has used: the whole transcript is read for that."""
    from ..claude import cost

    return status._replace(cost=cost.conversation_cost(status.session))


def with_memory(status: Status) -> Status:
    """Return *status* with the memory of its processes; those that share memory with others count their part."""
    from ..system import processes

    return status._replace(memory=processes.session_memory(status.session))


class Surroundings(NamedTuple):
    """What was asked once for all sessions."""

    panes: Mapping[str, list[tmux.Pane]] | None  # by worktree; None where tmux does not answer
    services: Mapping[str, docker_services.Seen]  # by session
    listeners: Mapping[int, list[listening.Listener]]  # by port
    assistants: claude_state.Open


def find_foreigners(
    session: Session, listeners: Mapping[int, list[listening.Listener]], services: docker_services.Seen = ()
) -> dict[int, str]:
    """Return by port who answers in the place of *session* and of its *services* in containers."""
    from ..tools import docker_services

    foreign = {}
    published = docker_services.published_ports(services)  # Docker's own proxy listens there
    for port in set(session.ports.values()) - published:
        strangers = [each for each in listeners.get(port, []) if not each.belongs_to(session)]
        if strangers and len(strangers) == len(listeners[port]):
            foreign[port] = str(strangers[0])
    return foreign


def measure_distance(look: Look) -> tuple[int, int]:
    """Return how many commits the work of *look* is ahead of its base, and behind."""
    if look.work is None or not look.session.base:
        return 0, 0
    return worktree_status.count_ahead_behind(look.session, look.work.head, look.tip)


def assemble_status(look: Look, around: Surroundings, distance: tuple[int, int], known: Conflicts | None) -> Status:
    """Return the state of a session from its *look* and what was asked for all of them."""
    session = look.session
    panes = None if around.panes is None else around.panes.get(str(session.worktree), [])
    services = around.services.get(session.name, ())
    foreign = find_foreigners(session, around.listeners, services)
    up = frozenset(port for port in session.ports.values() if port in around.listeners and port not in foreign)
    talk = claude_state.Talk("unknown") if panes is None else claude_state.talk_state(session, panes, around.assistants)
    state = _unready_state(look) or ("unknown" if panes is None else running_state(session, up, panes, services))
    conflicts = known.about(session.name) if known else ()
    tried = known is not None and known.tried
    waiting = tuple(tmux.waiting_windows(session, panes or ()))
    status = Status(session, state, up, foreign, look, *distance, talk, services, conflicts, tried, waiting=waiting)
    return status._replace(displaced=_displaced(session, up, panes or (), around.listeners))


def _displaced(
    session: Session, up: Iterable[int], panes: Sequence[tmux.Pane], listeners: Mapping[int, list[listening.Listener]]
) -> dict[int, str]:
    """Return by port who answers for *session* although its window's server has ended: it runs somewhere else."""
    ended = {pane.window: pane.tty for pane in panes if pane.typed and pane.at_prompt}
    others: dict[int, str] = {}
    for window in (each for each in session.windows if each.run and each.name in ended):
        for port in {*_named_ports(session, window)} & {*up}:
            own = [each for each in listeners[port] if each.belongs_to(session)]
            if own and not any(each.is_on(ended[window.name]) for each in own):
                others[port] = str(own[0]).partition(" of the session")[0]
    return others


def _named_ports(session: Session, window: Window) -> list[int]:
    return [port for port in session.ports.values() if port in named_ports(window.run)]


def _unready_state(look: Look) -> str:
    """Return the state of a session that cannot run, or of which git says nothing; empty for any other."""
    if look.session.state != "ready":
        return look.session.state
    return "" if look.work is not None else "unknown" if look.silence else "broken"


def running_state(
    session: Session, up: frozenset[int], panes: Sequence[tmux.Pane], services: docker_services.Seen
) -> str:
    """Return running, partial or stopped: by its *panes*, its *services*, and its ports that are *up*."""
    by_window = {pane.window: pane for pane in panes}
    if not by_window and not any(each.running for each in services or ()):
        return "stopped"
    present = tmux.present_windows(session)
    complete = all(window.name in by_window for window in present)
    waiting = tmux.waiting_windows(session, panes)
    windows = [window for window in present if window not in waiting]
    serving = all(not by_window[w.name].at_prompt for w in windows if w.run and w.name in by_window)
    served = {port for port in session.ports.values() for w in windows if port in named_ports(w.run)}
    contained = services is not None and all(each.up for each in services)
    return "running" if complete and serving and contained and served <= up else "partial"
