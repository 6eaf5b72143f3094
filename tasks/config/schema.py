"""Each key of `session:`, and what it may be."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from ..errors import SessionError, quote_text, suggest_name
from . import presets
from .checks import (
    check_component,
    check_date,
    check_days,
    check_duration,
    check_fetch,
    check_filled,
    check_inside,
    check_port,
    check_port_key,
    check_prose,
    check_scalar,
    check_seconds,
    check_size,
    check_switch,
    check_text,
    check_variable,
    wrong_value,
)


class Formula(NamedTuple):
    """A range of *stride* ports for each number, above *base*; each key has its own *offset* in it."""

    base: int
    stride: int
    offsets: Mapping[str, int]

    def ports(self, number: int) -> dict[str, int]:
        """Return the port of each key for the session with *number*."""
        return {key: self.base + number * self.stride + offset for key, offset in self.offsets.items()}


Check = Callable[[str, object], Any]


def check_list(of: Check, key: str, value: object) -> list[Any]:
    """Return *value*, a list whose items are checked by *of*."""
    if isinstance(value, str) or not isinstance(value, (list, tuple)):
        raise wrong_value(key, "a list", value)
    return [of(f"{key}[{index}]", item) for index, item in enumerate(value)]


def check_items(of: Check, key: str, value: object) -> list[Any]:
    """Return *value*, a list as `check_list` has it, or its only item, which is text."""
    return [of(key, value)] if isinstance(value, str) else check_list(of, key, value)


def check_known(of: Mapping[str, Check], required: tuple[str, ...], key: str, value: object) -> dict[str, Any]:
    """Return *value*, a table whose keys are known: each is checked by its own of *of*; null is left out.

    Without one that is *required* the table is wrong.
    """
    if not isinstance(value, Mapping) or any(value.get(name) is None for name in required):
        least = f"a table with at least {' and '.join(f'`{name}`' for name in required)}"
        raise wrong_value(key, least if required else f"a table of {', '.join(of)}", value)
    for name in value:
        if name not in of:
            raise SessionError(f"session.{key}.{name} is not a setting.{suggest_name(str(name), of, listed=True)}")
    return {name: of[name](f"{key}.{name}", item) for name, item in value.items() if item is not None}


def check_table(keys: Check, of: Check, key: str, value: object) -> dict[str, Any]:
    """Return *value*, a table whose keys and values are checked by *keys* and *of*."""
    if not isinstance(value, Mapping):
        raise wrong_value(key, "a table of keys and values", value)
    return {keys(f"{key}.{name}", name): of(f"{key}.{name}", item) for name, item in value.items()}


def list_of(of: Check) -> Check:
    """Return the check of a list of what *of* checks."""
    return partial(check_list, of)


def table_with(of: Mapping[str, Check], *required: str) -> Check:
    """Return the check of a table with the keys of *of*, of which some are *required*."""
    return partial(check_known, of, required)


def table_of(keys: Check, of: Check) -> Check:
    """Return the check of a table of what *of* checks, whose keys *keys* checks."""
    return partial(check_table, keys, of)


def check_destination(key: str, value: object) -> str:
    """Return *value*, a word that is never taken for an option of ssh, nor for anything by a shell on the host."""
    if not re.fullmatch(r"[A-Za-z0-9_][\w.@%-]*", check_filled(key, value)):
        raise SessionError(
            f"session.{key}: {quote_text(value)} is not a host. Expected USER@HOST or a name of ~/.ssh/config."
        )
    return str(value)


def check_checkout(key: str, value: object) -> str:
    """Return *value*, the path of a checkout on a host."""
    if not re.fullmatch(r"(~/|/)[^:]+", check_filled(key, value)):
        raise SessionError(
            f"session.{key}: {quote_text(value)} is not a path on the host. Expected for example: ~/Dev/tally"
        )
    return str(value)


def check_program(key: str, value: object) -> str:
    """Return *value*, a program of a host: a name, or a path without special characters."""
    if not re.fullmatch(r"(~/)?[\w./+-]+", check_filled(key, value)) or str(value).startswith("-"):
        raise SessionError(
            f"session.{key}: {quote_text(value)} is not a program. Expected a name or path without special characters."
        )
    return str(value)


def check_sessions(key: str, value: object) -> int:
    """Return *value*, how many sessions a host may have."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise wrong_value(key, "a whole number, 1 or more", value)
    return value


