"""What this machine is used for at the moment: why it can't be stopped, or since when nobody used it."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import Any

from ..model import Repository, Session
from ..store import registry
from ..system import terminal
from . import idle

_DOES = {"working": "Claude is working in {}", "waiting": "Claude is waiting for an answer in {}"}
_UNTOLD = "Nobody knows what Claude is doing in {}"
_CLAIMED_FOR = 120.0  # seconds in which somebody who claimed a name adds the session


def describe_use(sessions: Sequence[Session], repository: Repository, seconds: float) -> dict[str, Any]:
    """Return why this machine can't be stopped, where nothing may have happened for *seconds*, and since when."""
    rests, rows = idle.find_rests(sessions), registry.read_registry(repository)
    reasons = [
        *(reason for rest in rests for reason in _session_reasons(rest, seconds)),
        *_machine_reasons(seconds), *_open_programs(sessions, {rest.opened for rest in rests if rest.opened}),
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
    if command := idle.running_command(rest.session):
        yield f"{command} runs in {name}"


def _machine_reasons(seconds: float) -> Iterator[str]:
    """Yield what has to do with no session: somebody who is logged in, a command from elsewhere, a fresh start."""
    import psutil

    for user in psutil.users():
        if not str(user.host).startswith("tmux("):  # tmux notes each of its panes as a login
            yield f"{user.name} is logged in"
    up = time.time() - max(psutil.boot_time(), psutil.Process(1).create_time())
    if up < seconds:
        yield f"it has been up for {up / 60:.0f} minutes"
    for process, around in idle.own_processes():
        with suppress(psutil.Error, OSError):
            # What runs in a window only inherits that another machine had its session made.
            if terminal.CALLED in around and "TMUX" not in around and not process.name().startswith("tmux"):
                yield f"{process.name()} runs for another machine"


def _open_programs(sessions: Sequence[Session], told: Collection[str]) -> Iterator[str]:
    """Yield the programs in any terminal of this account but those *told*."""
    for _process, place, name in idle.terminal_programs(sessions):
        if name not in told:
            yield f"{name} is open in {place}"


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
