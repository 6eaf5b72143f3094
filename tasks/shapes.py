"""The lists and tables of the configuration, whose parts are checked one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .checks import wrong


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


def table(keys: Callable[[str, object], str], of: Callable[[str, object], Any]) -> Callable[[str, object], Any]:
    """Return the check of a table whose keys and values are checked by *keys* and *of*."""

    def check(key: str, value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise wrong(key, "a table of keys and values", value)
        return {keys(f"{key}.{name}", name): of(f"{key}.{name}", item) for name, item in value.items()}

    return check
