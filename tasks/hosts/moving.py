"""A session moved to another machine: whole there and looked at, before it goes here."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from .. import git, narration
from ..answers import remembered
from ..errors import SessionError
from ..machine import signals
from ..model import Repository
from . import branches, foreground, machine, openssh, relaying
from .machine import Host

_COLLECTION = ("--search-root", "tasks/hosts", "--collection", "handover")


def move(name: str, source: Host, target: Host, base: str, repository: Repository) -> str:
    """Make the session *name* of *source* on *target*, remove it there, and return what was done.

    A failure before *target* has all of it leaves it on *source* as it was; its servers run again if they did.
    """
    if source == target:
        raise SessionError(f"{name} is on {target.name} already")
    with signals.raised():
        packed: dict[str, Any] = {}
        try:
            with narration.step("pack", f"{name} on {source.name}"):
                packed = _call(source, "pack", f"--name={name}")
            _carry(name, packed, source, target, base, repository)
        except BaseException:
            with signals.held():
                _undo(packed, source, target)
                if packed.get("ran"):
                    foreground.run(source, ["session.start", f"--name={name}"])
            narration.notice(f"{name} is still on {source.name}")
            raise
        with signals.held():
            _remove(name, packed, source, target)
    remembered.moved(repository, name, target.name if target.destination else "")
    return f"{name} is on {target.name}; to go there: inv fleet.attach {name}"


def _call(host: Host, task: str, *arguments: str, data: relaying.Data | None = None) -> Any:
    said = relaying.ask(host, [*host.inv, *_COLLECTION, task, *arguments], data)
    return relaying.parse(host, said.decode(errors="replace"))


def _carry(name: str, packed: dict[str, Any], source: Host, target: Host, base: str, repository: Repository) -> None:
    """Bring commits and files to *target*, restore the session there, and look whether it is all there."""
    with narration.step("commits", f"to {target.name}"):
        try:
            _carry_commits(packed, source, target, base, repository)
        finally:
            _forget(packed, source, target, repository)
    with narration.step("files", f"{len(packed['files'])} files to {target.name}"):
        arrived = _carry_files(packed, source, target)
    if arrived != packed["files"]:
        raise SessionError(f"what arrived on {target.name} is not what was sent; nothing was changed: try again")
    code = foreground.run(target, ["session.restore", f"--name={name}", f"--at={packed['at']}"])
    if code:
        raise SessionError(f"{target.name} could not restore {name} (exit code {code})")
    found = _call(target, "look", f"--name={name}", f"--present={json.dumps(packed['present'])}")
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
    argv = [*source.inv, *_COLLECTION, "pour", f"--slug={packed['slug']}", f"--at={packed['at']}"]
    pouring = relaying.start(source, argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert pouring.stdout is not None and pouring.stderr is not None and pouring.stdin is not None
    stream = pouring.stdout

    def data(reader: relaying.Fed) -> None:
        while block := stream.read(1 << 16):
            reader.write(block)

    with pouring:
        arrived = _call(target, "take", f"--packed={json.dumps(packed)}", data=data)
        said = pouring.stderr.read()
        code = pouring.wait()
    if code:
        raise openssh.failure(source, code, said.decode(errors="replace"))
    return arrived


def _undo(packed: dict[str, Any], source: Host, target: Host) -> None:
    """Leave no archive behind; who cannot be reached keeps what harms nobody: `prune` forgets it."""
    if not packed:
        return
    for host in (source, target):
        try:
            _call(host, "drop", f"--slug={packed['slug']}", f"--at={packed['at']}")
        except SessionError as error:
            narration.notice(f"left behind until session.prune there: {error}")


def _forget(packed: dict[str, Any], source: Host, target: Host, repository: Repository) -> None:
    """Drop the commits here that were only passing through."""
    if machine.HERE not in (source.name, target.name):
        git.read(repository.main, "update-ref", "-d", packed["reference"], check=False)


def _remove(name: str, packed: dict[str, Any], source: Host, target: Host) -> None:
    """Remove the session from *source*, where its own archive still keeps it for a while."""
    keep = ["--keep-volumes"] if packed["containers"] else []
    code = foreground.run(source, ["session.remove", f"--name={name}", "--force", *keep])
    if keep:
        narration.notice(f"the volumes of its containers are not moved; they stay on {source.name}")
    if code:
        again = f"inv fleet.remove {name} --host {source.name} --force"
        raise SessionError(f"{name} is on {target.name}, and still on {source.name}; to remove it there: {again}")
    try:
        _call(source, "drop", f"--slug={packed['slug']}", f"--at={packed['at']}")
    except SessionError as error:
        narration.notice(f"its second archive is left until session.prune: {error}")
