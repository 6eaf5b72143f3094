"""What the Docker engine holds of a compose project, known by its labels."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .. import shell
from ..errors import CommandError, SessionError
from ..machine import limited
from ..model import Session

_PATIENCE = 20.0  # seconds that the engine may take for an answer
_PROJECT = "com.docker.compose.project"
_FORM = "\t".join(
    ("{{.ID}}", f'{{{{.Label "{_PROJECT}"}}}}', f'{{{{.Label "{_PROJECT}.working_dir"}}}}',
     '{{.Label "com.docker.compose.service"}}', "{{.State}}", "{{.Status}}", "{{.Ports}}",
     '{{.Label "com.docker.compose.oneoff"}}')
)  # fmt: skip
_PUBLISHED = re.compile(r":(\d+)(?:-(\d+))?->")


@dataclass(frozen=True)
class Container:
    """A container of a compose project; *directory* is where its compose file was, *status* is told in words."""

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
        """Whether it runs, and is not about to be started again."""
        return self.state == "running"

    @property
    def health(self) -> str:
        """What its health check says: healthy, unhealthy, starting, or nothing without one."""
        found = re.search(r"\((?:health: )?(healthy|unhealthy|starting)\)", self.status)
        return found[1] if found else ""

    @property
    def code(self) -> int | None:
        """The exit code, when it ended."""
        found = re.match(r"Exited \((\d+)\)", self.status)
        return int(found[1]) if found else None


def ask(*arguments: str, seconds: float = _PATIENCE) -> list[str]:
    """Return the lines that `docker` answers.

    Raises `SessionError` saying so when it is not installed or the engine does not answer.
    """
    return _told(lambda: limited.bounded(seconds, "docker", *arguments, env=shell.environment())).splitlines()


def act(*arguments: str) -> None:
    """Run `docker`, and raise as `ask` does."""
    _told(lambda: shell.run("docker", *arguments))


def containers(project: str = "", seconds: float = _PATIENCE) -> list[Container]:
    """Return the containers of *project*, stopped ones too; without a name those of every compose project."""
    label = f"label={_PROJECT}={project}" if project else f"label={_PROJECT}"
    lines = ask("ps", "--all", "--no-trunc", "--filter", label, "--format", _FORM, seconds=seconds)
    return [_container(*line.split("\t")) for line in lines if line.count("\t") == 7]


def of(session: Session) -> tuple[list[Container], list[Container]]:
    """Return the session's containers, and those that somebody else's project of that name has."""
    if session.compose is None:
        return [], []
    found = containers(session.compose.project)
    mine = own(session, found)
    return mine, [each for each in found if each not in mine]


def own(session: Session, found: Sequence[Container]) -> list[Container]:
    """Return those of the containers *found* that are of the session's project, made from the file in its worktree."""
    if session.compose is None:
        return []
    name, place = session.compose.project, os.path.dirname(session.worktree / session.compose.file)
    same = {place, os.path.realpath(place)}  # which of the two compose notes differs from release to release
    return [each for each in found if each.project == name and each.directory in same]


def networks(project: str) -> list[str]:
    """Return the names of the networks that compose made for *project*."""
    return ask("network", "ls", "--filter", f"label={_PROJECT}={project}", "--format", "{{.Name}}")


def volumes(project: str) -> list[str]:
    """Return the names of the volumes that compose made for *project*."""
    return ask("volume", "ls", "--filter", f"label={_PROJECT}={project}", "--format", "{{.Name}}")


def logged(container: Container, lines: int) -> str:
    """Return the last *lines* that *container* printed, each indented."""
    tail = 'exec docker logs --tail "$1" "$2" 2>&1'
    said = limited.within(_PATIENCE, "sh", "-c", tail, "sh", str(lines), container.id, env=shell.environment()) or ""
    return "\n".join(f"    {line}" for line in said.strip().splitlines()) or "    (it printed nothing)"


def checked(container: Container) -> str:
    """Return what the last health check of *container* said, indented; nothing without one."""
    form = "{{with .State.Health}}{{range .Log}}{{.Output}}\n{{end}}{{end}}"
    said = ask("inspect", "--format", form, container.id)
    return "\n".join(f"    {line}" for line in [line for line in said if line.strip()][-3:])


def _container(*told: str) -> Container:
    ports: set[int] = set()
    for first, last in _PUBLISHED.findall(told[6]):
        ports.update(range(int(first), int(last or first) + 1))
    identity, project, place, service, state, status = told[:6]
    return Container(identity, project, place, service, state, status, tuple(sorted(ports)), told[7] == "True")


def _told(call: Callable[[], str]) -> str:
    try:
        return call()
    except FileNotFoundError:
        raise SessionError("docker is not installed or not on PATH; install Docker Engine") from None
    except CommandError as error:
        said = error.stderr.strip()
        if re.search("[Cc]annot connect|error during connect|permission denied", said):
            raise SessionError(
                f"the Docker engine does not answer: {said.splitlines()[-1]}\n"
                "start it (Linux: systemctl start docker), then try again"
            ) from None
        raise SessionError(f"Docker refuses: {said or f'exit code {error.exit_code}'}") from None
