"""What this machine is used for at the moment: why it can't be stopped, or since when nobody used it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..model import Repository, Session
from ..store import registry
from ..system import processes, terminal
from ..tools import tmux
from . import idle

if TYPE_CHECKING:
    import psutil

_DOES = {"working": "Claude is working in {}", "waiting": "Claude is waiting for an answer in {}"}
_UNTOLD = "Nobody knows what Claude is doing in {}"
# Programs that may hold what somebody typed and did not save, also in a window whose server was ended.
_TYPED_IN = frozenset(
    "ed emacs ex helix hx joe kak less man micro mcedit nano ne nvim pico vi vim vim.basic vim.tiny view".split()
)
_CLAIMED_FOR = 120.0  # seconds in which somebody who claimed a name adds the session


def describe_use(sessions: Sequence[Session], repository: Repository, seconds: float) -> dict[str, Any]:
    """Return why this machine can't be stopped, where nothing may have happened for *seconds*, and since when."""
    rests, rows = idle.find_rests(sessions), registry.read_registry(repository)
    reasons = [
        *(reason for rest in rests for reason in _session_reasons(rest, seconds)),
        *_machine_reasons(seconds), *_open_programs(sessions, {rest.opened for rest in rests}),
        *_tmux_reasons({session.tmux for session in sessions}), *_claims(repository, rows),
    ]  # fmt: skip
    return {
        "reasons": reasons,
        "owners": {name: str(row.get("owner", "")) for name, row in rows.items()},
        "running": [rest.session.name for rest in rests if rest.state in idle.RUNS],
        "since": max((rest.at for rest in rests), default=0.0),
    }


def _session_reasons(rest: idle.Rest, seconds: float) -> Iterator[str]:
    name, quiet = rest.session.name, time.time() - rest.at
    if rest.state not in (*idle.RUNS, "stopped"):
        yield f"{name} is {rest.state}"
    elif rest.state in idle.RUNS and rest.busy:
        yield _DOES.get(rest.busy, _UNTOLD).format(name)
    elif rest.opened:
        yield f"{rest.opened} is open in {name}"
    elif rest.state in idle.RUNS and quiet < seconds:
        yield f"{name} was used {max(quiet, 0):.0f} s ago"
    if command := _running_command(rest.session):
        yield f"{command} runs in {name}"


def _running_command(session: Session) -> str:
    """Return a program of *session* that no window of its tmux session started, as `run` does; empty for none."""
    import psutil

    for process in processes.session_processes(session):
        with suppress(psutil.Error, OSError):
            if "TMUX" not in process.environ():
                return process.name()
    return ""


def _machine_reasons(seconds: float) -> Iterator[str]:
    """Yield what has to do with no session: somebody who is logged in, a command from elsewhere, a fresh start."""
    import psutil

    for user in psutil.users():
        if not str(user.host).startswith("tmux("):  # tmux notes each of its panes as a login
            yield f"{user.name} is logged in"
    up = time.time() - max(psutil.boot_time(), psutil.Process(1).create_time())
    if up < seconds:
        yield f"it has been up for {up / 60:.0f} minutes"
    for process, around in _own_processes():
        with suppress(psutil.Error, OSError):
            # What runs in a window only inherits that another machine had its session made.
            if terminal.CALLED in around and "TMUX" not in around and not process.name().startswith("tmux"):
                yield f"{process.name()} runs for another machine"


def _open_programs(sessions: Sequence[Session], told: Collection[str]) -> Iterator[str]:
    """Yield the programs in any terminal of this account but those *told*, suspended ones and background jobs, too.

    In the windows of servers, only what a person types in counts.
    """
    import psutil

    servers = idle.server_terminals(sessions)
    for process, _around in _own_processes():
        with suppress(psutil.Error, OSError):
            name, place = process.name(), process.terminal()
            is_quiet = name.lstrip("-") in tmux.SHELLS or name.startswith("tmux")
            is_server = place in servers and name not in _TYPED_IN
            if place and not (is_quiet or is_server or name in told):
                yield f"{name} is open in {place}"


def _own_processes() -> Iterator[tuple[psutil.Process, dict[str, str]]]:
    """Yield the processes of this account but us and those that we run in, each with its environment."""
    import psutil

    spared = {os.getpid(), *(each.pid for each in psutil.Process().parents())}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid in spared or process.uids().real != os.getuid():
                continue
            around = process.environ()
            if around.get("HOME") == os.environ.get("HOME") and process.status() != psutil.STATUS_ZOMBIE:
                yield process, around


def _tmux_reasons(own: set[str]) -> Iterator[str]:
    """Yield what somebody does in tmux: an attached client, and in a tmux session that is none of *own*, a program."""
    for name in sorted(idle.attached_sessions()):
        yield f"somebody is attached to the tmux session {name}"
    for name, _window, program in idle.open_programs():
        if name not in own:
            yield f"{program} runs in the tmux session {name}"


def _claims(repository: Repository, names: Collection[str]) -> Iterator[str]:
    """Yield who is about to add a session that is none of *names* yet."""
    with suppress(OSError):
        for each in (repository.private / "claims").iterdir():
            with suppress(OSError, ValueError, KeyError, TypeError):
                claim = json.loads(each.read_text(encoding="utf-8"))
                if time.time() - each.stat().st_mtime < _CLAIMED_FOR and claim["name"] not in names:
                    yield f"{claim['owner'] or 'somebody'} began to add {claim['name']} less than two minutes ago"
