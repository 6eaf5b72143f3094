"""The keys of the configuration, each with the check of its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .checks import (
    date,
    days,
    filled,
    inside,
    items,
    port,
    port_key,
    prose,
    scalar,
    switch,
    table,
    text,
    variable,
    wrong,
)
from .errors import SessionError

_WINDOW = {"name": filled, "dir": inside, "run": filled, "type": text, "claude": switch}
_AGENT: dict[str, Callable[[str, object], Any]] = {
    "command": filled, "args": items(text), "note": prose, "notify": text,
}  # fmt: skip


def window(key: str, value: object) -> dict[str, Any]:
    """Return *value*, the table of one window."""
    if not isinstance(value, Mapping) or "name" not in value:
        raise wrong(key, "a table with at least `name`", value)
    for name in value:
        if name not in _WINDOW:
            raise SessionError(f"session.{key}.{name}: unknown key; known: {', '.join(_WINDOW)}")
    if len({"run", "type", "claude"} & set(value)) > 1:
        raise SessionError(f"session.{key}: only one of run, type and claude can be given")
    return {name: _WINDOW[name](f"{key}.{name}", item) for name, item in value.items()}


def agent(key: str, value: object) -> dict[str, Any]:
    """Return *value*, the table of what is said of the assistant."""
    if not isinstance(value, Mapping):
        raise wrong(key, "a table of keys and values", value)
    for name in value:
        if name not in _AGENT:
            raise SessionError(f"session.{key}.{name}: unknown key; known: {', '.join(_AGENT)}")
    return {name: _AGENT[name](f"{key}.{name}", item) for name, item in value.items() if item is not None}


CHECKS: dict[str, Callable[[str, object], Any]] = {
    "preset": filled, "project": filled, "worktree": filled, "branch": filled, "base": filled, "fetch": switch,
    "ports": table(port_key, port), "copy": items(inside), "link": items(inside),
    "env": table(inside, table(filled, scalar)), "activate": text, "setup": items(filled),
    "variables": table(variable, scalar), "date": date,
    "windows": items(window), "keep_removed": days, "claude": agent,
}  # fmt: skip
