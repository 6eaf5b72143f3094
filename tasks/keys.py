"""The keys of the configuration, each with the check of its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .checks import (
    component,
    date,
    days,
    filled,
    inside,
    items,
    one_or_more,
    port,
    port_key,
    scalar,
    seconds,
    switch,
    table,
    text,
    variable,
    wrong,
)  # fmt: skip
from .errors import SessionError

_WINDOW = {"name": filled, "dir": inside, "run": filled, "type": text, "claude": switch}


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


_COMPOSE: dict[str, Callable[[str, object], Any]] = {"file": inside, "profiles": items(filled), "wait": seconds}
_CONTAINERS = {"file": "docker-compose.session.yml", "profiles": ["apps"], "wait": 60.0}


def compose(key: str, value: object) -> dict[str, Any]:
    """Return *value*, what is said about containers, with what it leaves out; an empty one stays empty."""
    if not isinstance(value, Mapping):
        raise wrong(key, "a table with `file`, `profiles` or `wait`", value)
    for name in value:
        if name not in _COMPOSE:
            raise SessionError(f"session.{key}.{name}: unknown key; known: {', '.join(_COMPOSE)}")
    given = {name: _COMPOSE[name](f"{key}.{name}", item) for name, item in value.items() if item is not None}
    return {**_CONTAINERS, **given} if given else {}


CHECKS: dict[str, Callable[[str, object], Any]] = {
    "preset": filled, "project": filled, "worktree": filled, "branch": filled, "base": filled, "fetch": switch,
    "ports": table(port_key, port), "copy": items(inside), "link": items(inside),
    "env": table(inside, table(filled, scalar)), "activate": text, "setup": items(filled), "verify": items(filled),
    "variables": table(variable, scalar), "date": date,
    "windows": items(window), "keep_removed": days, "compose": compose,
    "components": table(component, one_or_more(inside)),
}  # fmt: skip
