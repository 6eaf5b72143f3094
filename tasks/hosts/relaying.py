"""Programs started on a host through the relay that runs there, which tells them of signals and lost lines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import shell
from ..errors import SessionError
from . import openssh
from .machine import Host

Popen = subprocess.Popen[bytes]
_BLOCK = 1 << 16
_SENT = Path(__file__).with_name("sent")


def source(name: str) -> str:
    """Return the program *name* as it is sent."""
    return (_SENT / f"{name}.py").read_text(encoding="utf-8")


def start(host: Host, argv: Sequence[str], reads: bool = False, **streams: int) -> Popen:
    """Start *argv* in the checkout on *host*; when it *reads*, `feed` gives it what.

    It has no terminal, so that ^C is ours to pass on.
    """
    asked = {"name": host.name, "path": host.path, "argv": list(argv), "reads": reads}
    program = source("relay").encode()
    process = subprocess.Popen(
        openssh.program(host), stdin=subprocess.PIPE, start_new_session=True, env=shell.environment(),
        stdout=streams.get("stdout"), stderr=streams.get("stderr"),
    )  # fmt: skip
    write(process, b"%d\n%s%s\n" % (len(program), program, json.dumps(asked).encode("ascii")))
    return process


def write(process: Popen, data: bytes) -> None:
    """Write *data* to the relay; that it is gone shows in how it ended."""
    assert process.stdin is not None
    try:
        process.stdin.write(data)
        process.stdin.flush()
    except OSError:
        pass


def end(process: subprocess.Popen[Any]) -> None:
    """Kill *process*, which leads its group, with all of that."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


def pass_on(process: Popen, number: int) -> None:
    """Send the signal *number* to the program over there."""
    write(process, b"S" + number.to_bytes(4, "big"))


def feed(process: Popen, data: bytes) -> None:
    """Let the program over there read *data*; without any, that was all."""
    write(process, b"D" + len(data).to_bytes(4, "big") + data)


class Fed:
    """The stdin of a program over there, as a file to write to."""

    def __init__(self, process: Popen) -> None:
        self._process = process

    def write(self, data: bytes) -> int:
        """Let the program read *data*."""
        for at in range(0, len(data), _BLOCK):
            feed(self._process, data[at : at + _BLOCK])
        return len(data)


Data = Callable[[Fed], object]


def ask(host: Host, argv: Sequence[str], data: Data | None = None) -> bytes:
    """Return what *argv* prints on *host*; *data* writes what it reads there.

    Raises `SessionError` when it fails or the line does.
    """
    process = start(host, argv, data is not None, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    stdin = process.stdin
    try:
        if data is not None:
            data(Fed(process))
            feed(process, b"")
        process.stdin = None  # held open: its end would mean that the line is cut
        out, err = process.communicate()
    finally:  # on a failure of ours it is the end of the line that undoes what was begun
        if stdin is not None:
            with suppress(OSError):
                stdin.close()
    if process.returncode:
        raise openssh.failure(host, process.returncode, err.decode(errors="replace"))
    return out


def call(host: Host, name: str, *arguments: str, data: Data | None = None) -> Any:
    """Return the answer of the sent program *name*, run with *arguments* on *host*."""
    python = host.python
    return parse(host, ask(host, [python, "-c", source(name), *arguments], data).decode(errors="replace"))


def parse(host: Host, said: str) -> Any:
    """Return the JSON in the last line of what *host* said; before it a login shell may greet."""
    lines = said.strip().splitlines()
    try:
        return json.loads(lines[-1] if lines else "")
    except (ValueError, RecursionError):
        raise SessionError(f"{host.name}: not understood: {lines[-1] if lines else 'no answer'}") from None
