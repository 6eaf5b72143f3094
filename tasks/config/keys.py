"""The keys of the configuration, each with the check of its value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import SessionError
from ..presets import parallel
from .checks import (  # fmt: skip
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
)
from .formula import Formula
from .host_entry import host, host_name
from .shapes import fixed, items, one_or_more, table

_WINDOW = fixed({"name": filled, "dir": inside, "run": filled, "type": text, "claude": switch, "needs": inside}, "name")


def window(key: str, value: object) -> dict[str, Any]:
    """Return *value*, the table of one window."""
    given = _WINDOW(key, value)
    if len({"run", "type", "claude"} & set(given)) > 1:
        raise SessionError(f"session.{key}: only one of run, type and claude can be given")
    return given


_COMPOSE = fixed({"file": inside, "profiles": items(filled), "wait": seconds})
_CONTAINERS = {"file": "docker-compose.session.yml", "profiles": ["apps"], "wait": 60.0}


def compose(key: str, value: object) -> dict[str, Any]:
    """Return *value*, what is said about containers, with what it leaves out; an empty one stays empty."""
    given = _COMPOSE(key, value)
    return {**_CONTAINERS, **given} if given else {}


def count(key: str, value: object) -> int:
    """Return *value*, a whole number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise wrong(key, "a whole number that is not negative", value)
    return value


_FORMULA = fixed({"base": port, "stride": count, "offsets": table(port_key, count)}, "offsets")


def ports(key: str, value: object) -> dict[str, int] | Formula:
    """Return *value*: the first port to try for each key, or with `offsets` a formula."""
    if not isinstance(value, Mapping) or "offsets" not in value:
        first: dict[str, int] = table(port_key, port)(key, value)
        return first
    formula = Formula(**{"base": 47000, "stride": 100, **_FORMULA(key, value)})
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


_WORK_LOG = fixed({"file": inside, "templates": table(filled, template)})
_GUIDE = {**parallel.WORK_LOG, "templates": {k: v.strip("\n") for k, v in parallel.WORK_LOG["templates"].items()}}


def work_log(key: str, value: object) -> dict[str, Any]:
    """Return *value*, the work log's file and templates; of a file's name alone the guide's templates."""
    given: Any = {"file": value} if isinstance(value, str) else value
    if given == {"file": ""}:
        return {}
    if not isinstance(given, Mapping):
        raise wrong(key, "a file, or a table of `file` and `templates`", value)
    checked = _WORK_LOG(key, given)
    if checked.get("templates") == {}:
        raise SessionError(f"session.{key}.templates: is empty; leave it out for the guide's")
    return {**_GUIDE, **checked}


CHECKS: dict[str, Callable[[str, object], Any]] = {
    "preset": filled, "project": filled, "numbered": switch,
    "worktree": filled, "branch": filled, "base": filled, "fetch": switch,
    "ports": ports, "copy": items(inside), "link": items(inside),
    "env": table(inside, table(filled, scalar)), "activate": text, "setup": items(filled), "verify": items(filled),
    "env_file": file, "app_env": table(inside, table(variable, scalar)),
    "variables": table(variable, scalar), "date": date,
    "windows": items(window), "keep_removed": days, "compose": compose,
    "components": table(component, one_or_more(inside)), "work_log": work_log,
    "claude": fixed({"command": filled, "args": items(text), "note": prose, "notify": text}),
    "hosts": table(host_name, host), "host_timeout": seconds, "wait": seconds,
}  # fmt: skip
