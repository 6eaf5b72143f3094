"""Whether values that were read from a file have the form in which they were written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

Form = Callable[[object], bool]


def text(value: object) -> bool:
    """Return whether *value* is text."""
    return isinstance(value, str)


def switch(value: object) -> bool:
    """Return whether *value* is true or false."""
    return isinstance(value, bool)


def moment(value: object) -> bool:
    """Return whether *value* is a time as ISO 8601 has it, or the empty text."""
    try:
        return isinstance(value, str) and (not value or datetime.fromisoformat(value).tzinfo is not None)
    except ValueError:
        return False


def texts(value: object) -> bool:
    """Return whether *value* is a list of texts."""
    return isinstance(value, list) and all(map(text, value))


def parts(value: object) -> bool:
    """Return whether *value* is a table, or a list of tables, of anything."""
    each = value if isinstance(value, list) else [value]
    return all(isinstance(one, dict) for one in each)


def table(value: object) -> bool:
    """Return whether *value* is a table of texts."""
    return isinstance(value, dict) and all(map(text, value.values()))


def tables(value: object) -> bool:
    """Return whether *value* is a table of tables of texts."""
    return isinstance(value, dict) and all(map(table, value.values()))


def whole(found: object, forms: Mapping[str, Form]) -> bool:
    """Return whether *found* is a table that has every part of *forms*, each of its form."""
    return isinstance(found, dict) and set(found) >= set(forms) and not wrong(found, forms)


def wrong(found: Mapping[str, object], forms: Mapping[str, Form]) -> str:
    """Return the first part of *found* that has another form, as `key: value`; empty for none. None has to be there."""
    for key, form in forms.items():
        if key in found and not form(found[key]):
            return f"{key}: {found[key]!r}"
    return ""
