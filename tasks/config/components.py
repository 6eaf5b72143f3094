"""Components of the repository by their paths, and which paths are outside of one."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence

from ..errors import SessionError, quote_text


def component_scope(component: str, components: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the paths and globs of *component*; none while no components are configured, or none is asked for.

    Raises `SessionError` for one that is not among those configured.
    """
    if not component or not components:
        return ()
    if component not in components:
        raise SessionError(
            f"No component {quote_text(component)} in the setting components. Known: {', '.join(components)}"
        )
    return tuple(components[component])


def outside_scope(paths: Iterable[str], scope: Sequence[str]) -> tuple[str, ...]:
    """Return those of *paths* that no part of *scope* covers; none when there is no scope."""
    if not scope:
        return ()
    inside = [_pattern(part) for part in scope]
    return tuple(sorted(path for path in set(paths) if not any(pattern.match(path) for pattern in inside)))


@functools.cache
def _pattern(part: str) -> re.Pattern[str]:
    """A path covers what is below it; `*` and `?` stay within a name, `**` crosses directories."""
    words = re.split(r"(\*\*/|\*\*|\*|\?)", part.removeprefix("./").rstrip("/"))
    meaning = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    text = "".join(meaning.get(word, re.escape(word)) for word in words)
    return re.compile(rf"(?:{text})(?:/|\Z)" if text not in ("", r"\.") else "", re.DOTALL)
