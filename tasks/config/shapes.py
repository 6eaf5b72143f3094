"""The lists and tables of the configuration, whose parts are checked one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import SessionError
from .checks import wrong

Check = Callable[[str, object], Any]


def items(of: Callable[[str, object], Any]) -> Callable[[str, object], list[Any]]:
    """Return the check of a list whose items are checked by *of*."""

    def check(key: str, value: object) -> list[Any]:
        if isinstance(value, str) or not isinstance(value, (list, tuple)):
            raise wrong(key, "a list", value)
        return [of(f"{key}[{index}]", item) for index, item in enumerate(value)]

    return check


def one_or_more(of: Callable[[str, object], Any]) -> Callable[[str, object], list[Any]]:
    """Return the check of a list that may be given as its only item."""
    several = items(of)

    def check(key: str, value: object) -> list[Any]:
        return [of(key, value)] if isinstance(value, str) else several(key, value)

    return check


def fixed(of: Mapping[str, Check], *required: str) -> Callable[[str, object], dict[str, Any]]:
    """Return the check of a table whose keys are known: each is checked by its own of *of*; null is left out.

    Without one that is *required* the table is wrong.
    """

    def check(key: str, value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not set(required) <= set(value):
            least = f"a table with at least {' and '.join(f'`{name}`' for name in required)}"
            raise wrong(key, least if required else f"a table of {', '.join(of)}", value)
        for name in value:
            if name not in of:
                raise SessionError(f"session.{key}.{name}: unknown key; known: {', '.join(of)}")
        return {name: of[name](f"{key}.{name}", item) for name, item in value.items() if item is not None}

    return check


def table(keys: Callable[[str, object], str], of: Callable[[str, object], Any]) -> Callable[[str, object], Any]:
    """Return the check of a table whose keys and values are checked by *keys* and *of*."""

    def check(key: str, value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise wrong(key, "a table of keys and values", value)
        return {keys(f"{key}.{name}", name): of(f"{key}.{name}", item) for name, item in value.items()}

    return check
