"""Numbers as names, and the ports of a session: by its number, or the first that are free."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .. import ports
from ..config.formula import Formula
from ..errors import SessionError
from ..machine import listeners
from ..settings import Settings
from . import names

IDS = tuple(f"{number:03}" for number in range(1, 1000))
_LAST = 65535


def check(name: str, settings: Settings) -> None:
    """Raise `SessionError` unless *name* can name a session of a project with these *settings*."""
    if settings.numbered and name and name not in IDS:
        raise SessionError(
            f"{name!r} is no session id: sessions of this project are numbered, 001 to 999 with all three digits;"
            " for the first free one: inv session.add"
        )
    if not settings.numbered and not name:
        raise SessionError("a new session needs a name, for example: inv session.add feature/login")
    if not settings.numbered:
        names.check(name)


def ports_of(name: str, settings: Settings, held: set[int]) -> dict[str, int]:
    """Return the ports of the session *name*; by formula they are its number's, or those of the first free number.

    Raises `SessionError` with the reason when they are in *held*, in use, or no ports.
    """
    wanted = settings.ports
    if not isinstance(wanted, Formula):
        return ports.choose(wanted, held)
    if own := int(name) if re.fullmatch(r"[0-9]{1,3}", name) else 0:
        if reason := _obstacle(wanted.ports(own), held, _listener):
            raise SessionError(f"session {name} cannot have its ports: {reason}; choose another number")
        return wanted.ports(own)
    free = (wanted.ports(int(number)) for number in IDS if not _obstacle(wanted.ports(int(number)), held, str))
    chosen = next(free, None)
    if chosen is None:
        raise SessionError(f"session.ports: of no number from {IDS[0]} to {IDS[-1]} all ports are free")
    return chosen


def _obstacle(wanted: Mapping[str, int], held: set[int], user: Callable[[int], str]) -> str:
    """Return why a session cannot have the ports that are *wanted*, with the *user* of one; empty when it can."""
    for key, port in wanted.items():
        if port > _LAST:
            return f"{key} would be {port}, past the last port, {_LAST}"
        if port in held:
            return f"{key} {port} belongs to another session on this machine"
        if not ports.free(port):
            return f"{key} {port} is in use by {user(port)}"
    return ""


def _listener(port: int) -> str:
    return next((str(listener) for listener in listeners.on({port})[port]), "another program")