def check_command(key: str, value: object) -> str:
    """Return *value*, a command as a person types it, whose quotes are closed."""
    try:
        shlex.split(check_filled(key, value))
    except ValueError as error:
        raise SessionError(f"session.{key}: {quote_text(value)} is not a command: {error}. Close its quotes.") from None
    return str(value)


def check_idle(key: str, value: object) -> str:
    """Return *value*, a time with its unit, for example 2h."""
    check_duration(key, check_filled(key, value))
    return str(value)


HOST = table_with(
    {
        "host": check_destination, "path": check_checkout, "max_sessions": check_sessions, "python": check_program,
        "inv": check_program, "via": check_command, "start": check_command, "labels": list_of(check_filled),
        "stop": check_command, "stop_idle": check_idle,
    },
    "path",
)  # fmt: skip


def host(key: str, value: object) -> dict[str, Any]:
    """Return *value*, the table of one host, which ssh or the command `via` reaches."""
    least = isinstance(value, Mapping) and (value.get("host") is not None or value.get("via") is not None)
    if not least:
        raise wrong_value(key, "a table with at least `host` and `path`, or `via` and `path`", value)
    facts = dict(HOST(key, value))
    if "stop_idle" in facts and "stop" not in facts:
        raise SessionError(f"session.{key}.stop_idle needs the command that stops the machine, as session.{key}.stop.")
    return facts


def check_host_name(key: str, value: object) -> str:
    """Return *value*, what a host is called; `here` is this machine."""
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", check_filled(key, value)) or value == "here":
        raise SessionError(
            f"session.{key}: {quote_text(value)} is not a valid name for a host. Expected for example: devbox"
        )
    return str(value)


STARTS = ("add", "attach")
PAGE = r"/[!-~]*"
LAYOUTS = ("even-horizontal", "even-vertical", "main-horizontal", "main-vertical", "tiled")


def check_start(key: str, value: object) -> str:
    """Return *value*, when a window's command starts; empty for the usual."""
    if value not in STARTS:
        raise wrong_value(key, "add or attach", value)
    return "attach" if value == "attach" else ""


def check_page(key: str, value: object) -> str:
    """Return *value*, the path of a page."""
    if not re.fullmatch(PAGE, check_filled(key, value)):
        raise wrong_value(key, "the path of a page, as /healthz", value)
    return str(value)


def check_layout(key: str, value: object) -> str:
    """Return *value*, the name of one of tmux's layouts."""
    if value not in LAYOUTS:
        raise wrong_value(key, f"one of {', '.join(LAYOUTS)}", value)
    return str(value)


_CONTENT: dict[str, Check] = {
    "name": check_filled, "dir": check_inside, "run": check_filled, "type": check_text, "claude": check_switch,
    "needs": check_inside, "start": check_start, "health": check_page,
}  # fmt: skip
PANE = table_with(_CONTENT)


def check_pane(key: str, value: object) -> dict[str, Any]:
    """Return *value*, the table of one pane of a window; of text alone the table with that command."""
    return _check_content(key, {"run": check_filled(key, value)} if isinstance(value, str) else PANE(key, value))


WINDOW = table_with({**_CONTENT, "panes": list_of(check_pane), "layout": check_layout}, "name")


def check_window(key: str, value: object) -> dict[str, Any]:
    """Return *value*, the table of one window."""
    window = _check_content(key, WINDOW(key, value))
    if "layout" in window and not window.get("panes"):
        raise SessionError(f"session.{key}.layout is for panes, and there are none. Add panes, or leave it out.")
    return window


