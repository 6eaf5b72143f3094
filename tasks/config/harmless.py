"""Which values of a configuration can neither run nor redirect anything; whatever is not one of these is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..system.patterns import late_pattern
from .secrets import is_secret_name

# An allow-list, and a short one: a key that nobody thought of is asked for.
_HARMLESS = late_pattern(
    r"session\.(preset|numbered|wait|pull_requests|host_timeout|keep_removed|keep_removed_size|compose\.wait)"
    r"|session\.hosts\.[^.]+\.max_sessions"
    r"|session\.windows\..+\.(layout|start)"
    r"|session\.ports\.(base|stride|(offsets\.)?\w*port)"  # NAME=8000 in the environment, and no name but …PORT
    r"|run\.(echo|echo_format|echo_stdin|dry|hide|warn|pty|fallback|encoding)"
    r"|tasks\.(auto_dash_names|dedupe|ignore_unknown_help)|timeouts\.command",
    re.IGNORECASE,
)
_NUMBERS = late_pattern(r"session\.ports\.(offsets\.)?\w+")
_VARIABLE = late_pattern(r"(?:session\.variables|run\.env)\.(.*)", re.DOTALL)
# Variables that say how much is printed and in which colours, or which port is one's own.
_HARMLESS_NAME = late_pattern(
    r"DEBUG|VERBOSE|QUIET|NO_COLOR|FORCE_COLOR|CLICOLOR|CLICOLOR_FORCE|LOG_LEVEL|([A-Z]+_)*PORT"
)
_HARMLESS_VALUE = late_pattern(
    r"\d{0,9}|true|false|yes|no|on|off|debug|info|warn|warning|error|\{\w*port\}", re.IGNORECASE
)
_TABLES_OF_VALUES = late_pattern(r"(?:session\.(?:variables|env\..+|app_env\..+)|run\.env|sudo)\.([^.]+)")

Lines = tuple[str, ...]


class Difference(NamedTuple):
    """A value that is not as it was *before*, each as lines; no line: it is not set."""

    key: str
    before: Lines
    after: Lines

    @property
    def is_secret(self) -> bool:
        """Whether its name says that nobody should read it over a shoulder."""
        named = _TABLES_OF_VALUES.fullmatch(self.key)
        return bool(named and is_secret_name(named[1]))


def find_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return what differs between two configurations and is not harmless, by key."""
    old, new = dict(_flat(before)), dict(_flat(after))
    keys = [*new, *(key for key in old if key not in new)]
    differences = [Difference(key, old.get(key, ()), new.get(key, ())) for key in keys]
    left_out = _left_out(differences)
    return [each for each in differences if each.before != each.after and not _is_harmless(each) and not left_out(each)]


def _left_out(differences: Sequence[Difference]) -> Callable[[Difference], bool]:
    """Return the test for parts of a window, or of all containers, that are left out whole: nothing runs instead."""
    wholes = (
        "session.compose.file",
        *(each.key for each in differences if re.fullmatch(r"session\.windows\..+\.name", each.key)),
    )
    removed = {each.key for each in differences if each.key in wholes and not each.after}
    places = tuple(key.removesuffix(key.rpartition(".")[2]) for key in removed)
    return lambda each: not each.after and each.key.startswith(places)


def _is_harmless(difference: Difference) -> bool:
    if _HARMLESS.fullmatch(difference.key):
        return True
    if _NUMBERS.fullmatch(difference.key) and difference.before and difference.after:
        return True
    variable = _VARIABLE.fullmatch(difference.key)
    value = difference.after[0] if difference.after else ""
    return bool(variable and _HARMLESS_NAME.fullmatch(variable[1]) and _HARMLESS_VALUE.fullmatch(value))


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Lines]]:
    """Yield each value with its key: of tables each of their own, of lists the whole, an item a line."""
    if value is None:
        return
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flat(item, f"{key}.{name}" if key else str(name))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        named = {item.get("name"): item for item in value if isinstance(item, Mapping)}
        if value and len(named) == len(value) and all(isinstance(name, str) for name in named):
            yield from _flat(named, key)
        elif value:
            yield key, tuple(_text(item) for item in value)
    else:
        yield key, (_text(value),)


def _text(value: Any) -> str:
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
