"""The keys of the configuration, each with the check of its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .checks import (
    count,
    date,
    days,
    filled,
    inside,
    items,
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
from .formula import Formula

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


_FORMULA: dict[str, Callable[[str, object], Any]] = {
    "base": port,
    "stride": count,
    "offsets": table(port_key, count),
}


def ports(key: str, value: object) -> dict[str, int] | Formula:
    """Return *value*: the first port to try for each key, or with `offsets` a formula."""
    if not isinstance(value, Mapping) or "offsets" not in value:
        first: dict[str, int] = table(port_key, port)(key, value)
        return first
    for name in value:
        if name not in _FORMULA:
            raise SessionError(f"session.{key}.{name}: unknown key; known with offsets: {', '.join(_FORMULA)}")
    given = {"base": 47000, "stride": 100, **value}
    formula = Formula(**{name: check(f"{key}.{name}", given[name]) for name, check in _FORMULA.items()})
    if len(set(formula.offsets.values())) < len(formula.offsets):
        raise SessionError(f"session.{key}.offsets: two keys have the same offset; each port needs its own")
    if formula.stride < 1:
        raise SessionError(f"session.{key}.stride: is 0; expected how many ports each session has, for example 100")
    return formula


def file(key: str, value: object) -> str:
    """Return *value*, a path inside of the repository, or nothing."""
    return inside(key, value) if text(key, value) else ""


CHECKS: dict[str, Callable[[str, object], Any]] = {
    "preset": filled, "project": filled, "numbered": switch,
    "worktree": filled, "branch": filled, "base": filled, "fetch": switch,
    "ports": ports, "copy": items(inside), "link": items(inside),
    "env": table(inside, table(filled, scalar)), "activate": text, "setup": items(filled), "verify": items(filled),
    "env_file": file, "app_env": table(inside, table(variable, scalar)),
    "variables": table(variable, scalar), "date": date,
    "windows": items(window), "keep_removed": days, "compose": compose,
}  # fmt: skip
