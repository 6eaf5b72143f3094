"""A session's services in containers, and waiting until they are ready."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import model
from ..errors import SessionError
from ..model import Compose, Session
from ..system.progress import say

if TYPE_CHECKING:
    from .docker import Container

_PATIENCE = 5.0  # seconds that a look may wait for the engine


class Service(NamedTuple):
    """A service of a compose project; *state* is a word or two."""

    name: str
    state: str  # running, healthy, starting, unhealthy, restarting, exited (1), done, missing, …
    up: bool  # whether its state is as it should be
    running: bool
    ports: tuple[int, ...]  # of this machine
    urls: tuple[str, ...]  # of those ports

    def record(self) -> dict[str, Any]:
        """Return it as `list --json` shows it."""
        return {"name": self.name, "state": self.state, "up": self.up, "urls": list(self.urls)}


Seen = tuple[Service, ...] | None  # None when Docker does not answer


def services_by_session(sessions: Sequence[Session]) -> dict[str, Seen]:
    """Return the services of each of *sessions* that has containers by its name, from one call of Docker."""
    with_containers = [session for session in sessions if session.compose is not None]
    if not with_containers:
        return {}
    from . import docker

    try:
        containers = docker.list_containers(seconds=_PATIENCE)
    except SessionError:
        return dict.fromkeys(session.name for session in with_containers)
    return {
        session.name: tuple(list_services(session, docker.own_containers(session, containers)))
        for session in with_containers
    }


def published_ports(services: Seen) -> set[int]:
    """Return the ports of this machine that containers of *services* publish."""
    return {port for each in services or () if each.running for port in each.ports}


def list_services(session: Session, containers: Sequence[Container]) -> list[Service]:
    """Return the services that *session* should run, in the order of its file, then any others of its project."""
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
    urls = tuple(model.format_address(session, port, name) for port in ports)
    return Service(name, state, bool(containers) and not bad, running, tuple(ports), urls)


def _state(container: Container, once: bool) -> str:
    if container.running:
        return container.health or "running"
    if container.code == 0 and once:
        return "done"
    return f"exited ({container.code})" if container.code is not None else container.state


_INTERVAL = 0.15  # seconds between two looks
_HANGUP = 0.2  # seconds in which Docker's proxy hangs up when nothing listens behind it
_LINES = 10  # of what a container printed


def wait_until_ready(session: Session, compose: Compose) -> None:
    """Wait until each service is ready, and print each.

    Raises `SessionError` with the last lines of one that ended, is unhealthy or takes longer than `compose.wait`.
    """
    deadline = time.monotonic() + compose.wait
    waiting = list(compose.services)
    from . import docker

    while True:
        containers = [container for container in docker.session_containers(session)[0] if not container.by_hand]
        for container in containers:  # also one that was ready before
            _refuse_failed(container, container.service in compose.once)
        for name in list(waiting):
            states = [_ready(container) for container in containers if container.service == name]
            if states and all(states):
                say(f"  containers {name} {states[0]}")
                waiting.remove(name)
        if not waiting:
            return
        if time.monotonic() > deadline:
            raise _timeout_error(waiting, containers, compose)
        time.sleep(_INTERVAL)


def _ready(container: Container) -> str:
    """Return in what way *container* is ready; empty while it is not."""
    if container.code == 0:
        return "is done"
    if not container.running:
        return ""
    if container.health:
        return "is healthy" if container.health == "healthy" else ""
    if container.ports:
        numbers = ", ".join(map(str, container.ports))
        return f"responds on {numbers}" if all(port_answers(port) for port in container.ports) else ""
    return "" if "Less than a second" in container.status else "is running"  # one that fails does so at once


def _refuse_failed(container: Container, once: bool) -> None:
    ended = container.code is not None and not (container.code == 0 and once)
    if not ended and container.health != "unhealthy":
        return
    state = f"ended with exit code {container.code}" if ended else "is unhealthy"
    hint = ""
    from . import docker

    if container.code == 0:
        hint = '\nIf it should end, add this to the service in the compose file: restart: "no"'
    elif not ended and (log := docker.health_log(container)):
        hint = f"\nIts health check printed:\n{log}"
    log = docker.container_log(container, _LINES)
    raise SessionError(f"Service {container.service} {state}. Its last lines:\n{log}{hint}")


def _timeout_error(waiting: list[str], containers: list[Container], compose: Compose) -> SessionError:
    from . import docker

    logs = []
    for name in waiting:
        own = [container for container in containers if container.service == name]
        logs += [f"Last lines of {name} ({each.status}):\n{docker.container_log(each, _LINES)}" for each in own]
        logs += [] if own else [f"{name} has no container."]
    listed = "\n".join(logs)
    return SessionError(
        f"Not ready after {compose.wait:g} s: {', '.join(waiting)}. For more time set `compose: {{wait: …}}`.\n{listed}"
    )


def port_answers(port: int) -> bool:
    """Return whether the program on *port* keeps a connection open.

    Docker's own proxy accepts every connection, and drops it when the container doesn't listen.
    """
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as trial:
            trial.settimeout(_HANGUP)
            try:
                return bool(trial.recv(1))
            except TimeoutError:
                return True  # it waits for our request
    except OSError:
        return False
