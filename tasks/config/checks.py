"""The form of each value in the configuration; what is wrong is named by its key."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath

from ..errors import SessionError, quote_text
from ..model import Session
from ..system.patterns import late_pattern
from .secrets import is_secret

_SIZE = late_pattern(r"(\d+(?:\.\d+)?)\s*([kmgt]?i?b?)", re.IGNORECASE)
_UNITS = {"b": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_LONGEST = 100_000  # characters of a text; Linux passes no argument or variable of more than 128 kB to a program
_SHOWN = 200  # characters of a value in an error
_FOREVER = 1e9  # seconds, for which no program waits
# Names that the row or a placeholder needs for something else.
_RESERVED = {*Session._fields, "date", "main"} | {  # the last are the row's own keys, see `store/rows.py`
    "added", "brought", "claude_added", "claude_entry", "landing", "paused", "removed", "renaming", "retitle", "rules",
    "seal", "syncing", "teardown_done", "unconfirmed", "verifying",
}  # fmt: skip


def wrong_value(key: str, expected: str, value: object) -> SessionError:
    """Return the error that *value* is not what was *expected*."""
    text = f"a value of type {type(value).__name__}" if is_secret(key) else json_text(value)
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    name = key if key.startswith("--") else f"session.{key}"
    return SessionError(f"{name} must be {expected}, not {text}.")


def json_text(value: object) -> str:
    """Return *value* as a configuration file would have it."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _bounded(key: str, text: str) -> str:
    if len(text) > _LONGEST:
        raise SessionError(f"session.{key} is longer than {_LONGEST:,} characters, so no program accepts it.")
    return text


def check_text(key: str, value: object) -> str:
    """Return *value*, text of one line."""
    if not isinstance(value, str):
        raise wrong_value(key, "text", value)
    if any(ord(character) < 32 for character in value):
        text = "" if is_secret(key) else f": {quote_text(value)}"
        raise SessionError(f"session.{key} contains a control character{text}")
    return _bounded(key, value)


def check_prose(key: str, value: object) -> str:
    """Return *value*, text of any number of lines."""
    if not isinstance(value, str):
        raise wrong_value(key, "text", value)
    if any(ord(character) < 32 and character not in "\n\t" for character in value):
        raise SessionError(f"session.{key} contains a control character")
    return value


def check_filled(key: str, value: object) -> str:
    """Return *value*, text that is not empty, nor only spaces."""
    if not check_text(key, value).strip():
        raise SessionError(f"session.{key} is empty.")
    return str(value)


def check_port_key(key: str, value: object) -> str:
    """Return *value*, the name of a port."""
    if not re.fullmatch(r"[A-Za-z_]\w*", check_filled(key, value)) or value in _RESERVED:
        raise SessionError(
            f"session.{key}: {quote_text(value)} is not a valid name for a port. Expected for example: app_port"
        )
    return str(value)


def check_switch(key: str, value: object) -> bool:
    """Return *value*, true or false."""
    if isinstance(value, str) and value.lower() in ("true", "false", "0", "1"):  # from an environment variable
        return value.lower() in ("true", "1")
    if not isinstance(value, bool):
        raise wrong_value(key, "true or false", value)
    return value


def check_fetch(key: str, value: object) -> bool | str:
    """Return *value*, true, false or `background`."""
    if value == "background":
        return "background"
    try:
        return check_switch(key, value)
    except SessionError:
        raise wrong_value(key, "true, false or background", value) from None


def check_port(key: str, value: object) -> int:
    """Return *value*, a port number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_value(key, "a port number", value)
    if not 1 <= value <= 65535:
        raise SessionError(f"session.{key} must be a port from 1 to 65535, not {value}.")
    return value


def check_component(key: str, value: object) -> str:
    """Return *value*, the name of a component."""
    if not re.fullmatch(r"[\w./-]+", check_filled(key, value)):
        raise SessionError(
            f"session.{key}: {quote_text(value)} is not a valid name for a component. Expected for example: server"
        )
    return str(value)


def check_days(key: str, value: object) -> float:
    """Return *value*, a number of days."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise wrong_value(key, "a number of days", value)
    try:
        number = float(value)  # text comes from an environment variable or the command line
    except ValueError:
        raise wrong_value(key, "a number of days", value) from None
    if not number >= 0:
        raise wrong_value(key, "a number of days, 0 or more", value)
    return number


def check_size(key: str, value: object) -> float:
    """Return *value*, a number of bytes: a number, or one with a unit, for example 5 GB."""
    size = _SIZE.fullmatch(str(value)) if not isinstance(value, bool) else None
    if isinstance(value, (int, float, str)) and size:
        return float(size[1]) * _UNITS[(size[2] or "b").lower()[0]]
    if value in (float("inf"), "inf", ".inf"):
        return float("inf")
    raise wrong_value(key, "a size, for example 5 GB or 500 MB", value)


def check_variable(key: str, value: object) -> str:
    """Return *value*, the name of an environment variable."""
    if not re.fullmatch(r"[A-Za-z_]\w*", check_filled(key, value)) or str(value).startswith("TALLY_"):
        raise SessionError(
            f"session.{key}: {quote_text(value)} is not a valid name for a variable. Expected for example: UVICORN_PORT"
        )
    return str(value)


def check_date(key: str, value: object) -> str:
    """Return *value*, the form of a date: letters, digits and `% - _ .`."""
    if not re.fullmatch(r"[\w%.-]+", check_filled(key, value)):
        raise SessionError(f"session.{key}: {quote_text(value)} is not a date format. Expected for example: %Y-%m-%d")
    return str(value)


def check_seconds(key: str, value: object) -> float:
    """Return *value*, a number of seconds above zero."""
    try:
        number = float(str(value))
    except ValueError:
        raise wrong_value(key, "a number of seconds", value) from None
    if not 0 < number < _FOREVER:
        raise wrong_value(key, "a number of seconds above zero", value)
    return number


_DURATION = late_pattern(r"(\d+(?:\.\d+)?)([smhd])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def check_duration(key: str, value: str) -> float:
    """Return the seconds of *value*, a number with a unit, for example 2h."""
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise wrong_value(key, "a time such as 30m, 2h or 1d", value)
    if not (seconds := float(match[1]) * _SECONDS[match[2]]):  # everything would be idle for that long
        raise wrong_value(key, "a time above zero, such as 30m, 2h or 1d", value)
    return seconds


def check_inside(key: str, value: object) -> str:
    """Return *value*, a path inside of the repository."""
    path = PurePosixPath(check_filled(key, value))
    if path.is_absolute() or ".." in path.parts:
        raise SessionError(
            f"session.{key}: {quote_text(value)} is outside of the repository. Expected a path relative to its top."
        )
    if {".git", ".tally-sessions"} & {part.lower() for part in path.parts}:
        raise SessionError(
            f"session.{key}: {quote_text(value)} belongs to git or to Tally Sessions. Expected a path of the project."
        )
    return str(path)


def check_scalar(key: str, value: object) -> str:
    """Return *value*, text or a number, as text."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise wrong_value(key, "text", value)
    if "\0" in str(value):
        raise SessionError(f"session.{key} contains a NUL character, which no program accepts.")
    return _bounded(key, str(value))
