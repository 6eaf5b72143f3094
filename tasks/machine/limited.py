"""Programs that may never answer: given some seconds, and ended with all that they started."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping

from .. import shell
from ..errors import CommandError, SessionError


def within(seconds: float, *argv: str, env: Mapping[str, str]) -> str | None:
    """Return what *argv* prints; None when it is not there, fails, or takes longer than *seconds* and is ended."""
    try:
        return bounded(seconds, *argv, env=env)
    except (SessionError, OSError):
        return None


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
