"""The form of each value in the configuration; what is wrong is named by its key."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import PurePosixPath

from ..errors import SessionError
from ..model import Session

_FOREVER = 1e9  # seconds, for which no program waits
# Names that the row or a placeholder needs for something else.
_RESERVED = {field.name for field in fields(Session)} | {
    "claude_entry", "date", "main", "merged", "paused", "removed", "setup_done"
}  # fmt: skip


def wrong(key: str, expected: str, value: object) -> SessionError:
    """Return the error that *value* is not what was *expected*."""
    said = f"session.{key}: expected {expected}, found {type(value).__name__} {value!r}"
    return SessionError(said.removeprefix("session.") if key.startswith("--") else said)


def text(key: str, value: object) -> str:
    """Return *value*, text of one line."""
    if not isinstance(value, str):
        raise wrong(key, "text", value)
    if any(ord(character) < 32 for character in value):
        raise SessionError(f"session.{key}: {value!r} contains a control character")
    return value


def prose(key: str, value: object) -> str:
    """Return *value*, text of any number of lines."""
    if not isinstance(value, str):
        raise wrong(key, "text", value)
    if any(ord(character) < 32 and character not in "\n\t" for character in value):
        raise SessionError(f"session.{key}: contains a control character")
    return value


def filled(key: str, value: object) -> str:
    """Return *value*, text that is not empty, nor only spaces."""
    if not text(key, value).strip():
        raise SessionError(f"session.{key}: is empty")
    return str(value)


def port_key(key: str, value: object) -> str:
    """Return *value*, the name of a port."""
    if not re.fullmatch(r"[A-Za-z_]\w*", filled(key, value)) or value in _RESERVED:
        raise SessionError(f"session.{key}: {value!r} cannot name a port; expected for example app_port")
    return str(value)


def switch(key: str, value: object) -> bool:
    """Return *value*, true or false."""
    if isinstance(value, str) and value.lower() in ("true", "false", "0", "1"):  # from an environment variable
        return value.lower() in ("true", "1")
    if not isinstance(value, bool):
        raise wrong(key, "true or false", value)
    return value


def port(key: str, value: object) -> int:
    """Return *value*, a port number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(key, "a port number", value)
    if not 1 <= value <= 65535:
        raise SessionError(f"session.{key}: {value} is no port; expected 1 to 65535")
    return value


def component(key: str, value: object) -> str:
    """Return *value*, the name of a component."""
    if not re.fullmatch(r"[\w./-]+", filled(key, value)):
        raise SessionError(f"session.{key}: {value!r} cannot name a component; expected for example server")
    return str(value)


def days(key: str, value: object) -> float:
    """Return *value*, a number of days."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise wrong(key, "a number of days", value)
    try:
        number = float(value)  # text comes from an environment variable or the command line
    except ValueError:
        raise wrong(key, "a number of days", value) from None
    if not number >= 0:
        raise wrong(key, "a number of days that is not negative", value)
    return number


def variable(key: str, value: object) -> str:
    """Return *value*, the name of an environment variable."""
    if not re.fullmatch(r"[A-Za-z_]\w*", filled(key, value)) or str(value).startswith("TALLY_"):
        raise SessionError(f"session.{key}: {value!r} cannot name a variable; expected for example UVICORN_PORT")
    return str(value)


def date(key: str, value: object) -> str:
    """Return *value*, the form of a date: letters, digits and `% - _ .`."""
    if not re.fullmatch(r"[\w%.-]+", filled(key, value)):
        raise SessionError(f"session.{key}: {value!r} is no form of a date; expected for example %Y-%m-%d")
    return str(value)


def seconds(key: str, value: object) -> float:
    """Return *value*, a number of seconds above zero."""
    try:
        number = float(str(value))
    except ValueError:
        raise wrong(key, "a number of seconds", value) from None
    if not 0 < number < _FOREVER:
        raise wrong(key, "a number of seconds above zero", value)
    return number


def inside(key: str, value: object) -> str:
    """Return *value*, a path inside of the repository."""
    path = PurePosixPath(filled(key, value))
    if path.is_absolute() or ".." in path.parts:
        raise SessionError(f"session.{key}: {value!r} leaves the repository; expected a path relative to its top")
    if {".git", ".tally-sessions"} & {part.lower() for part in path.parts}:
        raise SessionError(f"session.{key}: {value!r} is git's or our own; expected a path of the project")
    return str(path)


def scalar(key: str, value: object) -> str:
    """Return *value*, text or a number, as text."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise wrong(key, "text", value)
    return str(value)
