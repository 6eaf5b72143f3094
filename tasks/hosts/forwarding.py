"""A session's ports here, as long as somebody wants them."""

from __future__ import annotations

import subprocess
import time
from collections import deque
from collections.abc import Mapping
from typing import IO

from .. import narration, ports, shell
from ..errors import Interrupted
from ..machine import signals
from . import openssh
from .machine import Host

_LONGEST_PAUSE = 10.0


def numbers(wanted: Mapping[str, int]) -> dict[str, int]:
    """Return the port here for each of *wanted*: the same number, or the next free one when it is taken."""
    chosen: dict[str, int] = {}
    for key, port in wanted.items():
        own = port
        while own in chosen.values() or not ports.free(own):
            own = own + 1 if own < 65535 else 1024
        if own != port:
            narration.notice(f"{port} is taken here; {key} is on {own}")
        chosen[key] = own
    return chosen


def keep(host: Host, wanted: Mapping[str, int], own: Mapping[str, int]) -> None:
    """Forward *own* ports to those that are *wanted* on *host* until ^C; a line that drops is made anew.

    Raises `SessionError` when there is no line to begin with.
    """
    pairs = [word for key, port in wanted.items() for word in ("-L", f"127.0.0.1:{own[key]}:localhost:{port}")]
    argv = [*openssh.options(host), "-T", "-o", "ExitOnForwardFailure=yes", *pairs, host.destination, "exec cat"]
    argv[1:1] = ["-o", "ControlPath=none"]  # the line that drops has to be our own
    lines = 0
    pause = 1.0
    with signals.raised():
        try:
            while True:
                begun = time.monotonic()
                said, code, stood = _line(argv, set(own.values()), lines)
                if not stood and not lines:
                    raise openssh.failure(host, code, said)
                lines += stood
                pause = 1.0 if time.monotonic() - begun > _LONGEST_PAUSE else min(pause * 2, _LONGEST_PAUSE)
                narration.notice(f"the line to {host.name} dropped; again in {pause:.0f} s")
                time.sleep(pause)
        except Interrupted:  # that is how it ends
            return


def _line(argv: list[str], own: set[int], before: int) -> tuple[str, int, bool]:
    """Hold one line until it drops; return what ssh said, its exit code, and whether it stood.

    What runs over there ends with its stdin, so that the line ends with us, however we end.
    """
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        errors="replace", env=shell.environment(), start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None and process.stderr is not None
    stood = False
    try:
        while process.poll() is None and not stood:
            stood = ports.answering(own) == own
            time.sleep(0.05)
        if stood:
            narration.say("forwarding again" if before else "forwarding; ^C ends it")
        said = _heard(process.stderr)
    finally:
        process.stdin.close()
        process.terminate()
        process.wait()
    return said, process.returncode, stood


def _heard(stderr: IO[str]) -> str:
    """Return the last of what ssh says, at its end; say once that a port has nobody behind it."""
    last: deque[str] = deque(maxlen=20)
    for line in stderr:
        if "open failed" in line and not any("open failed" in each for each in last):
            narration.notice("nothing answers there on a port that is forwarded; to see what runs: inv fleet.list")
        last.append(line)
    return "".join(last)
