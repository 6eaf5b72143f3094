"""A session as the dashboard shows it: what is known of it, and which parts are not known yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ..claude import state as claude_state
from ..model import Repository, Session
from ..tools import tmux
from . import attention, session_status
from .worktree_looks import Look

Key = tuple[str, str]  # the main checkout and the session's name
PARTS = ("git", "ports", "claude", "conflicts")


class Source(NamedTuple):
    """A repository, and how its sessions are listed."""

    repository: Repository
    list_sessions: Callable[[], Sequence[Session]]
    follows_requests: Callable[[], bool] = lambda: False  # whether its forge is asked for pull requests


class Row(NamedTuple):
    """A session as it is shown: its status, its class of attention, and the parts of it that are not known yet."""

    key: Key
    status: session_status.Status
    attention: str
    pending: frozenset[str] = frozenset()
    urgency: tuple[int, float] = (0, 0.0)

    @property
    def session(self) -> Session:
        """The session itself."""
        return self.status.session


def first_row(key: Key, session: Session, panes: Mapping[str, list[tmux.Pane]] | None) -> Row:
    """Return what is known of *session* from the registry and tmux alone: no disk is asked for it."""
    state = "running" if panes and panes.get(str(session.worktree)) else "stopped"
    status = session_status.Status(session, state, frozenset(), {}, Look(session), 0, 0, claude_state.Talk("off"))
    kind = "idle" if state == "running" else "stopped"
    return Row(key, status, kind, frozenset(PARTS), (attention.CLASSES.index(kind), 0.0))