def _check_content(key: str, window: dict[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in ("run", "type", "claude", "panes") if kind in window]
    if len(kinds) > 1:
        raise SessionError(f"session.{key} has more than one of {', '.join(kinds)}. Keep one.")
    for word in ("start", "health"):
        if window.get(word) and not {"run", *(["panes"] if word == "start" else [])} & set(kinds):
            raise SessionError(f"session.{key}.{word} is for a window with run. Leave it out.")
    return window


COMPOSE = table_with({"file": check_inside, "profiles": list_of(check_filled), "wait": check_seconds})
_CONTAINERS = {"file": "docker-compose.session.yml", "profiles": ["apps"], "wait": 60.0}


def check_compose(key: str, value: object) -> dict[str, Any]:
    """Return *value*, what is said about containers, with what it leaves out; an empty one stays empty."""
    options = COMPOSE(key, value)
    return {**_CONTAINERS, **options} if options else {}


def check_count(key: str, value: object) -> int:
    """Return *value*, a whole number, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise wrong_value(key, "a whole number, 0 or more", value)
    return value


FORMULA = table_with(
    {"base": check_port, "stride": check_count, "offsets": table_of(check_port_key, check_count)}, "offsets"
)


def check_ports(key: str, value: object) -> dict[str, int] | Formula:
    """Return *value*: the first port to try for each key, or with `offsets` a formula."""
    if not isinstance(value, Mapping) or "offsets" not in value:
        first: dict[str, int] = table_of(check_port_key, check_port)(key, value)
        return first
    formula = Formula(**{"base": 47000, "stride": 100, **FORMULA(key, value)})
    if len(set(formula.offsets.values())) < len(formula.offsets):
        raise SessionError(f"session.{key}.offsets has the same offset twice. Each port needs its own.")
    if formula.stride < 1:
        raise SessionError(f"session.{key}.stride must be the number of ports of each session, for example 100, not 0.")
    return formula


def check_file(key: str, value: object) -> str:
    """Return *value*, a path inside of the repository, or nothing."""
    return check_inside(key, value) if check_text(key, value) else ""


def check_template(key: str, value: object) -> str:
    """Return *value*, the text of an entry in the work log, with the place of its status."""
    if not isinstance(value, str):
        raise wrong_value(key, "text", value)
    if any(ord(character) < 32 and character not in "\n\t" for character in value) or "<!--" in value:
        raise SessionError(f"session.{key} contains a control character, or the start of a comment, <!--.")
    if value.count("{status}") != 1:
        raise SessionError(f"session.{key} must contain {{status}} once.")
    return value.strip("\n")


WORK_LOG = table_with({"file": check_inside, "templates": table_of(check_filled, check_template)})
_GUIDE = {**presets.WORK_LOG, "templates": {k: v.strip("\n") for k, v in presets.WORK_LOG["templates"].items()}}


def check_work_log(key: str, value: object) -> dict[str, Any]:
    """Return *value*, the work log's file and templates; of a file's name alone the guide's templates."""
    options: Any = {"file": value} if isinstance(value, str) else value
    if options == {"file": ""}:
        return {}
    if not isinstance(options, Mapping):
        raise wrong_value(key, "a file, or a table of `file` and `templates`", value)
    checked = WORK_LOG(key, options)
    if checked.get("templates") == {}:
        raise SessionError(f"session.{key}.templates is empty. Leave it out to use those of preset parallel.")
    return {**_GUIDE, **checked}


AGENT = table_with(
    {
        "command": check_filled,
        "find": check_text,
        "state": check_text,
        **dict.fromkeys(("args", "begin", "resume", "fork", "prompt"), list_of(check_text)),
    },
    "command",
)
CHECKS: dict[str, Check] = {
    "preset": check_filled, "project": check_filled, "numbered": check_switch,
    "worktree": check_filled, "branch": check_filled, "base": check_filled, "fetch": check_fetch,
    "ports": check_ports, "copy": list_of(check_inside), "link": list_of(check_inside), "thin": list_of(check_inside),
    "env": table_of(check_inside, table_of(check_filled, check_scalar)), "activate": check_text,
    "databases": table_of(check_inside, table_of(check_variable, check_filled)), "host": check_text,
    "setup": list_of(check_filled), "teardown": list_of(check_filled), "verify": list_of(check_filled),
    "env_file": check_file, "app_env": table_of(check_inside, table_of(check_variable, check_scalar)),
    "variables": table_of(check_variable, check_scalar), "date": check_date,
    "windows": list_of(check_window), "keep_removed": check_days, "keep_removed_size": check_size,
    "compose": check_compose,
    "components": table_of(check_component, partial(check_items, check_inside)), "work_log": check_work_log,
    "claude": table_with({"command": check_filled, "args": list_of(check_text), "note": check_prose,
    "notify": check_text}),
    "agents": table_of(check_component, AGENT),
    "hosts": table_of(check_host_name, host), "host_timeout": check_seconds, "wait": check_seconds,
    "pull_requests": check_switch,
}  # fmt: skip
