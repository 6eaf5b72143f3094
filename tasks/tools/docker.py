"""Everything that Docker and Compose are asked or told."""

from __future__ import annotations

import functools
import os
import re
import shutil
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..errors import CommandError, SessionError
from ..model import Compose, Session
from ..system import shell

_PATIENCE = 20.0  # seconds that the engine may take to answer
_PROJECT = "com.docker.compose.project"
_FORM = "\t".join(
    ("{{.ID}}", f'{{{{.Label "{_PROJECT}"}}}}', f'{{{{.Label "{_PROJECT}.working_dir"}}}}',
     '{{.Label "com.docker.compose.service"}}', "{{.State}}", "{{.Status}}", "{{.Ports}}",
     '{{.Label "com.docker.compose.oneoff"}}')
)  # fmt: skip
_PUBLISHED = re.compile(r":(\d+)(?:-(\d+))?->")


class Container(NamedTuple):
    """A container of a compose project; *directory* is where its compose file was, *status* is Docker's own words."""

    id: str
    project: str
    directory: str
    service: str
    state: str
    status: str
    ports: tuple[int, ...]  # of this machine
    by_hand: bool = False  # whether `compose run` made it

    @property
    def running(self) -> bool:
        """Whether it is running, and not restarting."""
        return self.state == "running"

    @property
    def health(self) -> str:
        """The state of its health check: healthy, unhealthy, starting, or empty without one."""
        match = re.search(r"\((?:health: )?(healthy|unhealthy|starting)\)", self.status)
        return match[1] if match else ""

    @property
    def code(self) -> int | None:
        """The exit code, when it ended."""
        match = re.match(r"Exited \((\d+)\)", self.status)
        return int(match[1]) if match else None


def ask_docker(*arguments: str, seconds: float = _PATIENCE) -> list[str]:
    """Return the lines that `docker` prints.

    Raises `SessionError` when it is not installed, fails, or the engine doesn't answer within the *seconds*.
    """
    return _explain_failures(
        lambda: shell.run_bounded(seconds, "docker", *arguments, env=shell.clean_environment())
    ).splitlines()


def run_docker(*arguments: str) -> None:
    """Run the step `docker` with *arguments*; raises as `ask_docker` does."""
    _explain_failures(lambda: shell.run_step("docker", *arguments))


def list_containers(project: str = "", seconds: float = _PATIENCE) -> list[Container]:
    """Return the containers of *project*, stopped ones too; without a name, those of every compose project."""
    label = f"label={_PROJECT}={project}" if project else f"label={_PROJECT}"
    lines = ask_docker("ps", "--all", "--no-trunc", "--filter", label, "--format", _FORM, seconds=seconds)
    return [_container(*line.split("\t")) for line in lines if line.count("\t") == 7]


def session_containers(session: Session) -> tuple[list[Container], list[Container]]:
    """Return the session's containers, and those of another project with the same name."""
    if session.compose is None:
        return [], []
    containers = list_containers(session.compose.project)
    own = own_containers(session, containers)
    return own, [each for each in containers if each not in own]


def own_containers(session: Session, containers: Sequence[Container]) -> list[Container]:
    """Return those of *containers* that are the session's: of its project, made from the file in its worktree."""
    if session.compose is None:
        return []
    name, place = session.compose.project, os.path.dirname(session.worktree / session.compose.file)
    same = {place, os.path.realpath(place)}  # which of the two Compose records differs from release to release
    return [each for each in containers if each.project == name and each.directory in same]


_MOUNTS = '{{.Id}}{{range .Mounts}}{{if eq .Type "volume"}}\t{{.Name}} {{.Destination}}{{end}}{{end}}'
_DRAWN = re.compile("[0-9a-f]{64}")


def list_networks(project: str) -> list[str]:
    """Return the names of the networks that Compose made for *project*."""
    return ask_docker("network", "ls", "--filter", f"label={_PROJECT}={project}", "--format", "{{.Name}}")


