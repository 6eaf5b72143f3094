"""Forwarding the ports of a session on a host to this machine, with their numbers: its pages name them."""

from __future__ import annotations

import socket
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from threading import Event, Thread
from typing import IO

from ..errors import Interrupted, SessionError
from ..model import Repository
from ..store import ports, registry
from ..system import listening, progress, shell, signals
from . import reach, ssh
from .host import Host

_LONGEST_PAUSE = 10.0
_LOOK = 0.5  # seconds between two looks whether a port is free again
# On the host, for one connection where no ssh forwards: its stdin and stdout are the other end.
_PUMP = """import os,socket,sys,threading
line=socket.create_connection(("localhost",int(sys.argv[2])))
def send():
    while True:
        data=os.read(0,65536)
        if not data: break
        line.sendall(data)
    line.shutdown(socket.SHUT_WR)
threading.Thread(target=send,daemon=True).start()
while True:
    data=line.recv(65536)
    if not data: break
    os.write(1,data)
"""


def require_free(name: str, wanted: Mapping[str, int], repository: Repository) -> None:
    """Raise `SessionError` naming who has the ports *wanted* by the session *name* on this machine."""
    if taken := [f"    {key} {port}: {who}" for key, port in wanted.items() if (who := _holder(port, repository))]:
        listed = "\n".join(taken)
        raise SessionError(
            f"The ports of {name} are taken here, and its pages need them with these numbers:\n{listed}\n"
            f"End what has them, then run: inv fleet.forward {name}"
        )


def _holder(port: int, repository: Repository) -> str:
    """Return who uses *port* now; empty when it is free."""
    if ports.is_port_free(port):
        return ""
    own = registry.read_registry(repository).items()
    session = next((name for name, row in own if port in ports.ports_in_row(row).values()), "")
    if session:
        return f"session {session} (inv session.stop {session})"
    return listening.who_listens(port)


def forward_ports(host: Host, name: str, wanted: Mapping[str, int], repository: Repository) -> None:
    """Forward the ports *wanted* by the session *name* on *host* until ^C; a line that drops is opened again.

    Raises `SessionError` when the first connection fails.
    """
    numbers, lines, pause = sorted(wanted.values()), 0, 1.0
    with signals.signals_raised():
        try:
            if host.via:
                _serve(host, numbers)
            while True:
                begun = time.monotonic()
                stderr, code, stood = _line(_command(host, numbers), set(numbers), lines)
                if not stood and not lines:
                    raise ssh.ssh_failure(host, code, stderr)
                lines += stood
                pause = 1.0 if time.monotonic() - begun > _LONGEST_PAUSE else min(pause * 2, _LONGEST_PAUSE)
                progress.notice(f"The connection to {host.name} dropped. Trying again in {pause:.0f} s.")
                time.sleep(pause)
                _wait_until_free(name, wanted, repository)
        except Interrupted:  # that is how it ends
            return


def _wait_until_free(name: str, wanted: Mapping[str, int], repository: Repository) -> None:
    """Name who took a port of *name* while the line was down, and wait for its end: a page would be another's."""
    told: set[str] = set()
    while taken := {key: who for key, port in wanted.items() if (who := _holder(port, repository))}:
        for key, who in taken.items():
            fact = f"{key} {wanted[key]} of {name} was taken by {who} while the connection was down."
            if fact not in told:
                progress.notice(f"{fact} What opens there now is not {name}. Waiting for its end.")
                told.add(fact)
        time.sleep(_LOOK)


def _command(host: Host, numbers: Sequence[int]) -> list[str]:
    pairs = [word for port in numbers for word in ("-L", f"127.0.0.1:{port}:localhost:{port}")]
    argv = [*reach.ssh_options(host), "-T", "-o", "ExitOnForwardFailure=yes", *pairs, host.destination, "exec cat"]
    argv[1:1] = ["-o", "ControlPath=none"]  # a shared connection would not tell us that it dropped
    return argv


def _line(argv: list[str], own: set[int], before: int) -> tuple[str, int, bool]:
    """Hold one connection until it drops; return ssh's stderr, its exit code, and whether it was open.

    The program on the host ends with its stdin, so that the connection ends with us, however we end.
    """
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        errors="replace", env=shell.clean_environment(), start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None and process.stderr is not None
    stood = False
    try:
        while process.poll() is None and not stood:
            stood = ports.answering_ports(own) == own
            time.sleep(0.05)
        if stood:
            progress.say("Forwarding again." if before else "Forwarding. Press ^C to stop.")
        stderr = _heard(process.stderr)
    finally:
        process.stdin.close()
        process.terminate()
        process.wait()
    return stderr, process.returncode, stood


def _heard(stderr: IO[str]) -> str:
    """Return the last lines of ssh's output; print a note if nothing listens on a forwarded port."""
    last: deque[str] = deque(maxlen=20)
    for line in stderr:
        if "open failed" in line and not any("open failed" in each for each in last):
            progress.notice("Nothing on the host listens on a forwarded port.\nRun: inv fleet.list")
        last.append(line)
    return "".join(last)


def _serve(host: Host, numbers: Sequence[int]) -> None:
    """Forward *numbers* through one program on *host* for each connection, until ^C."""
    for port in numbers:
        listener = socket.create_server(("127.0.0.1", port))
        Thread(target=_accept, args=(host, port, listener), daemon=True).start()
    progress.say("Forwarding. Press ^C to stop.")
    Event().wait()


def _accept(host: Host, port: int, listener: socket.socket) -> None:
    while True:
        line, _address = listener.accept()
        with line:  # the program has it
            subprocess.Popen(
                reach.argument_command(host, _PUMP, str(port)), stdin=line.fileno(), stdout=line.fileno(),
                stderr=subprocess.DEVNULL, start_new_session=True, env=shell.clean_environment(),
            )  # fmt: skip
