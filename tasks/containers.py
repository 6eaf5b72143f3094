"""The resource of a session's running containers; stopped ones, networks and volumes are the compose project's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

from . import shell
from .docker import compose_cli, readiness, services
from .docker import engine as docker
from .errors import CommandError, SessionError
from .machine import panes
from .model import Problem, Session
from .narration import notice, say, step

_SHOWN = 15  # lines of what a failing compose said
_PROGRESS = re.compile(r"(Creating|Recreating|Starting) (?!.*error)")
_HINTS = {
    "already allocated|address already in use": (
        "a port that the compose file fixes cannot be had twice: let it say ${APP_PORT} or the like;"
        " one that another program holds must be given up there"
    ),
    "pull access denied|No such image|manifest|no such host|registry": (
        "an image is neither on this machine nor to be had from its registry: build it, or docker pull it by hand"
    ),
}


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    compose = session.compose
    if compose is None or not compose.services:
        return ""
    left_out = f"; without {', '.join(compose.without)}" if compose.without else ""
    return f"{', '.join(compose.services)} in project {compose.project}{left_out}"


def create(session: Session) -> None:
    """Have compose start what does not run, and wait until all of it is ready.

    Raises `SessionError` with the last lines of a container that ended or does not become ready.
    """
    compose = session.compose
    if compose is None:
        return
    if not compose.services:
        notice(f"no container is started: {compose.file} has no service for mode {compose.mode}")
        return
    own, others = docker.of(session)
    if others:  # compose would take them for its own, and make them anew from our file
        raise SessionError(f"{others[0].directory} has containers in the project {compose.project}; end them first")
    if not all(each.up for each in services.of(session, own)):
        chosen = ("--no-deps", *compose.services) if compose.without else ()
        command = compose_cli.command(session, compose, "up", "--detach", *chosen)
        say(f"  containers {' '.join(compose_cli.program())} up …")
        try:
            shell.run(*command, env=compose_cli.environment(session))
        except CommandError as error:
            raise SessionError(_failure(session, error)) from None
    readiness.wait(session, compose)


def remove(session: Session) -> None:
    """Stop the containers that run, and let them end by themselves; an undo has no time for that."""
    if session.state != "adding":
        stop([session])


def stop(sessions: Sequence[Session]) -> None:
    """Stop the containers of all *sessions* at once: one that ignores SIGTERM takes Docker's ten seconds."""
    mine = [container for session in sessions for container in docker.of(session)[0]]
    running = [container for container in mine if container.state not in ("exited", "created")]
    if running:
        with step("containers", f"stop {', '.join(container.service for container in running)}"):
            docker.act("stop", *(container.id for container in running))


def stop_together(sessions: Sequence[Session]) -> None:
    """Stop those of several *sessions* before each is stopped by itself and waits; what fails is left to that."""
    if len(sessions) > 1:
        with suppress(SessionError):
            stop([session for session in sessions if session.state == "ready"])


def problems(session: Session) -> list[Problem]:
    """Return the services of a session that runs which do not; of a stopped one none."""
    if session.compose is None:
        return []
    mend = f"inv session.start {session.name}"
    try:
        found = services.of(session, docker.of(session)[0])
    except SessionError as error:
        unknown = Problem("its containers are unknown", str(error).splitlines()[0], mend)
        return [unknown] if panes.observe(session) else []
    if not any(each.running for each in found) and not panes.observe(session):
        return []
    down = [each for each in found if not each.up]
    return [Problem(f"service {each.name} is not up: {each.state}", "what needs it fails", mend) for each in down]


def _failure(session: Session, error: CommandError) -> str:
    lines = [line for line in error.stderr.strip().splitlines() if line.strip() and not _PROGRESS.match(line)]
    said = "\n".join(f"    {line}" for line in lines[-_SHOWN:])
    hint = next((f"\n{hint}" for pattern, hint in _HINTS.items() if re.search(pattern, said)), "")
    return f"the containers of {session.name} could not be started:\n{said}{hint}"
