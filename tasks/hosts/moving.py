"""A session moved to another machine: whole there and looked at, before it goes here."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import Any

from .. import git, narration
from ..answers import remembered
from ..errors import Interrupted, SessionError
from ..machine import signals
from ..model import Repository
from . import branches, ending, foreground, machine, openssh, relaying, routes
from .ending import call
from .machine import Host


def move(name: str, route: routes.Route, repository: Repository) -> str:
    """Make the session *name* of the *route*'s source on its target, remove it there, and return what was done.

    A failure before the target has all of it leaves it on the source as it was; its servers run again if they did.
    What a move that was cut off left on both is finished.
    """
    source, target = route.source, route.target
    with signals.raised():
        if route.came:
            packed = ending.left(name, route)
            look(name, packed, target)
        else:
            packed = _carried(name, route, repository)
        with signals.held():
            ending.leave(name, packed, source, target, finishing=bool(route.came))
    remembered.moved(repository, name, target.name if target.destination else "")
    where, attach = (f"on {target.name}", "fleet") if target.destination else ("here", "session")
    return f"{name} is {where}; to go there: inv {attach}.attach {name}"


def _carried(name: str, route: routes.Route, repository: Repository) -> dict[str, Any]:
    packed: dict[str, Any] = {}
    try:
        with narration.step("pack", f"{name} on {route.source.name}"):
            packed = call(route.source, "pack", f"--name={name}")
        _carry(name, packed, route, repository)
        return packed
    except BaseException:
        with signals.held():
            ending.undo(name, packed, route.source, route.target)
        raise


def _carry(name: str, packed: dict[str, Any], route: routes.Route, repository: Repository) -> None:
    """Bring commits and files to the target, restore the session there, and look whether it is all there."""
    source, target = route.source, route.target
    with narration.step("commits", f"to {target.name}"):
        try:
            _carry_commits(packed, source, target, route.base, repository)
        finally:
            _forget(packed, source, target, repository)
    with narration.step("files", f"{len(packed['files'])} files to {target.name}"):
        arrived = _carry_files(packed, source, target)
    if arrived != packed["files"]:
        raise SessionError(f"what arrived on {target.name} is not what was sent; nothing was changed: try again")
    code = foreground.run(target, ["session.restore", f"--name={name}", f"--at={packed['at']}"], answers=False)
    if code == 128 + signal.SIGINT:
        raise Interrupted(signal.SIGINT)
    if code:
        raise SessionError(f"{target.name} could not restore {name} (exit code {code})")
    look(name, packed, target)


def look(name: str, packed: dict[str, Any], target: Host) -> None:
    """Raise `SessionError` unless the session on *target* is what was *packed*."""
    present = json.dumps(packed["present"]).encode()
    found = call(target, "look", f"--name={name}", data=lambda reader: reader.write(present))
    if found["missing"] or (found["head"], found["branch"]) != (packed["head"], packed["branch"]):
        raise SessionError(f"{name} on {target.name} is not what it was: {found}; remove it there, then try again")


def _carry_commits(packed: dict[str, Any], source: Host, target: Host, base: str, repository: Repository) -> None:
    reference = packed["reference"]
    if source.destination:
        branches.transfer(repository, source, "fetch", f"+{reference}:{reference}")
    if target.destination:
        if base and git.commit(repository, base):
            branches.send_base(repository, target, base)
        branches.transfer(repository, target, "push", f"+{reference}:{reference}")


def _carry_files(packed: dict[str, Any], source: Host, target: Host) -> Any:
    argv = [*source.inv, *ending.COLLECTION, "pour", f"--slug={packed['slug']}", f"--at={packed['at']}"]
    pouring = relaying.start(source, argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert pouring.stdout is not None and pouring.stderr is not None and pouring.stdin is not None
    stream = pouring.stdout

    def data(reader: relaying.Fed) -> None:
        while block := stream.read(1 << 16):
            reader.write(block)

    wanted = json.dumps({key: packed[key] for key in ("slug", "at", "main", "home", "found")})
    with pouring:
        try:
            arrived = call(target, "take", f"--sent={wanted}", data=data)
        except SessionError as error:
            arrived = error
        said = pouring.stderr.read()
        code = pouring.wait()
    if code:  # then what arrived was cut short, whatever is said of it
        raise openssh.failure(source, code, said.decode(errors="replace"))
    if isinstance(arrived, SessionError):
        raise arrived
    return arrived


def _forget(packed: dict[str, Any], source: Host, target: Host, repository: Repository) -> None:
    """Drop the commits here that were only passing through."""
    if machine.HERE not in (source.name, target.name):
        git.read(repository.main, "update-ref", "-d", packed["reference"], check=False)
