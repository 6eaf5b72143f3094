"""From where to where a session is to be moved, found out before anything is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .. import narration
from ..errors import SessionError
from ..model import Repository
from ..settings import Settings
from . import finding, room
from .machine import Host


@dataclass(frozen=True)
class Route:
    """Where a session is and where it goes; *came* is the archive that it came with if it is there as well."""

    source: Host
    target: Host
    base: str
    came: str = ""


def route(name: str, target: Host, settings: Settings, repository: Repository) -> Route:
    """Return the route of the session *name* to *target*.

    Raises `SessionError` when that does not answer or has no room, and when none or several others have the session.
    """
    found, answers = finding.holders(name, settings, repository)
    answer = answers.get(target)
    if isinstance(answer, SessionError):
        raise answer
    there = [row for host, row in found if host == target]
    others = [(host, row) for host, row in found if host != target]
    if there and not others:
        raise SessionError(f"{name} is on {target.name} already")
    if not found:
        raise finding.unclear(name, found, answers)
    if len(others) > 1 or (there and not there[0].get("moved")):
        raise SessionError(both(name, [host for host, _row in found]))
    if answer is not None and not there:
        room.with_room({target: answer})
    for each in answers.values():
        if isinstance(each, SessionError):
            narration.notice(str(each))
    return Route(others[0][0], target, others[0][1].get("base", ""), there[0]["moved"] if there else "")


def both(name: str, hosts: Sequence[Host]) -> str:
    """Return what is said when *hosts* have a session *name* each."""
    ways = "; or ".join(removal(name, host) for host in hosts)
    return f"{name} is on several machines: {', '.join(host.name for host in hosts)}; remove all but one: {ways}"


def removal(name: str, host: Host) -> str:
    """Return the command that removes the session *name* from *host*."""
    return f"inv fleet.remove {name} --host {host.name}" if host.destination else f"inv session.remove {name}"
