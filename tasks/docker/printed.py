"""What the containers of a session print, passed on as it is."""

from __future__ import annotations

import subprocess
import sys

from ..errors import SessionError
from ..model import Session
from . import compose_cli
from . import engine as docker


def by_containers(session: Session, service: str, lines: int, follow: bool) -> None:
    """Pass on the last *lines* that each container of *session* printed, or those of one *service*.

    With *follow* it goes on until ^C. Raises `SessionError` when there is no such service, or no container at all.
    """
    compose = session.compose
    if compose is None:
        raise SessionError(f"session {session.name} has no containers; for a window: --window NAME")
    there = sorted({container.service for container in docker.of(session)[0]})
    if not there:
        raise SessionError(
            f"session {session.name} has no container; to start them: inv session.start {session.name};"
            " for a window: --window NAME"
        )
    if service and service not in there:
        raise SessionError(
            f"session {session.name} has no container of a service {service!r}; it has: {', '.join(there)}"
        )
    words = ["logs", f"--tail={lines}", *(["--follow"] if follow else []), *([service] if service else [])]
    plain = [] if sys.stdout.isatty() else ["--no-color"]
    argv = compose_cli.command(session, compose, *words[:1], *plain, *words[1:])
    try:
        code = subprocess.run(
            argv, env=compose_cli.environment(session), stdin=subprocess.DEVNULL, check=False
        ).returncode
    except KeyboardInterrupt:
        return
    if code and not (follow and code in (130, -2)):
        raise SessionError(f"{' '.join(compose_cli.program())} logs failed (exit code {code})")
