"""Forwarding the ports of a session on a host to this machine."""

from __future__ import annotations

import subprocess
import time
from collections import deque
from collections.abc import Mapping
from typing import IO

from ..errors import Interrupted
from ..store import ports
from ..system import progress, shell, signals
from . import reach, ssh
from .host import Host

_LONGEST_PAUSE = 10.0


def local_ports(remote: Mapping[str, int]) -> dict[str, int]:
    """Return the port here for each of *remote*: the same number, or the next free one when it is taken."""
    chosen: dict[str, int] = {}
    for key, port in remote.items():
        own = port
        while own in chosen.values() or not ports.is_port_free(own):
            own = own + 1 if own < 65535 else 1024
        if own != port:
            progress.notice(f"Port {port} is in use here, so {key} is forwarded to {own}.")
        chosen[key] = own
    return chosen


def forward_ports(host: Host, remote: Mapping[str, int], own: Mapping[str, int]) -> None:
    """Forward *own* ports to those that are *remote* on *host* until ^C; a connection that drops is opened again.

    Raises `SessionError` when the first connection fails.
    """
    pairs = [word for key, port in remote.items() for word in ("-L", f"127.0.0.1:{own[key]}:localhost:{port}")]
    argv = [*reach.ssh_options(host), "-T", "-o", "ExitOnForwardFailure=yes", *pairs, host.destination, "exec cat"]
    argv[1:1] = ["-o", "ControlPath=none"]  # a shared connection would not tell us that it dropped
    lines = 0
    pause = 1.0
    with signals.signals_raised():
        try:
            while True:
                begun = time.monotonic()
                stderr, code, stood = _line(argv, set(own.values()), lines)
                if not stood and not lines:
                    raise ssh.ssh_failure(host, code, stderr)
                lines += stood
                pause = 1.0 if time.monotonic() - begun > _LONGEST_PAUSE else min(pause * 2, _LONGEST_PAUSE)
                progress.notice(f"The connection to {host.name} dropped. Trying again in {pause:.0f} s.")
                time.sleep(pause)
        except Interrupted:  # that is how it ends
            return


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
