"""The resource of a compose project: its file, and the containers, networks and volumes that go with the session."""

from __future__ import annotations

import os
import shlex

from ..errors import SessionError
from ..model import Problem, Session
from ..system.progress import notice

LABEL = "compose"

_ROUNDS = 3  # the engine may still be busy with an earlier command


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    if session.compose is None:
        return ""
    return f"project {session.compose.project} of {session.compose.file}, mode {session.compose.mode}"


def create(session: Session) -> None:
    """Raise `SessionError` when the compose file is missing: before a project runs it consists of that alone."""
    compose = session.compose
    if compose is not None and not (session.worktree / compose.file).is_file():
        raise SessionError(f"{session.worktree / compose.file} is missing.\nRestore the file, or remove the session.")


def remove(session: Session) -> None:
    """Remove the project's containers, networks and volumes, which are found by their labels.

    Those that existed before the session stay, and so do all volumes if a person wanted to keep them. If another
    directory uses the project's name, its containers are left alone, and so are networks and volumes.
    """
    if session.compose is None:
        return
    from ..system import processes

    processes.end_processes(session)  # a compose of an interrupted add would make again what we remove
    from ..tools import docker

    kept = _keep_anonymous(session)
    for _round in range(_ROUNDS):
        own, others = docker.session_containers(session)
        own = [each for each in own if each.id not in kept]
        if not own:
            break
        docker.run_docker("rm", "--force", "--volumes", *(container.id for container in own))
    if kept:
        return  # a stopped container needs its networks
    if others:
        notice(f"Kept networks and volumes of {session.compose.project}: {others[0].directory} uses that project, too.")
        return
    for name in _new(session, docker.list_networks(session.compose.project)):
        docker.run_docker("network", "rm", name)
    for name in () if session.compose.keeps_volumes else volumes_of(session):
        docker.run_docker("volume", "rm", name)


def problems(session: Session) -> list[Problem]:
    """Return whether the compose file is missing, without which nothing can be started."""
    compose = session.compose
    if compose is None or not session.worktree.exists() or (session.worktree / compose.file).is_file():
        return []
    fix = f"git -C {shlex.quote(str(session.worktree))} checkout -- {shlex.quote(str(compose.file))}"
    return [Problem(f"{compose.file} is missing", "its containers can't be started", fix)]


def volumes_of(session: Session) -> list[str]:
    """Return the named volumes that were made for the session, and are removed with it."""
    from ..tools import docker

    return _new(session, docker.list_volumes(session.compose.project)) if session.compose else []


def describe_volumes(session: Session) -> list[str]:
    """Return what a person reads as the volumes whose data goes with the session, those without a name as well."""
    from ..tools import docker

    own, _others = docker.session_containers(session)
    services = {container.id: container.service for container in own}
    anonymous = docker.list_anonymous_volumes(own)
    nameless = [f"{services[each]}:{place}" for each, volumes in anonymous.items() for place in volumes.values()]
    return [*volumes_of(session), *(f"{each} (without a name)" for each in sorted(nameless))]


def _keep_anonymous(session: Session) -> list[str]:
    """Stop and return the containers that stay because of their volumes without a name, which only they know.

    Compose passes such a volume on to the next container of the same service.
    """
    from ..tools import docker

    compose = session.compose
    if compose is None or not (compose.keeps_volumes or (session.state == "adding" and compose.found)):
        return []
    own, _others = docker.session_containers(session)
    volumes = docker.list_anonymous_volumes(own)
    # A rollback keeps only what was there before.
    old = {name for mounts in volumes.values() for name in mounts if compose.keeps_volumes or name in compose.found}
    kept = [each for each in own if old & volumes.get(each.id, {}).keys()]
    for each in kept:
        docker.run_docker("stop", each.id)
        places = ", ".join(volumes[each.id].values())
        notice(
            f"Kept the stopped container of {each.service}, which has the volume {places} without a name.\n"
            f"Delete both: docker rm --volumes {each.id[:12]}"
        )
    return [each.id for each in kept]


def unreached_project(project: str, why: str) -> str:
    """Return a message that everything of *project* stays in the engine, and how to remove it later."""
    where = os.environ.get("DOCKER_HOST") or "that `docker context show` names"
    label = f"--filter label=com.docker.compose.project={project}"
    return (
        f"{why}\n"
        f"Containers, networks and volumes of the project {project} were not looked for and stay where they are.\n"
        f"Remove them once the engine ({where}) responds:\n"
        f"docker ps -aq {label} | xargs -r docker rm -f -v\n"
        f"docker network ls -q {label} | xargs -r docker network rm\n"
        f"docker volume ls {label}    (then those that nobody needs: docker volume rm NAME)"
    )


def left_volumes(session: Session) -> list[str]:
    """Return the volumes of the project that are left after its removal."""
    try:
        from ..tools import docker

        return docker.list_volumes(session.compose.project) if session.compose else []
    except SessionError as error:
        notice(f"Couldn't list the volumes that were kept: {str(error).splitlines()[0]}")
        return []


def _new(session: Session, names: list[str]) -> list[str]:
    return [name for name in names if session.compose and name not in session.compose.found]
