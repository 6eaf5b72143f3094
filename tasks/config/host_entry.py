"""The form of one of `session.hosts`: where it is reached, and what is where on it."""

from __future__ import annotations

import re

from ..errors import SessionError
from .checks import filled, wrong
from .shapes import fixed


def _destination(key: str, value: object) -> str:
    """Return *value*, a word that is never taken for an option of ssh, nor for anything by a shell over there."""
    if not re.fullmatch(r"[A-Za-z0-9_][\w.@%-]*", filled(key, value)):
        raise SessionError(f"session.{key}: {value!r} is no host; expected USER@HOST or a name of ~/.ssh/config")
    return str(value)


def _checkout(key: str, value: object) -> str:
    if not re.fullmatch(r"(~/|/)[^:]+", filled(key, value)):
        raise SessionError(f"session.{key}: {value!r} is no path over there; expected for example ~/Dev/tally")
    return str(value)


def _program(key: str, value: object) -> str:
    if not re.fullmatch(r"(~/)?[\w./+-]+", filled(key, value)) or str(value).startswith("-"):
        raise SessionError(f"session.{key}: {value!r} is no program; expected a name or path without odd characters")
    return str(value)


def _count(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise wrong(key, "a number from 1 on", value)
    return value


# The table of one host.
host = fixed(
    {"host": _destination, "path": _checkout, "max_sessions": _count, "python": _program, "inv": _program},
    "host",
    "path",
)


def host_name(key: str, value: object) -> str:
    """Return *value*, what a host is called; `here` is this machine."""
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", filled(key, value)) or value == "here":
        raise SessionError(f"session.{key}: {value!r} cannot name a host; expected for example devbox")
    return str(value)
