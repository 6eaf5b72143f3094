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
    port,
    port_key,
    prose,
    scalar,
    seconds,
    switch,
    text,
    variable,
    wrong,
)  # fmt: skip
from .errors import SessionError
from .formula import Formula
from .host_entry import host, host_name
from .presets import parallel
from .shapes import items, one_or_more, table

_WINDOW = {"name": filled, "dir": inside, "run": filled, "type": text, "claude": switch, "needs": inside}
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


def count(key: str, value: object) -> int:
    """Return *value*, a whole number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise wrong(key, "a whole number that is not negative", value)
    return value


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


def template(key: str, value: object) -> str:
    """Return *value*, the text of an entry in the work log, with the place of its status."""
    if not isinstance(value, str):
        raise wrong(key, "text", value)
    if any(ord(character) < 32 and character not in "\n\t" for character in value) or "<!--" in value:
        raise SessionError(f"session.{key}: contains a control character or the beginning of a comment, <!--")
    if value.count("{status}") != 1:
        raise SessionError(f"session.{key}: expected {{status}} in it, once")
    return value.strip("\n")


def work_log(key: str, value: object) -> dict[str, Any]:
    """Return *value*, the work log's file and templates; of a file's name alone the guide's templates."""
    given: Any = {"file": value} if isinstance(value, str) else value
    if given == {"file": ""}:
        return {}
    if not isinstance(given, Mapping):
        raise wrong(key, "a file, or a table of `file` and `templates`", value)
    for name in given:
        if name not in parallel.WORK_LOG:
            raise SessionError(f"session.{key}.{name}: unknown key; known: {', '.join(parallel.WORK_LOG)}")
    whole = {**parallel.WORK_LOG, **given}
    templates = table(filled, template)(f"{key}.templates", whole["templates"])
    if not templates:
        raise SessionError(f"session.{key}.templates: is empty; leave it out for the guide's")
    return {"file": inside(f"{key}.file", whole["file"]), "templates": templates}


def agent(key: str, value: object) -> dict[str, Any]:
    """Return *value*, the table of what is said of the assistant."""
    if not isinstance(value, Mapping):
        raise wrong(key, "a table of keys and values", value)
    for name in value:
        if name not in _AGENT:
            raise SessionError(f"session.{key}.{name}: unknown key; known: {', '.join(_AGENT)}")
    return {name: _AGENT[name](f"{key}.{name}", item) for name, item in value.items() if item is not None}


CHECKS: dict[str, Callable[[str, object], Any]] = {
    "preset": filled, "project": filled, "numbered": switch,
    "worktree": filled, "branch": filled, "base": filled, "fetch": switch,
    "ports": ports, "copy": items(inside), "link": items(inside),
    "env": table(inside, table(filled, scalar)), "activate": text, "setup": items(filled), "verify": items(filled),
    "env_file": file, "app_env": table(inside, table(variable, scalar)),
    "variables": table(variable, scalar), "date": date,
    "windows": items(window), "keep_removed": days, "compose": compose,
    "components": table(component, one_or_more(inside)), "work_log": work_log, "claude": agent,
    "hosts": table(host_name, host), "host_timeout": seconds,
}  # fmt: skip
