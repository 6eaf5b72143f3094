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

from ..errors import SessionError
from ..system import progress, shell, signals
from . import ssh
from .host import Host

_LOST = 255  # how ssh itself fails
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# In our terminal there is nothing to pass on: the kernel of the host sends the signals.
_INTERACTIVE = """import json,os,sys
request=json.loads({request!r})
os.environ["PATH"]+=os.pathsep+os.path.expanduser("~/.local/bin")+os.pathsep+"/opt/homebrew/bin:/usr/local/bin"
try:
    os.chdir(os.path.expanduser(request["path"]))
    os.execvp(os.path.expanduser(request["argv"][0]), request["argv"])
except OSError as error:
    sys.exit("%s: %s\\nRun: inv fleet.setup %s" % (request["path"], error.strerror, request["name"]))
"""


def run_on_host(host: Host, arguments: Sequence[str], reads: bool = False, answers: bool = True) -> int:
    """Run `inv` with *arguments* on *host* and return its exit code; its output is ours as it comes.

    With *reads* it gets our stdin. Unless it *answers*, what it prints is narration. ^C and the like reach it, and
    then its own end is waited for.
    """
    sys.stdout.flush()
    process = ssh.start_relay(host, [*host.inv, *arguments], reads, **({} if answers else {"stdout": 2}))
    with _passing_on(process):
        if reads:
            threading.Thread(target=_feed, args=(process,), daemon=True).start()
        code = process.wait()
    if code == _LOST and host.destination:
        progress.notice(
            f"Lost the connection to {host.name}. What ran there finishes or is undone there.\nRun: inv fleet.list"
        )
    return code if code >= 0 else 128 - code


def end_as(code: int) -> None:
    """End this task with the exit *code* of the one on the host."""
    if code:
        raise Exit(None, code)


@contextmanager
def _passing_on(process: ssh.Popen) -> Iterator[None]:
    def passed(number: int, _frame: FrameType | None) -> None:
        ssh.pass_signal(process, number)

    ours = [number for number in _PASSED_ON if signal.getsignal(number) is not signal.SIG_IGN]  # else held: an undo
    with signals.handle_signals(ours, passed):
        yield


def _feed(process: ssh.Popen) -> None:
    """Hand on our stdin as it comes, until its end."""
    with suppress(OSError):  # it is closed
        while data := os.read(0, 1 << 16):
            ssh.feed_relay(process, data)
    ssh.feed_relay(process, b"")


def is_terminal() -> bool:
    """Return whether a person sits at stdin, stdout and stderr."""
    return all(os.isatty(descriptor) for descriptor in (0, 1, 2))


def become_remote(host: Host, arguments: Sequence[str]) -> None:
    """Give our terminal to `inv` with *arguments* on *host* until it ends.

    Raises `SessionError` when there is none.
    """
    if not is_terminal():
        raise SessionError(f"This needs a terminal. Run it in one, or on the host: ssh -t {host.destination}")
    request = json.dumps({"name": host.name, "path": host.path, "argv": [*host.inv, *arguments]})
    argv = ssh.interactive_command(host, _INTERACTIVE.format(request=request))
    os.execvpe("ssh", argv, shell.clean_environment())
