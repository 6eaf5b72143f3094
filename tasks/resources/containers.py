"""The resource of a session's running containers; stopped ones, networks and volumes are the compose project's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

from ..errors import CommandError, SessionError
from ..model import Problem, Session
from ..system.progress import notice, say, tell_step
from ..tools import tmux

LABEL = "containers"

_SHOWN = 15  # lines of what a failing compose said
_PROGRESS = re.compile(r"(Creating|Recreating|Starting) (?!.*error)")
_HINTS = {
    "already allocated|address already in use": (
        "A port of the compose file is in use. Use a variable like ${APP_PORT} in the file.\n"
        "If it is the session's own, end the other program that uses it."
    ),
    "pull access denied|No such image|manifest|no such host|registry": (
        "An image is neither on this machine nor available from its registry. Build it, or run docker pull."
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
    """Have compose start what isn't running, and wait until all of it is ready.

    Raises `SessionError` with the last lines of a container that ended or does not become ready.
    """
    compose = session.compose
    if compose is None:
        return
    if not compose.services:
        notice(f"No container was started: {compose.file} has no service for mode {compose.mode}.")
        return
    from ..tools import docker

    own, others = docker.session_containers(session)
    if others:  # compose would replace them by containers of our file
        raise SessionError(f"{others[0].directory} has containers in the project {compose.project}.\nEnd them first.")
    from ..tools import docker_services

    if not all(each.up for each in docker_services.list_services(session, own)):
        chosen = ("--no-deps", *compose.services) if compose.without else ()
        command = docker.compose_command(session, compose, "up", "--detach", *chosen)
        say(f"  containers {' '.join(docker.compose_program())} up …")
        try:
            from ..system import shell

            shell.run_step(*command, env=docker.compose_environment(session))
        except CommandError as error:
            raise SessionError(_failure(session, error)) from None
    docker_services.wait_until_ready(session, compose)


def remove(session: Session) -> None:
    """Stop the running containers and give them time to end; an undo has no time for that."""
    if session.state != "adding":
        stop_containers([session])


def stop_containers(sessions: Sequence[Session]) -> None:
    """Stop the containers of all *sessions* at once: one that ignores SIGTERM takes Docker's ten seconds."""
    from ..tools import docker

    mine = [container for session in sessions for container in docker.session_containers(session)[0]]
    running = [container for container in mine if container.state not in ("exited", "created")]
    if running:
        with tell_step("containers", f"stop {', '.join(container.service for container in running)}"):
            docker.run_docker("stop", *(container.id for container in running))


def stop_together(sessions: Sequence[Session]) -> None:
    """Stop the containers of several *sessions* at once, before each is stopped; failures show up there."""
    if len(sessions) > 1:
        with suppress(SessionError):
            stop_containers([session for session in sessions if session.state == "ready"])


def problems(session: Session) -> list[Problem]:
    """Return the services that are not up; none for a stopped session."""
    if session.compose is None:
        return []
    fix = f"inv session.start {session.name}"
    try:
        from ..tools import docker, docker_services

        services = docker_services.list_services(session, docker.session_containers(session)[0])
    except SessionError as error:
        unknown = Problem("its containers are unknown", str(error).splitlines()[0], fix)
        return [unknown] if tmux.list_panes(session) else []
    if not any(each.running for each in services) and not tmux.list_panes(session):
        return []
    down = [each for each in services if not each.up]
    return [Problem(f"service {each.name} is not up: {each.state}", "whatever needs it fails", fix) for each in down]


def _failure(session: Session, error: CommandError) -> str:
    lines = [line for line in error.stderr.strip().splitlines() if line.strip() and not _PROGRESS.match(line)]
    output = "\n".join(f"    {line}" for line in lines[-_SHOWN:])
    hint = next((f"\n{hint}" for pattern, hint in _HINTS.items() if re.search(pattern, output)), "")
    return f"Couldn't start the containers of {session.name}:\n{output}{hint}"
