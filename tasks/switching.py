"""The tasks of a day's work: resume, start, stop and attach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from invoke.context import Context

from .command import NAME, answer, command, fail
from .errors import SessionError, told

if TYPE_CHECKING:
    from .status import Status

_WAIT = {"wait": "wait until the servers answer, for the seconds of the setting `wait`"}


@command("name", help={"name": "the session; without it every session", **_WAIT})
def resume(c: Context, name: str = "", wait: bool = False) -> None:
    """Bring sessions back after a reboot; what runs already is left alone.

    Example: inv session.resume
    """
    _bring_back(c, name, not name, wait)


@command("name", help={**NAME, "all": "start every session", **_WAIT})
def start(c: Context, name: str = "", all: bool = False, wait: bool = False) -> None:
    """Start what was stopped: tmux session, servers and conversation.

    Example: inv session.start feature/login
    """
    _bring_back(c, name, all, wait)


@command("name", help={**NAME, "all": "stop every session"})
def stop(c: Context, name: str = "", all: bool = False) -> None:
    """End the servers and the tmux session; files, branch, ports and conversation stay.

    Example: inv session.stop feature/login
    """
    from . import choosing, containers, lifecycle

    failed, chosen = [], choosing.chosen(c, name, all)
    containers.stop_together(chosen)
    for session in chosen:
        try:
            lifecycle.stop(session)
            answer(f"stopped {session.name}; to go on: inv session.start {session.name}")
        except (SessionError, OSError) as error:
            failed.append(f"{session.name}: {told(error)}")
    fail(failed)


@command("name", help=NAME)
def attach(c: Context, name: str = "") -> None:
    """Go to a session's tmux session; from inside tmux the terminal switches to it.

    Example: inv session.attach feature/login
    """
    from . import choosing
    from .answers import attaching

    attaching.attach(choosing.chosen(c, name)[0])


def _bring_back(c: Context, name: str, all: bool, wait: bool) -> None:
    from . import choosing, lifecycle, setup, status, terminal
    from .answers import awaiting, listing

    limit = choosing.settings(c).wait if wait else 0
    sessions = choosing.chosen(c, name, all)
    failed, names = lifecycle.resume(sessions), {session.name for session in sessions}
    sessions = [each for each in choosing.every(c, choosing.here()) if each.name in names]
    if wait:
        failed += awaiting.servers(sessions, limit)
    found = status.of(sessions, choosing.here())
    answer(listing.table(found, terminal.room()) if wait or not found else _begun(found))
    fail([*failed, *(said for session in sessions for said in setup.unfinished(session))])


def _begun(found: Sequence[Status]) -> str:
    """Return what was just started: servers need a while, and nothing that is only late looks like a failure."""
    said = {"running": "{0} runs", "partial": "started {0}"}
    lines = [said.get(each.state, "{0} is {1}").format(each.session.name, each.state) for each in found]
    begun = [each.session.name for each in found if each.state == "partial"]
    which = f"session.start {begun[0]}" if len(begun) == 1 else "session.resume"
    lines += [f"to wait until all of it answers: inv {which} --wait"] if begun else []
    return "\n".join([*lines, "to see how they stand: inv session.list"])
