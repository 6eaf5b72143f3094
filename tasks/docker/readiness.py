"""Waiting until containers are ready: healthy where that is checked, else answering on the ports that they publish."""

from __future__ import annotations

import socket
import time

from ..errors import SessionError
from ..model import Session
from ..narration import say
from ..parts import Compose
from . import engine as docker
from .engine import Container

_AGAIN = 0.15  # seconds between two looks
_HANGUP = 0.2  # seconds in which Docker's proxy hangs up when nothing listens behind it
_LINES = 10  # of what a container printed


def wait(session: Session, compose: Compose) -> None:
    """Wait until each service is ready, and tell of each.

    Raises `SessionError` with the last lines of one that ended, is unhealthy or needs longer than agreed.
    """
    deadline = time.monotonic() + compose.wait
    waiting = list(compose.services)
    while True:
        found = [container for container in docker.of(session)[0] if not container.by_hand]
        for container in found:  # also one that was ready before
            _refuse_failed(container, container.service in compose.once)
        for name in list(waiting):
            how = [_ready(container) for container in found if container.service == name]
            if how and all(how):
                say(f"  containers {name} {how[0]}")
                waiting.remove(name)
        if not waiting:
            return
        if time.monotonic() > deadline:
            raise _late(waiting, found, compose)
        time.sleep(_AGAIN)


def _ready(container: Container) -> str:
    """Return how *container* is ready; nothing while it is not."""
    if container.code == 0:
        return "is done"
    if not container.running:
        return ""
    if container.health:
        return "is healthy" if container.health == "healthy" else ""
    if container.ports:
        heard = ", ".join(map(str, container.ports))
        return f"answers on {heard}" if all(answers(port) for port in container.ports) else ""
    return "" if "Less than a second" in container.status else "runs"  # one that fails does so at once


def _refuse_failed(container: Container, once: bool) -> None:
    ended = container.code is not None and not (container.code == 0 and once)
    if not ended and container.health != "unhealthy":
        return
    how = f"ended with exit code {container.code}" if ended else "is unhealthy"
    hint = ""
    if container.code == 0:
        hint = '\nif it is meant to end, say so in the compose file: restart: "no"'
    elif not ended and (said := docker.checked(container)):
        hint = f"\nits health check said:\n{said}"
    raise SessionError(f"service {container.service} {how}; it printed last:\n{docker.logged(container, _LINES)}{hint}")


def _late(waiting: list[str], found: list[Container], compose: Compose) -> SessionError:
    told = []
    for name in waiting:
        own = [container for container in found if container.service == name]
        told += [f"{name} ({each.status}) printed last:\n{docker.logged(each, _LINES)}" for each in own]
        told += [] if own else [f"{name} has no container"]
    listed = "\n".join(told)
    return SessionError(
        f"not ready after {compose.wait:g} s: {', '.join(waiting)}; for more time: `compose: {{wait: …}}`\n{listed}"
    )


def answers(port: int) -> bool:
    """Return whether what listens on *port* keeps a connection.

    Docker's own proxy takes every connection, and drops it when the container does not listen.
    """
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as trial:
            trial.settimeout(_HANGUP)
            try:
                return bool(trial.recv(1))
            except TimeoutError:
                return True  # it waits for us to speak
    except OSError:
        return False
