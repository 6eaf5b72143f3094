"""What a value that comes from a file or from another program must be, and what is said of one that is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn

from ..errors import SessionError
from . import reading

# Takes a value and its place, as `windows[0].name`; returns what is wrong, empty for nothing. Never the value itself:
# it may be a password.
Form = Callable[[object, str], str]

_KINDS = {
    str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table",
    type(None): "nothing",
}  # fmt: skip


class ShapeError(SessionError, ValueError):
    """The content of a file is not what we write there."""


def plain_form(expected: str, test: Callable[[Any], bool]) -> Form:
    """Return the form of a value that passes *test*; *expected* is what a person reads of it, like `a number`."""
    return lambda value, place: "" if test(value) else _describe(expected, value, place)


def _describe(expected: str, value: object, place: str) -> str:
    return f"{place or 'the content'}: expected {expected}, found {_KINDS.get(type(value), type(value).__name__)}"


def _is_moment(value: object) -> bool:
    try:
        return isinstance(value, str) and (not value or datetime.fromisoformat(value).tzinfo is not None)
    except ValueError:
        return False


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
    except OverflowError:  # a whole number larger than any float
        return False


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value not in ("", ".", "..") and "/" not in value and "\0" not in value


TEXT: Form = plain_form("text", lambda value: isinstance(value, str))
SWITCH: Form = plain_form("true or false", lambda value: isinstance(value, bool))
COUNT: Form = plain_form("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool))
NUMBER: Form = plain_form("a finite number", _is_number)
MOMENT: Form = plain_form("an ISO 8601 time with offset, or empty text", _is_moment)
NAME: Form = plain_form("the name of a file", _is_name)  # without a directory


def choice_form(*values: object) -> Form:
    """Return the form of one of *values*."""
    return plain_form(f"one of {', '.join(map(repr, values))}", lambda value: value in values)


def either_form(one: Form, other: Form) -> Form:
    """Return the form of what has the form *one* or the *other*; a fault is told by the latter."""
    return lambda value, place: other(value, place) if one(value, place) else ""


def list_form(form: Form) -> Form:
    """Return the form of a list whose items have that *form*."""

    def find(value: object, place: str) -> str:
        if not isinstance(value, list):
            return _describe("a list", value, place)
        return next(filter(None, (form(item, f"{place}[{n}]") for n, item in enumerate(value))), "")

    return find


def table_form(form: Form, keys: Form | None = None) -> Form:
    """Return the form of a table whose values have that *form*, and whose keys have the form *keys*."""

    def find(value: object, place: str) -> str:
        if not isinstance(value, dict):
            return _describe("a table", value, place)
        for key, item in value.items():
            if fault := form(item, _below(place, key)) or (keys(key, f"{place}: key") if keys else ""):
                return fault
        return ""

    return find


def fields_form(needed: Mapping[str, Form], optional: Mapping[str, Form] | None = None) -> Form:
    """Return the form of a table that has each of *needed*, and the *optional* ones where they are there.

    Other keys are left alone: a later version may have written them.
    """

    def find(value: object, place: str) -> str:
        if not isinstance(value, dict):
            return _describe("a table", value, place)
        for key, form in {**needed, **(optional or {})}.items():
            if key in value and (fault := form(value[key], _below(place, key))):
                return fault
        return next((f"{_below(place, key)} is missing" for key in needed if key not in value), "")

    return find


def _below(place: str, key: object) -> str:
    return f"{place}.{key}" if place else str(key)


TEXTS: Form = list_form(TEXT)
TEXT_TABLE: Form = table_form(TEXT)


def fits(value: object, form: Form) -> bool:
    """Return whether *value* has the *form*."""
    return not form(value, "")


def read_json(file: Path, form: Form) -> Any:
    """Return what *file* has, as JSON of the *form*.

    Raises `FileNotFoundError`, other `OSError`s, and `ShapeError` with the file and the key that is wrong.
    """
    return parse_json(reading.read_bytes(file), form, str(file))


def parse_json(content: str | bytes, form: Form, source: str) -> Any:
    """Return *content*, JSON of the *form*; raises `ShapeError` with *source*, its file or who said it."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        _refuse(source, "the content: expected JSON")
    if fault := form(value, ""):
        _refuse(source, fault)
    return value


def _refuse(source: str, fault: str) -> NoReturn:
    raise ShapeError(f"{source}: {fault}") from None