def list_volumes(project: str) -> list[str]:
    """Return the names of the volumes that Compose made for *project*."""
    return ask_docker("volume", "ls", "--filter", f"label={_PROJECT}={project}", "--format", "{{.Name}}")


def list_anonymous_volumes(containers: Sequence[Container]) -> dict[str, dict[str, str]]:
    """Return the volumes without a name that *containers* have, by the container's id: where each is mounted.

    They are known by their mounts alone: Compose doesn't mark them as its own.
    """
    if not containers:
        return {}
    lines = ask_docker("inspect", "--format", _MOUNTS, *(each.id for each in containers))
    marked = {*ask_docker("volume", "ls", "--filter", "label=com.docker.volume.anonymous", "--format", "{{.Name}}")}
    found: dict[str, dict[str, str]] = {}
    for identity, *mounts in (line.split("\t") for line in lines if line):
        for name, place in (mount.split(" ", 1) for mount in mounts):
            if name in marked or _DRAWN.fullmatch(name):  # an older engine marks none
                found.setdefault(identity, {})[name] = place
    return found


def container_log(container: Container, lines: int) -> str:
    """Return the last *lines* that *container* printed, each indented."""
    tail = 'exec docker logs --tail "$1" "$2" 2>&1'
    argv = ("sh", "-c", tail, "sh", str(lines), container.id)
    output = shell.run_within(_PATIENCE, *argv, env=shell.clean_environment()) or ""
    return "\n".join(f"    {line}" for line in output.strip().splitlines()) or "    (it printed nothing)"


def health_log(container: Container) -> str:
    """Return the last lines of the health check of *container*, indented; empty without one."""
    form = "{{with .State.Health}}{{range .Log}}{{.Output}}\n{{end}}{{end}}"
    lines = [line for line in ask_docker("inspect", "--format", form, container.id) if line.strip()]
    return "\n".join(f"    {line}" for line in lines[-3:])


def _container(*fields: str) -> Container:
    ports: set[int] = set()
    for first, last in _PUBLISHED.findall(fields[6]):
        ports.update(range(int(first), int(last or first) + 1))
    identity, project, place, service, state, status = fields[:6]
    return Container(identity, project, place, service, state, status, tuple(sorted(ports)), fields[7] == "True")


def _explain_failures(call: Callable[[], str]) -> str:
    try:
        return call()
    except FileNotFoundError:
        raise SessionError("docker is not installed, or not on PATH. Install Docker Engine.") from None
    except CommandError as error:
        reason = error.stderr.strip()
        if re.search("[Cc]annot connect|error during connect|permission denied", reason):
            raise SessionError(
                f"The Docker engine didn't answer: {reason.splitlines()[-1]}\n"
                "Start it (Linux: systemctl start docker), then run the command again."
            ) from None
        raise


@functools.cache
def compose_program() -> tuple[str, ...]:
    """Return what runs Compose on this machine: `docker compose`, or where that is missing `docker-compose`."""
    if shutil.which("docker") is None:
        raise SessionError(
            "docker is not installed, or not on PATH.\nInstall Docker Engine and Compose (Debian: apt install docker.io"
            " docker-compose), or turn containers off: `compose: {}`"
        )
    if not shell.read_bytes("docker", "compose", "version", seconds=_PATIENCE)[0]:
        return ("docker", "compose")
    if shutil.which("docker-compose"):
        return ("docker-compose",)
    raise SessionError(
        "Neither `docker compose` nor `docker-compose` works.\nInstall Compose (Debian: apt install docker-compose)."
    )


def compose_command(session: Session, compose: Compose, *arguments: str) -> list[str]:
    """Return the command line of Compose for the containers of *session*."""
    profiles = [word for profile in compose.profiles for word in ("--profile", profile)]
    file = str(session.worktree / compose.file)
    return [*compose_program(), "-p", compose.project, "-f", file, *profiles, *arguments]


def compose_environment(session: Session) -> dict[str, str]:
    """Return the variables that Compose replaces in its file."""
    return {**shell.clean_environment(), **session.environment}
