"""Compose as it is called on this machine."""

from __future__ import annotations

import functools
import shutil
import subprocess

from .. import shell
from ..errors import SessionError
from ..model import Session
from ..parts import Compose


@functools.cache
def program() -> tuple[str, ...]:
    """Return how compose is called on this machine: `docker compose`, or where that is missing `docker-compose`."""
    if shutil.which("docker") is None:
        raise SessionError(
            "docker is not installed or not on PATH; install Docker Engine and Compose"
            " (Debian: apt install docker.io docker-compose), or do without: `compose: {}`"
        )
    asked = ["docker", "compose", "version"]
    plugin = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if plugin.returncode == 0:
        return ("docker", "compose")
    if shutil.which("docker-compose"):
        return ("docker-compose",)
    raise SessionError(
        "neither `docker compose` nor `docker-compose` works here; install Compose (Debian: apt install docker-compose)"
    )


def command(session: Session, compose: Compose, *arguments: str) -> list[str]:
    """Return the command line of compose for the containers of *session*."""
    profiles = [word for profile in compose.profiles for word in ("--profile", profile)]
    file = str(session.worktree / compose.file)
    return [*program(), "-p", compose.project, "-f", file, *profiles, *arguments]


def environment(session: Session) -> dict[str, str]:
    """Return what compose fills the placeholders of its file from."""
    return {**shell.environment(), **session.environment}
