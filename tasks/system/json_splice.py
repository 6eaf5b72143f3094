"""Changes one value in the text of a JSON file; every other byte stays as it was written."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from json.decoder import scanstring  # type: ignore[attr-defined]  # the standard library's own
from typing import NamedTuple

_SPACE = re.compile(r"[ \t\r\n\ufeff]*")
_CLOSERS = {"[": "]", "{": "}"}


class Span(NamedTuple):
    """The position of a value in the text."""

    start: int
    end: int


def add_values(text: str, path: Sequence[str], values: Sequence[object]) -> str:
    """Return the JSON object *text* with *values* at the end of the list at *path*, which is created if it is missing.

    *text* must be valid, and each value on the way an object. Of duplicate keys the last one counts, as for every
    reader. Raises `TypeError` when the value at *path* is not a list.
    """
    span = Span(_skip(text, 0), len(text))
    for depth, key in enumerate(path):
        members = _members(text, span.start)
        if key not in members:
            member = _member(text, path[depth:], values, depth + 1)
            return _append(text, span.start, [member], depth, _last(text, span.start))
        span = members[key]
    if text[span.start] != "[":
        raise TypeError("expected a list")
    items = [_written(text, each, len(path) + 1) for each in values]
    return _append(text, span.start, items, len(path), _last(text, span.start))


def put_member(text: str, path: Sequence[str], key: str, value: object) -> str:
    """Return the JSON object *text* with *value* under *key* in the object at *path*, which must exist."""
    start = _object_at(text, path)
    places, close = _places(text, start)
    written = _written(text, value, len(path) + 1)
    spans = {place.key: place.value for place in places}
    if key not in spans:
        last = Span(places[-1].begin, places[-1].value.end) if places else None
        return _append(text, start, [f"{json.dumps(key, ensure_ascii=False)}: {written}"], len(path), (last, close))
    return f"{text[: spans[key].start]}{written}{text[spans[key].end :]}"


def drop_member(text: str, path: Sequence[str], key: str) -> str:
    """Return the JSON object *text* without *key*, which must be in the object at *path*."""
    start = _object_at(text, path)
    places, close = _places(text, start)
    number = next(number for number, place in enumerate(places) if place.key == key)
    if len(places) == 1:
        return f"{text[: start + 1]}{text[close:]}"
    if number == 0:
        return f"{text[: places[0].begin]}{text[places[1].begin :]}"
    return f"{text[: places[number - 1].value.end]}{text[places[number].value.end :]}"


def _object_at(text: str, path: Sequence[str]) -> int:
    """Return where the object at *path* begins; of duplicate keys it is the first one, as what follows is not read."""
    start = _skip(text, 0)
    for wanted in path:
        key, start = _key(text, _skip(text, start + 1))
        while key != wanted:
            key, start = _key(text, _next(text, _end(text, start)))
    return start


def _written(text: str, value: object, depth: int) -> str:
    """Return *value* as an element at *depth*, indented as *text* is."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=not value.isprintable())
    step = _indent(text, 1).lstrip("\r\n")
    return json.dumps(value, ensure_ascii=False, indent=step or None).replace("\n", _indent(text, depth))


def _member(text: str, keys: Sequence[str], values: Sequence[object], depth: int) -> str:
    """Return the member *keys* of an object at *depth*, with a list of *values*, indented as *text* is."""
    value: object = list(values)
    for key in reversed(keys[1:]):
        value = {key: value}
    step = _indent(text, 1).lstrip("\r\n")
    content = json.dumps(value, ensure_ascii=False, indent=step or None)
    return f"{json.dumps(keys[0])}: {content}".replace("\n", _indent(text, depth))


def _append(
    text: str, start: int, additions: Sequence[str], depth: int, ending: tuple[Span | None, int]
) -> str:  # fmt: skip
    """Return *text* with *additions* as the last elements of the list or object that begins at *start*.

    Its *ending* is its last element, and where it is closed.
    """
    last, end = ending
    if last is None:
        inner, outer = _indent(text, depth + 1), _indent(text, depth)
        members = f",{inner or ' '}".join(additions)
        return f"{text[: start + 1]}{inner}{members}{outer}{text[end:]}"
    before = text[: last.start].rstrip(" \t\r\n")
    gap = text[len(before) : last.start]
    is_only_one = len(before) == start + 1  # so nothing shows what separates two elements
    gap = " " if is_only_one and "\n" not in gap else gap
    members = "".join(f",{gap}{each}" for each in additions)
    return f"{text[: last.end]}{members}{text[last.end :]}"


def _last(text: str, start: int) -> tuple[Span | None, int]:
    """Return the last element of the list or object that begins at *start*, and where that is closed."""
    last, at, closer = None, _skip(text, start + 1), _CLOSERS[text[start]]
    while text[at] != closer:
        begin = at
        if closer == "}":
            at = _key(text, at)[1]
        last = Span(begin, _end(text, at))
        at = _next(text, last.end)
    return last, at


class _Member(NamedTuple):
    """A member of an object: where its *key* begins, and its value."""

    key: str
    begin: int
    value: Span


def _members(text: str, start: int) -> dict[str, Span]:
    """Return the values of the object that begins at *start*; of duplicate keys the last one."""
    return {member.key: member.value for member in _places(text, start)[0]}


def _places(text: str, start: int) -> tuple[list[_Member], int]:
    """Return the members of the object that begins at *start*, and where it is closed."""
    members, at = list[_Member](), _skip(text, start + 1)
    while text[at] != "}":
        key, value = _key(text, at)
        members.append(_Member(key, at, Span(value, _end(text, value))))
        at = _next(text, members[-1].value.end)
    return members, at


def _key(text: str, at: int) -> tuple[str, int]:
    """Return the key that begins at *at*, and where its value begins."""
    if text[at] != '"':
        raise LookupError("no key")
    key, end = scanstring(text, at + 1)
    return key, _skip(text, _skip(text, end) + 1)


def _next(text: str, end: int) -> int:
    """Return where the element after the one with this *end* begins, or its list or object is closed."""
    at = _skip(text, end)
    return _skip(text, at + 1) if text[at] == "," else at


def _end(text: str, at: int) -> int:
    return json.JSONDecoder().raw_decode(text, at)[1]


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _indent(text: str, depth: int) -> str:
    """Return the line end and the indentation at *depth* as in *text*; empty when it is one line."""
    match = re.search(r"(\r?\n)([ \t]+)\"", text)
    if not match:
        return ("\r\n" if "\r\n" in text else "\n") + "  " * depth if text.strip("\ufeff \t\r\n") == "{}" else ""
    return match[1] + match[2] * depth
