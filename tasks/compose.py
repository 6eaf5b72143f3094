"""The resource of a compose project: its file, and the containers, networks and volumes that go with the session."""

from __future__ import annotations

import os
import shlex

from .docker import engine as docker
from .errors import SessionError
from .machine import processes
from .model import Problem, Session
from .narration import notice

_ROUNDS = 3  # the engine may still be finishing what it was asked for before


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    if session.compose is None:
        return ""
    return f"project {session.compose.project} of {session.compose.file}, mode {session.compose.mode}"


def create(session: Session) -> None:
    """Raise `SessionError` when the compose file is gone: that is all that there is of a project before it runs."""
    compose = session.compose
    if compose is not None and not (session.worktree / compose.file).is_file():
        raise SessionError(f"{session.worktree / compose.file} is missing; bring it back, or remove the session")


def remove(session: Session) -> None:
    """Take the project's containers, networks and volumes away, found by their labels.

    What was there before the session stays, and all volumes where it was agreed that they are kept. What another
    directory's project of the same name has is left alone, and with it what the two may share.
    """
    if session.compose is None:
        return
    processes.end(session)  # a compose that an interrupted add left would make what we take away
    for _round in range(_ROUNDS):
        own, others = docker.of(session)
        if not own:
            break
        volumes = () if session.compose.keeps_volumes else ("--volumes",)  # those without a name
        docker.act("rm", "--force", *volumes, *(container.id for container in own))
    if others:
        notice(f"networks and volumes of {session.compose.project} stay: {others[0].directory} uses that name too")
        return
    for name in _new(session, docker.networks(session.compose.project)):
        docker.act("network", "rm", name)
    for name in () if session.compose.keeps_volumes else volumes_of(session):
        docker.act("volume", "rm", name)


def problems(session: Session) -> list[Problem]:
    """Return whether the compose file is gone, without which nothing can be started."""
    compose = session.compose
    if compose is None or not session.worktree.exists() or (session.worktree / compose.file).is_file():
        return []
    mend = f"git -C {shlex.quote(str(session.worktree))} checkout -- {shlex.quote(str(compose.file))}"
    return [Problem(f"{compose.file} is missing", "its containers cannot be started", mend)]


def volumes_of(session: Session) -> list[str]:
    """Return the named volumes that were made for the session: those that go with it."""
    return _new(session, docker.volumes(session.compose.project)) if session.compose else []


def unreached(project: str, why: str) -> str:
    """Return that what *project* has in the engine stays there, and how to remove it later."""
    where = os.environ.get("DOCKER_HOST") or "that `docker context show` names"
    label = f"--filter label=com.docker.compose.project={project}"
    return (
        f"{why}\ncontainers, networks and volumes of the project {project} were not looked for and stay where they are;"
        f" to remove them once the engine ({where}) answers:\n"
        f"docker ps -aq {label} | xargs -r docker rm -f -v\n"
        f"docker network ls -q {label} | xargs -r docker network rm\n"
        f"docker volume ls {label}    (then those that nobody needs: docker volume rm NAME)"
    )


def left(session: Session) -> list[str]:
    """Return the volumes of the project that stay after its removal, which was just done."""
    try:
        return docker.volumes(session.compose.project) if session.compose else []
    except SessionError as error:
        notice(f"which volumes stay cannot be told: {str(error).splitlines()[0]}")
        return []


def _new(session: Session, found: list[str]) -> list[str]:
    return [name for name in found if session.compose and name not in session.compose.found]
