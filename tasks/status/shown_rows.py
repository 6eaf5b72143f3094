"""A session as the dashboard shows it: what is known of it, and which parts are not known yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ..claude import state as claude_state
from ..errors import SessionError
from ..model import Repository, Session
from ..store import request_cache
from ..store.last_looks import LastLook
from ..system import terminal
from ..tools import tmux
from . import attention, conflicts, pull_requests, session_status
from .worktree_looks import Look

Key = tuple[str, str]  # the main checkout and the session's name
PARTS = ("git", "ports", "claude", "conflicts", "requests")


class Source(NamedTuple):
    """A repository, and how its sessions are listed."""

    repository: Repository
    list_sessions: Callable[[], Sequence[Session]]
    follows_requests: Callable[[], bool] = lambda: False  # whether its forge is asked for pull requests

    @property
    def is_gone(self) -> bool:
        """Whether its main checkout was moved or deleted."""
        return not (self.repository.main.is_dir() and self.repository.common.is_dir())


class Row(NamedTuple):
    """A session as it is shown: its status, its class of attention, and the parts of it that are not known yet."""

    key: Key
    status: session_status.Status
    attention: str
    pending: frozenset[str] = frozenset()
    urgency: tuple[int, float] = (0, 0.0)
    operation: str = ""  # what git has begun in its worktree; its files are read for that, so not by who draws
    other_head: str = ""
    last: LastLook | None = None  # what an earlier dashboard showed, while parts are not known yet

    @property
    def session(self) -> Session:
        """The session itself."""
        return self.status.session


def list_sources(
    sources: Sequence[Source], known: Sequence[Session]
) -> tuple[dict[Key, Session], Sequence[Repository]]:
    """Return the sessions of *sources*, and which repositories are gone: of these the sessions that are *known*."""
    listed = {(str(each.repository.main), each.name): each for source in sources for each in source.list_sessions()}
    gone = [source.repository for source in sources if source.is_gone]  # after listing: it may go in the meantime
    return {**listed, **{key_of(each): each for each in known if each.repository in gone}}, gone


def gone_error(repository: Repository) -> SessionError:
    """Return what is said of a repository that was moved or deleted."""
    return SessionError(f"{terminal.one_line(terminal.home_path(str(repository.main)))} is gone.")


def first_row(key: Key, session: Session, panes: Mapping[str, list[tmux.Pane]] | None) -> Row:
    """Return what is known of *session* from the registry and tmux alone: no disk is asked for it."""
    state = "running" if panes and panes.get(str(session.worktree)) else "stopped"
    status = session_status.Status(session, state, frozenset(), {}, Look(session), 0, 0, claude_state.Talk("off"))
    kind = "idle" if state == "running" else "stopped"
    return Row(key, status, kind, frozenset(PARTS), (attention.CLASSES.index(kind), 0.0))


class Facts(NamedTuple):
    """What is known beside a look at a session's worktree: which parts *arrived*, and what they say."""

    arrived: frozenset[str]
    around: session_status.Surroundings
    distance: tuple[int, int]
    conflicts: conflicts.Conflicts | None
    requests: request_cache.Cached
    seen: Mapping[str, float]  # by tmux session: when a person was there


def row_of(key: Key, session: Session, look: Look | None, facts: Facts) -> Row:
    """Return the row of *session*, whose worktree was looked at, or not yet."""
    pending, panes = set(PARTS) - facts.arrived, facts.around.panes
    pending = pending | {"git"} if look is None else pending - {"git"}
    status = session_status.assemble_status(look or Look(session), facts.around, facts.distance, facts.conflicts)
    request = pull_requests.find_request(status, facts.requests)
    status = status._replace(session=session, request=request)
    if look is None and session.state == "ready" and panes is not None:
        own = panes.get(str(session.worktree), [])
        state = session_status.running_state(session, status.answering, own, status.services)
        status = status._replace(state=state)
    seen = {session.tmux: facts.seen.get(session.tmux, 0.0)}
    kind = attention.attention_class(status, seen[session.tmux])
    urgency = attention.urgency(status, seen)
    return Row(key, status, kind, frozenset(pending), urgency, status.look.operation, status.look.other_head)


def with_last(row: Row, last: LastLook | None) -> Row:
    """Return *row* with what was shown of it *last*, as long as parts of it are not known: its class as well."""
    if last is None or last.created != row.session.created or not row.pending:
        return row
    row = row._replace(last=last)
    if "claude" not in row.pending or row.attention == "stopped" or last.attention not in attention.CLASSES[:-1]:
        return row
    return row._replace(attention=last.attention, urgency=(attention.CLASSES.index(last.attention), last.since))


def look_of(row: Row, cells: Mapping[str, str], at: float) -> LastLook | None:
    """Return what is to be noted of *row*, which shows *cells*; while it isn't known, what was noted before."""
    if row.pending or row.session.state != "ready":
        return row.last
    return LastLook(row.session.created, at, row.attention, row.urgency[1], cells)


def key_of(session: Session) -> Key:
    """Return what tells *session* from all others on this machine."""
    return str(session.repository.main), session.name


def by_repository(sessions: Sequence[Session]) -> dict[str, list[Session]]:
    """Return *sessions* by their main checkout."""
    groups: dict[str, list[Session]] = {}
    for session in sessions:
        groups.setdefault(str(session.repository.main), []).append(session)
    return groups
