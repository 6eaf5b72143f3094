"""Many hosts asked at once: Fabric's connections and groups, whose bytes the OpenSSH client carries.

Fabric's own transport adds every unknown host key and reads ~/.ssh/config in part; its runner is there to be replaced.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from typing import Any

from invoke.runners import Local

from ..errors import SessionError
from ..system import shape
from . import ssh
from .host import Host

Answer = dict[str, Any]
_MOST = 16 << 20  # bytes that one may print
_BLOCK = 1 << 16
SURVEY = shape.fields_form(
    {"sessions": shape.table_form(shape.fields_form({})), "load": shape.NUMBER, "free": shape.NUMBER}
)


def ask_everywhere(hosts: Sequence[Host], question: str) -> dict[str, Answer | SessionError]:
    """Return by name what the sent program *question* (with arguments) answers on each of *hosts*, or why it does not.

    All are asked at once, and none is waited for longer than its timeout.
    """
    if not hosts:
        return {}
    try:
        from fabric import ThreadingGroup
        from fabric.exceptions import GroupException
    except ImportError:
        raise SessionError("The fleet tasks need Fabric in the environment of inv.\nRun: pip install fabric") from None
    connections = {_connection(host): host for host in hosts}
    group = ThreadingGroup.from_connections(connections)
    wait = max(host.timeout for host in hosts)
    try:
        results = group.run(question, hide=True, warn=True, in_stream=False, timeout=wait, encoding="utf-8")
    except GroupException as error:
        results = error.result
    return {host.name: _answer(host, results[connection]) for connection, host in connections.items()}


def _connection(host: Host) -> Any:
    """Return Fabric's connection to *host*: told apart by our name of it, and opened by its runner."""
    from fabric import Config, Connection
    from paramiko import SSHConfig

    class Carried(Connection):  # type: ignore[misc]
        def open(self) -> None:
            """Nothing: ssh connects as it starts."""

    config = Config(overrides={"runners": {"remote": _runner(host)}}, ssh_config=SSHConfig(), lazy=True)
    return Carried(host.name, user="-", config=config)


class _OpenSSH(Local):
    """Runs a sent program on *host*; one that never stops printing is ended."""

    host: Host

    def __init__(self, context: Any, inline_env: bool = True) -> None:  # noqa: ARG002
        super().__init__(context)
        self._printed = 0

    def start(self, command: str, shell: str, env: dict[str, str]) -> None:  # noqa: ARG002
        name, *arguments = shlex.split(command)
        argv = [self.host.python, "-c", ssh.program_source(name), *arguments, *self.host.inv]
        self.process = ssh.start_relay(self.host, argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def read_proc_stdout(self, num_bytes: int) -> bytes:
        return self._bounded(super().read_proc_stdout(num_bytes) or b"", self.process.stdout)

    def read_proc_stderr(self, num_bytes: int) -> bytes:
        return self._bounded(super().read_proc_stderr(num_bytes) or b"", self.process.stderr)

    def _bounded(self, block: bytes, stream: Any) -> bytes:
        self._printed += len(block)
        if self._printed <= _MOST:
            return block
        ssh.kill_relay(self.process)
        stream.close()  # what still prints there, in a group of its own, ends by that
        return b""

    def kill(self) -> None:
        ssh.kill_relay(self.process)  # with a ProxyCommand of ssh's, which would hold our pipes open

    def stop(self) -> None:
        super().stop()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


def _runner(host: Host) -> type[_OpenSSH]:
    """Return Fabric's runner for *host* on top of the OpenSSH client; a command names a sent program."""
    return type("OpenSSH", (_OpenSSH,), {"host": host})


def _answer(host: Host, result: Any) -> Answer | SessionError:
    from invoke.exceptions import CommandTimedOut

    if isinstance(result, CommandTimedOut):
        return SessionError(f"{host.name}: no answer within {host.timeout:g} s")
    if isinstance(result, BaseException):
        raise result
    if len(result.stdout) + len(result.stderr) > _MOST - _BLOCK:
        return ssh.too_much(host, _MOST)
    if result.return_code:
        return ssh.ssh_failure(host, result.return_code, result.stderr)
    try:
        answer: Answer = ssh.parse_answer(host, result.stdout, SURVEY)
        return answer
    except SessionError as error:
        return error
