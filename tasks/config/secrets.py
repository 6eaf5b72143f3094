"""Which values are shown to nobody."""

from __future__ import annotations

_SECRET = frozenset(("variables", "env", "app_env"))  # tables whose values may be passwords
_PLACES = frozenset(("worktree", "main", "branch", "file", "directory", "dir"))  # keys whose values never are


def is_secret(key: str) -> bool:
    """Return whether what stands under *key* of a configuration or a row is shown to nobody."""
    return key.partition(".")[0] in _SECRET


def without_value(line: str) -> str:
    """Return a *line* of JSON without what may be a password in it."""
    key, colon, _value = line.partition('": ')
    return line if not colon or key.lstrip(' "') in _PLACES else f'{key}": …'
