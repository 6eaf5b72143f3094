"""How a move ends: the session leaves where it was, or all is as before."""

from __future__ import annotations

from typing import Any

from .. import narration
from ..errors import SessionError
from . import foreground, relaying, routes
from .machine import Host

COLLECTION = ("--search-root", "tasks/hosts", "--collection", "handover")


def call(host: Host, task: str, *arguments: str, data: relaying.Data | None = None) -> Any:
    """Return the answer of a *task* of the handover on *host*; *data* writes what it reads."""
    said = relaying.ask(host, [*host.inv, *COLLECTION, task, *arguments], data)
    return relaying.parse(host, said.decode(errors="replace"))


def leave(name: str, packed: dict[str, Any], source: Host, target: Host, finishing: bool) -> None:
    """Remove the session from *source*, where the archive of its removal still keeps it for a while.

    Raises `SessionError` when it did not go, or somebody else moved or removed it meanwhile: then not by us either.
    """
    keep = ["--keep-volumes"] if packed["containers"] else []
    if keep:
        narration.notice(f"the volumes of its containers are not moved; they stay on {source.name}")
    try:
        with narration.step("remove", f"{name} on {source.name}"):
            created = f"--created={packed['created']}"
            gone = call(source, "leave", f"--name={name}", *_archive(packed), created, *keep)["left"]
    except SessionError as error:
        narration.notice(str(error))
        raise SessionError(
            f"{name} is on {target.name}, and may still be on {source.name};"
            f" to finish: inv fleet.move {name} --host {target.name}"
        ) from None
    if not gone and not finishing:
        _discard(name, packed, target)
        raise SessionError(f"{name} was moved or removed by somebody else meanwhile; to see it: inv fleet.list")


def undo(name: str, packed: dict[str, Any], source: Host, target: Host) -> None:
    """Leave the session on *source* as it was, and nothing on *target*, as far as they can be reached."""
    failed = False
    if packed:
        _discard(name, packed, target)
        try:
            with narration.busy("undo", f"on {source.name}"):
                call(source, "discard", f"--name={name}", *_archive(packed))
        except SessionError as error:
            narration.notice(f"its archive is left until session.prune: {error}")
        if packed["ran"]:
            failed = bool(foreground.run(source, ["session.start", f"--name={name}"], answers=False))
    state = "does not run again" if failed else "is still"
    narration.notice(f"{name} {state} on {source.name}{'; to see where it is: inv fleet.list' if failed else ''}")


def _discard(name: str, packed: dict[str, Any], target: Host) -> None:
    try:
        with narration.busy("undo", f"on {target.name}"):
            call(target, "discard", f"--name={name}", *_archive(packed))
    except SessionError as error:
        narration.notice(f"{error}\nif it came to be on {target.name}, then: {routes.removal(name, target)}")


def _archive(packed: dict[str, Any]) -> tuple[str, str]:
    return f"--slug={packed['slug']}", f"--at={packed['at']}"


def left(name: str, route: routes.Route) -> dict[str, Any]:
    """Return what is on the source since a move was cut off, as it was packed then.

    Raises `SessionError` when it was used since: which of the two is wanted, nobody knows.
    """
    with narration.step("compare", f"{name} on {route.source.name} with what was sent"):
        found: dict[str, Any] = call(route.source, "left", f"--name={name}", f"--at={route.came}")
        if not found:
            raise SessionError(routes.both(name, (route.source, route.target)))
    return found
