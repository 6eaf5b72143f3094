"""Tasks that run on a host as if they ran here: their output, their exit code, our ^C, our terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from invoke.exceptions import Exit

from ..errors import SessionError
from ..system import progress, shell, signals
from ..system.caller import Caller, hand_over
from . import reach, ssh
from .host import Host

NOT_BEGUN, ABSENT = ssh.NOT_BEGUN, ssh.ABSENT
# The tasks of `fleet` that do for a session on a host what those of `session` do here.
IN_FLEET = tuple(
    "add attach conflicts doctor list logs merge pr prune remove rename restore resume run send show start stop"
    " sync".split()
)
_LOST = 255  # how ssh itself fails
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# In our terminal there is nothing to pass on: the kernel of the host sends the signals.
_INTERACTIVE = """import json,os,sys
request=json.loads({request!r})
os.environ.update(request["environment"])
os.environ["PATH"]+=os.pathsep+os.path.expanduser("~/.local/bin")+os.pathsep+"/opt/homebrew/bin:/usr/local/bin"
try:
    os.chdir(os.path.expanduser(request["path"]))
    if request["session"]:
        try:
            with open(".tally-sessions", encoding="utf-8") as file:
                rows = json.load(file)
        except (OSError, ValueError):
            rows = ()
        if request["session"] not in rows:
            sys.exit(113)
    os.execvp(os.path.expanduser(request["argv"][0]), request["argv"])
except OSError as error:
    sys.exit("%s: %s\\nRun: inv fleet.setup %s" % (request["path"], error.strerror, request["name"]))
"""


def run_on_host(
    host: Host, arguments: Sequence[str], reads: bool = False, answers: bool = True, caller: Caller | None = None,
    session: str = "",
) -> int:  # fmt: skip
    """Run `inv` with *arguments* on *host* and return its exit code; its output is ours as it comes.

    With *reads* it gets our stdin. Unless it *answers*, what it prints is narration. ^C and the like reach it, and
    then its own end is waited for. It is told what the *caller* knows; where it has no *session* of that name, it ends
    with `ABSENT` before anything is done.
    """
    sys.stdout.flush()
    more: dict[str, object] = {"environment": _handed_over(host, caller), **({"session": session} if session else {})}
    process = ssh.start_relay(host, [*host.inv, *arguments], reads, more, **({} if answers else {"stdout": 2}))
    with _passing_on(process):
        if reads:
            threading.Thread(target=_feed, args=(process,), daemon=True).start()
        code = process.wait()
    if code == _LOST and host.destination:
        progress.notice(
            f"Lost the connection to {host.name}. What ran there finishes or is undone there.\nRun: inv fleet.list"
        )
    return code if code >= 0 else 128 - code


def _handed_over(host: Host, caller: Caller | None) -> dict[str, str]:
    """Return the environment in which *host* speaks of what a person types here."""
    if not host.destination:
        return hand_over(caller) if caller else {}
    return hand_over((caller or Caller())._replace(host=host.name, tasks=IN_FLEET))


def end_as(code: int) -> None:
    """End this task with the exit *code* of the one on the host."""
    if code:
        raise Exit(None, 1 if code in (NOT_BEGUN, ABSENT) else code)


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


def run_in_terminal(host: Host, arguments: Sequence[str], session: str = "") -> int:
    """Give our terminal to `inv` with *arguments* on *host*, which has that *session*, and return its exit code."""
    with signals.handle_signals([signal.SIGINT], lambda *_signal: None):  # in raw mode ^C goes to the host
        return subprocess.call(_interactive(host, arguments, session), env=shell.clean_environment())


def become_remote(host: Host, arguments: Sequence[str]) -> None:
    """Give our terminal to `inv` with *arguments* on *host* until it ends.

    Raises `SessionError` when there is none.
    """
    if not is_terminal():
        raise SessionError(f"This needs a terminal. Run it in one, or on the host: {reach.shown_command(host)}")
    argv = _interactive(host, arguments)
    os.execvpe(argv[0], argv, shell.clean_environment())


def _interactive(host: Host, arguments: Sequence[str], session: str = "") -> list[str]:
    asked = {"name": host.name, "path": host.path, "argv": [*host.inv, *arguments], "session": session}
    request = json.dumps({**asked, "environment": _handed_over(host, None)})
    return reach.interactive_command(host, _INTERACTIVE.format(request=request))
