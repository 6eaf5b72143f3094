"""Tasks that run on a host as if they ran here: their output, their exit code, our ^C, our terminal."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from invoke.exceptions import Exit

from .. import narration, shell
from ..errors import SessionError
from ..machine import signals
from . import openssh, relaying
from .machine import Host

_LOST = 255  # how ssh itself fails
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# In our terminal there is nothing to pass on: the kernel over there sends the signals.
_INTERACTIVE = """import json,os,sys
asked=json.loads({asked!r})
os.environ["PATH"]+=os.pathsep+os.path.expanduser("~/.local/bin")+os.pathsep+"/opt/homebrew/bin:/usr/local/bin"
try:
    os.chdir(os.path.expanduser(asked["path"]))
    os.execvp(os.path.expanduser(asked["argv"][0]), asked["argv"])
except OSError as error:
    sys.exit("%s: %s; to mend it: inv fleet.setup %s" % (asked["path"], error.strerror, asked["name"]))
"""


def run(host: Host, arguments: Sequence[str], reads: bool = False, answers: bool = True) -> int:
    """Run `inv` with *arguments* on *host* and return its exit code; its output is ours as it comes.

    With *reads* it gets our stdin. Unless it *answers*, what it prints is narration. ^C and the like reach it, and
    then its own end is waited for.
    """
    sys.stdout.flush()
    process = relaying.start(host, [*host.inv, *arguments], reads, **({} if answers else {"stdout": 2}))
    with _passing_on(process):
        if reads:
            threading.Thread(target=_feed, args=(process,), daemon=True).start()
        code = process.wait()
    if code == _LOST and host.destination:
        narration.notice(
            f"the line to {host.name} was lost; what was begun there finishes or is undone there: inv fleet.list"
        )
    return code if code >= 0 else 128 - code


def end(code: int) -> None:
    """End this task as the one over there did."""
    if code:
        raise Exit(None, code)


@contextmanager
def _passing_on(process: relaying.Popen) -> Iterator[None]:
    def passed(number: int, _frame: FrameType | None) -> None:
        relaying.pass_on(process, number)

    ours = [number for number in _PASSED_ON if signal.getsignal(number) is not signal.SIG_IGN]  # else held: an undo
    with signals.handled(ours, passed):
        yield


def _feed(process: relaying.Popen) -> None:
    """Hand on our stdin as it comes, until its end."""
    with suppress(OSError):  # it is closed
        while data := os.read(0, 1 << 16):
            relaying.feed(process, data)
    relaying.feed(process, b"")


def is_terminal() -> bool:
    """Return whether a person sits at stdin, stdout and stderr."""
    return all(os.isatty(descriptor) for descriptor in (0, 1, 2))


def become(host: Host, arguments: Sequence[str]) -> None:
    """Give our terminal to `inv` with *arguments* on *host* until it ends.

    Raises `SessionError` when there is none.
    """
    if not is_terminal():
        raise SessionError(f"this needs a terminal; there: ssh -t {host.destination}")
    asked = json.dumps({"name": host.name, "path": host.path, "argv": [*host.inv, *arguments]})
    argv = openssh.interactive(host, _INTERACTIVE.format(asked=asked))
    os.execvpe("ssh", argv, shell.environment())
