"""Many hosts asked at once: Fabric's connections and groups, whose bytes the OpenSSH client carries.

Fabric's own transport adds every unknown host key and reads ~/.ssh/config in part; its runner is there to be replaced.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from typing import Any

from ..errors import SessionError
from . import openssh, relaying
from .machine import Host

Answer = dict[str, Any]


def everywhere(hosts: Sequence[Host], question: str) -> dict[str, Answer | SessionError]:
    """Return by name what the sent program *question* (with arguments) answers on each of *hosts*, or why it does not.

    All are asked at once, and none is waited for longer than its timeout.
    """
    if not hosts:
        return {}
    try:
        from fabric import ThreadingGroup
        from fabric.exceptions import GroupException
    except ImportError:
        raise SessionError("fleet needs Fabric where inv runs; to install it: pip install fabric") from None
    connections = {_connection(host): host for host in hosts}
    group = ThreadingGroup.from_connections(connections)
    wait = max(host.timeout for host in hosts)
    try:
        found = group.run(question, hide=True, warn=True, in_stream=False, timeout=wait, encoding="utf-8")
    except GroupException as error:
        found = error.result
    return {host.name: _answer(host, found[connection]) for connection, host in connections.items()}


def _connection(host: Host) -> Any:
    """Return Fabric's connection to *host*: told apart by our name of it, and opened by its runner."""
    from fabric import Config, Connection
    from paramiko import SSHConfig

    class Carried(Connection):  # type: ignore[misc]
        def open(self) -> None:
            """Nothing: ssh connects as it starts."""

    config = Config(overrides={"runners": {"remote": _runner(host)}}, ssh_config=SSHConfig(), lazy=True)
    return Carried(host.name, user="-", config=config)


def _runner(host: Host) -> Any:
    """Return Fabric's runner for *host* on top of the OpenSSH client; a command names a sent program."""
    from invoke.runners import Local

    class OpenSSH(Local):
        def __init__(self, context: Any, inline_env: bool = True) -> None:  # noqa: ARG002
            super().__init__(context)

        def start(self, command: str, shell: str, env: dict[str, str]) -> None:  # noqa: ARG002
            name, *arguments = shlex.split(command)
            argv = [host.python, "-c", relaying.source(name), *arguments, *host.inv]
            self.process = relaying.start(host, argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        def kill(self) -> None:
            relaying.end(self.process)  # with a ProxyCommand of ssh's, which would hold our pipes open

        def stop(self) -> None:
            super().stop()
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                if pipe is not None:
                    pipe.close()

    return OpenSSH


def _answer(host: Host, found: Any) -> Answer | SessionError:
    from invoke.exceptions import CommandTimedOut

    if isinstance(found, CommandTimedOut):
        return SessionError(f"{host.name}: no answer within {host.timeout:g} s")
    if isinstance(found, BaseException):
        raise found
    if found.return_code:
        return openssh.failure(host, found.return_code, found.stderr)
    try:
        answer: Answer = relaying.parse(host, found.stdout)
        return answer
    except SessionError as error:
        return error
