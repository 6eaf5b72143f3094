"""Many hosts asked at once: Fabric's connections and groups, whose bytes the OpenSSH client carries.

Fabric's own transport adds every unknown host key and reads ~/.ssh/config in part; its runner is there to be replaced.
"""

from __future__ import annotations

import random
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

from invoke.runners import Local

from ..errors import SessionError
from ..system import shape
from . import ssh
from .host import Host
from .turns import Turns

Answer = dict[str, Any]
Heard = Callable[[Host, "Answer | SessionError", float], None]
_MOST = 16 << 20  # bytes that one may print
_BLOCK = 1 << 16
_CLAIM = shape.fields_form(dict.fromkeys(("name", "token", "owner"), shape.TEXT))
SURVEY = shape.fields_form(
    {"sessions": shape.table_form(shape.fields_form({})), "load": shape.NUMBER, "free": shape.NUMBER},
    {
        "removed": shape.TEXTS,
        "disk": shape.NUMBER,
        "now": shape.NUMBER,
        "quiet": shape.NUMBER,
        "version": shape.TEXT,
        "place": shape.TEXT,
        "claims": shape.list_form(_CLAIM),
    },
)
_REFUSED = re.compile("Connection (closed|reset) by|kex_exchange_identification|Connection reset")
_PAUSE = 0.3, 1.5  # seconds until a host that had too many connections is asked again


def ask_everywhere(
    hosts: Sequence[Host], question: str, heard: Heard = lambda *_answer: None, known: dict[str, float] | None = None,
    wanted: str = "",
) -> dict[str, Answer | SessionError]:  # fmt: skip
    """Return by name what the sent program *question* (with arguments) answers on each of *hosts*, or why it does not.

    All are asked at once, a few connections begin at a time, and none is waited for longer than its timeout; one that
    is silent when the others have answered, not even that. *heard* is called with each answer as it comes, and its
    seconds; *known* has the seconds after which a host showed life the last time. The host *wanted* gets its whole
    timeout.
    """
    if not hosts:
        return {}
    try:
        from fabric import ThreadingGroup
        from fabric.exceptions import GroupException
    except ImportError:
        raise SessionError("The fleet tasks need Fabric in the environment of inv.\nRun: pip install fabric") from None
    wait = max(host.timeout for host in hosts)
    with Turns(known or {}, wanted) as turns:
        connections = {_connection(host, turns, heard): host for host in hosts}
        group = ThreadingGroup.from_connections(connections)
        try:
            results = group.run(question, hide=True, warn=True, in_stream=False, timeout=wait, encoding="utf-8")
        except GroupException as error:
            results = error.result
    return {host.name: _answer(host, results[connection], turns) for connection, host in connections.items()}


def _connection(host: Host, turns: Turns, heard: Heard) -> Any:
    """Return Fabric's connection to *host*: told apart by our name of it, and opened by its runner."""
    from fabric import Config, Connection
    from paramiko import SSHConfig

    class Carried(Connection):  # type: ignore[misc]
        def open(self) -> None:
            """Nothing: ssh connects as it starts."""

        def run(self, command: str, **options: Any) -> Any:
            """Run the sent program; once more where sshd had too many connections that began."""
            result = super().run(command, **options)
            if result.return_code == 255 and _REFUSED.search(result.stderr):
                time.sleep(random.uniform(*_PAUSE))  # noqa: S311
                result = super().run(command, **options)
            heard(host, _answer(host, result, turns), turns.seconds.get(host.name, 0.0))
            return result

    runner = type("OpenSSH", (_OpenSSH,), {"host": host, "turns": turns})
    config = Config(overrides={"runners": {"remote": runner}}, ssh_config=SSHConfig(), lazy=True)
    return Carried(host.name, user="-", config=config)


class _OpenSSH(Local):
    """Runs a sent program on *host* when it is its turn; one that never stops printing is ended."""

    host: Host
    turns: Turns

    def __init__(self, context: Any, inline_env: bool = True) -> None:  # noqa: ARG002
        super().__init__(context)
        self._printed = 0

    def start(self, command: str, shell: str, env: dict[str, str]) -> None:  # noqa: ARG002
        name, *arguments = shlex.split(command)
        argv = [self.host.python, "-c", ssh.program_source(name), *arguments, *self.host.inv]
        self.turns.wait_for_turn()
        self.process = ssh.start_relay(self.host, argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.turns.note_start(self.host.name, self.kill)

    def read_proc_stdout(self, num_bytes: int) -> bytes:
        block = super().read_proc_stdout(num_bytes) or b""
        if block and not self._printed:
            self.turns.note_life(self.host.name)
        return self._bounded(block, self.process.stdout)

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
        self.turns.note_end(self.host.name)
        super().stop()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


def _answer(host: Host, result: Any, turns: Turns) -> Answer | SessionError:
    from invoke.exceptions import CommandTimedOut

    if host.name in turns.given_up:
        return ssh.SilentHostError(host, turns.given_up[host.name])
    if isinstance(result, CommandTimedOut):
        return ssh.SilentHostError(host, host.timeout)
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
