"""How the services of a session stand: what is to run, held against the containers that there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .. import addresses
from ..errors import SessionError
from ..model import Session
from . import engine as docker
from .engine import Container

_PATIENCE = 5.0  # seconds that looking may wait for the engine


@dataclass(frozen=True)
class Service:
    """A service of a compose project; *state* is told in a word or two."""

    name: str
    state: str  # running, healthy, starting, unhealthy, restarting, exited (1), done, missing, …
    up: bool  # whether it is as it should be
    running: bool
    ports: tuple[int, ...]  # of this machine
    urls: tuple[str, ...]  # the addresses on which it answers there

    def record(self) -> dict[str, Any]:
        """Return it as `list --json` shows it."""
        return {"name": self.name, "state": self.state, "up": self.up, "urls": list(self.urls)}


Seen = tuple[Service, ...] | None  # None when Docker does not answer


def seen(sessions: Sequence[Session]) -> dict[str, Seen]:
    """Return the services of each of *sessions* that has containers by its name: one question to Docker for all."""
    concerned = [session for session in sessions if session.compose is not None]
    if not concerned:
        return {}
    try:
        found = docker.containers(seconds=_PATIENCE)
    except SessionError:
        return dict.fromkeys(session.name for session in concerned)
    return {session.name: tuple(of(session, docker.own(session, found))) for session in concerned}


def published(services: Seen) -> set[int]:
    """Return the ports of this machine on which containers of *services* answer."""
    return {port for each in services or () if each.running for port in each.ports}


def of(session: Session, containers: Sequence[Container]) -> list[Service]:
    """Return the services that *session* is to run, in the order of its file, then those that run besides."""
    if session.compose is None:
        return []
    lasting = [each for each in containers if not each.by_hand]
    names = dict.fromkeys((*session.compose.services, *(each.service for each in lasting)))
    return [_service(session, name, [each for each in lasting if each.service == name]) for name in names]


def _service(session: Session, name: str, containers: list[Container]) -> Service:
    once = session.compose is not None and name in session.compose.once
    states = [(_state(each, once), each) for each in containers]
    bad = [state for state, _each in states if state not in ("running", "healthy", "done")]
    state = (bad or [state for state, _each in states] or ["missing"])[0]
    ports = sorted({port for each in containers for port in each.ports})
    running = any(each.running for each in containers)
    urls = tuple(addresses.address(session, port, name) for port in ports)
    return Service(name, state, bool(containers) and not bad, running, tuple(ports), urls)


def _state(container: Container, once: bool) -> str:
    if container.running:
        return container.health or "running"
    if container.code == 0 and once:
        return "done"
    return f"exited ({container.code})" if container.code is not None else container.state
