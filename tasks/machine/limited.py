"""Programs that may never answer: given some seconds, or until a person gives up, and ended with all they started."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping
from types import FrameType

from .. import narration, shell
from ..errors import CommandError, Interrupted, SessionError
from . import signals


def within(seconds: float, *argv: str, env: Mapping[str, str]) -> str | None:
    """Return what *argv* prints; None when it is not there, fails, or takes longer than *seconds* and is ended."""
    try:
        return bounded(seconds, *argv, env=env)
    except (SessionError, OSError):
        return None


def settled(*argv: str, env: Mapping[str, str], given: str | None = None) -> str:
    """Return what *argv* prints, *given* its stdin; no signal ends it halfway but a second ^C, should it hang.

    Raises `CommandError` when it fails, or was ended: what it left is then to be treated as after any failure.
    """
    asked = 0

    def again(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked += number == signal.SIGINT
        if number != signal.SIGINT:
            return  # instead of being ignored, which the program would inherit: it could not be ended politely
        if asked == 1:
            narration.notice(f"{argv[0]} is not ended halfway; should it hang, ^C once more ends it all the same")
        elif asked == 2:
            raise Interrupted(number)

    with signals.handled(signals.ENDING, again):
        try:
            return _finished(argv, env, given)
        except Interrupted:
            raise CommandError(argv[0], 128 + signal.SIGINT, "ended by the second ^C") from None


def _finished(argv: tuple[str, ...], env: Mapping[str, str], given: str | None) -> str:
    shell.echo(shlex.join(argv))
    process = subprocess.Popen(  # pipes, not files: the disk may be full
        argv, env=shell.understood(argv, env), stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    with process:
        try:
            said, errors = process.communicate(None if given is None else os.fsencode(given))
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        raise shell.failure(argv, process.returncode, errors.decode(errors="replace"))
    return said.decode(errors="replace")


def bounded(seconds: float, *argv: str, env: Mapping[str, str]) -> str:
    """Return what *argv* prints, which may wait for another machine; it has no terminal to ask questions on.

    Raises `CommandError` when it fails, or takes longer than *seconds*: then all that it started is ended with it.
    """
    import tempfile

    shell.echo(shlex.join(argv))
    # Files, not pipes: what ssh leaves behind for the next connection would keep a pipe open.
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            argv, env=shell.understood(argv, env), stdin=subprocess.DEVNULL, stdout=said, stderr=errors,
            start_new_session=True,
        )  # fmt: skip
        try:
            code = process.wait(seconds)
        except BaseException as error:
            _end(process)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            raise CommandError(argv[0], 124, f"no answer within {seconds:g} s") from None
        for file in (said, errors):
            file.seek(0)
        if code:
            raise shell.failure(argv, code, errors.read().decode(errors="replace"))
        return said.read().decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End *process* and its group: politely first, because git takes its lock files away then."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(2)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
