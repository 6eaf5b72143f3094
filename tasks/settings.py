"""The `session:` part of Invoke's configuration, checked key by key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from .errors import SessionError
from .presets import PRESETS

# The collection's defaults: Invoke maps INVOKE_SESSION_* variables onto keys that are there. None: the preset's.
DEFAULTS: dict[str, Any] = dict.fromkeys(
    "preset project worktree branch base fetch ports copy link env activate setup windows".split()
)


@dataclass(frozen=True)
class Settings:
    """What the configuration says, placeholders not yet replaced; None in *activate* and *project* means: find out."""

    preset: str
    project: str | None
    worktree: str
    branch: str
    base: str
    fetch: bool
    ports: dict[str, int]
    copy: list[str]
    link: list[str]
    env: dict[str, dict[str, str]]
    activate: str | None
    setup: list[str]
    windows: list[dict[str, Any]]


def load(configured: Mapping[str, Any]) -> Settings:
    """Return the settings that *configured* says on top of its preset.

    Raises `SessionError` naming the key for an unknown one, a wrong type, or a path that leaves the repository.
    """
    given = {key: value for key, value in configured.items() if value is not None}
    preset = _text("preset", given.get("preset", "points"))
    if preset not in PRESETS:
        raise SessionError(f"session.preset: unknown preset {preset!r}; known: {', '.join(PRESETS)}")
    for key in given:
        if key not in _CHECKS:
            raise SessionError(f"session.{key}: unknown key; known: {', '.join(_CHECKS)}")
    merged = {"project": None, "activate": None, **PRESETS[preset], **given, "preset": preset}
    checked: dict[str, Any] = {k: None if v is None else _CHECKS[k](k, v) for k, v in merged.items()}
    return Settings(**checked)


def _wrong(key: str, expected: str, value: object) -> SessionError:
    return SessionError(f"session.{key}: expected {expected}, found {type(value).__name__} {value!r}")


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(key, "text", value)
    if any(ord(character) < 32 for character in value):
        raise SessionError(f"session.{key}: {value!r} contains a control character")
    return value


def _filled(key: str, value: object) -> str:
    if not _text(key, value):
        raise SessionError(f"session.{key}: is empty")
    return str(value)


def _switch(key: str, value: object) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false", "0", "1"):  # from an environment variable
        return value.lower() in ("true", "1")
    if not isinstance(value, bool):
        raise _wrong(key, "true or false", value)
    return value


def _port(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(key, "a port number", value)
    if not 1 <= value <= 65535:
        raise SessionError(f"session.{key}: {value} is no port; expected 1 to 65535")
    return value


def _inside(key: str, value: object) -> str:
    path = PurePosixPath(_filled(key, value))
    if path.is_absolute() or ".." in path.parts:
        raise SessionError(f"session.{key}: {value!r} leaves the repository; expected a path relative to its top")
    return str(path)


def _list(of: Callable[[str, object], Any]) -> Callable[[str, object], list[Any]]:
    def check(key: str, value: object) -> list[Any]:
        if isinstance(value, str) or not isinstance(value, (list, tuple)):
            raise _wrong(key, "a list", value)
        return [of(f"{key}[{index}]", item) for index, item in enumerate(value)]

    return check


def _table(keys: Callable[[str, object], str], of: Callable[[str, object], Any]) -> Callable[[str, object], Any]:
    def check(key: str, value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _wrong(key, "a table of keys and values", value)
        return {keys(f"{key}.{name}", name): of(f"{key}.{name}", item) for name, item in value.items()}

    return check


def _value(key: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise _wrong(key, "text", value)
    return str(value)


_WINDOW = {"name": _filled, "dir": _inside, "run": _filled, "type": _text, "claude": _switch}


def _window(key: str, value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping) or "name" not in value:
        raise _wrong(key, "a table with at least `name`", value)
    for name in value:
        if name not in _WINDOW:
            raise SessionError(f"session.{key}.{name}: unknown key; known: {', '.join(_WINDOW)}")
    if len({"run", "type", "claude"} & set(value)) > 1:
        raise SessionError(f"session.{key}: only one of run, type and claude can be given")
    return {name: _WINDOW[name](f"{key}.{name}", item) for name, item in value.items()}


_CHECKS: dict[str, Callable[[str, object], Any]] = {
    "preset": _filled, "project": _filled, "worktree": _filled, "branch": _filled, "base": _filled, "fetch": _switch,
    "ports": _table(_filled, _port), "copy": _list(_inside), "link": _list(_inside),
    "env": _table(_inside, _table(_filled, _value)), "activate": _text, "setup": _list(_filled),
    "windows": _list(_window),
}  # fmt: skip
