"""Processes of stopped sessions that still hold their ports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..model import Problem, Session
from ..system import listening
from ..tools import tmux
from .session_status import Status


def outlived_notes(statuses: Sequence[Status]) -> Iterator[str]:
    """Yield what still runs of sessions that are stopped, or in the place of an ended server, with what ends it."""
    for each in statuses:
        if each.outlived:
            who = " and ".join(f"{listening.who_listens(port)} on {port}" for port in sorted(each.answering))
            yield (
                f"{each.session.name} is stopped, but its {who} is still running."
                f"\nRun: inv session.stop {each.session.name}"
            )
        for port, other in each.displaced.items():
            yield (
                f"{each.session.name}: the server for port {port} ended in its window, and {other} answers there."
                f"\nEnd that process unless you need it, then run: inv session.resume {each.session.name}"
            )


def outlived_problems(session: Session, listeners: dict[int, list[listening.Listener]]) -> Iterator[Problem]:
    """Yield each process of *session* that listens although none of its windows is open."""
    own = [each for port in session.ports.values() for each in listeners.get(port, ()) if each.belongs_to(session)]
    if own and not tmux.list_panes(session):
        for each in own:
            fact = f"process {each.pid} ({each.command}) still listens on port {each.port}, without a window"
            yield Problem(fact, "a new server can't have the port", f"inv session.stop {session.name}")
