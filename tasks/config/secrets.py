"""Which values are shown to nobody."""

from __future__ import annotations

import re

from ..system.patterns import late_pattern

_SECRET = frozenset(("variables", "env", "app_env"))  # tables whose values may be passwords
_PLACES = frozenset(("worktree", "main", "branch", "file", "directory", "dir"))  # keys whose values never are
_NAMES = late_pattern(r"TOKEN|SECRET|PASS|PWD|CREDENTIAL|AUTH|COOKIE|PRIVATE|(^|_)KEY|KEY$|APIKEY|DSN", re.IGNORECASE)


def is_secret(key: str) -> bool:
    """Return whether what stands under *key* of a configuration or a row is shown to nobody."""
    return key.partition(".")[0] in _SECRET


def is_secret_name(variable: str) -> bool:
    """Return whether the name of the *variable* says that nobody should read its value over a shoulder."""
    return bool(_NAMES.search(variable))


# NAME=value and --name value, whose value is no placeholder and no variable of a shell; and what a header has.
_NAMED = late_pattern(
    r"""((?:--[\w-]+[ ]+(?!-)|[\w-]+=|[\w-]+:[ ]*)(?:(?:Bearer|Basic)[ ]+)?)("[^"]*"|'[^']*'|[^\s"'{$/=;][^\s"';]*)"""
)


def mask_named_values(text: str) -> str:
    """Return *text*, perhaps a command, with `…` for what stands after a name of something secret."""

    def masked(match: re.Match[str]) -> str:
        return f"{match[1]}…" if is_secret_name(re.split("[=: ]", match[1])[0]) else match[0]

    return _NAMED.sub(masked, text)


def without_value(line: str) -> str:
    """Return a *line* of JSON without what may be a password in it."""
    key, colon, _value = line.partition('": ')
    return line if not colon or key.lstrip(' "') in _PLACES else f'{key}": …'
