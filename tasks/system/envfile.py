"""Variables in `.env` files, everything else in the file kept."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .patterns import late_pattern
from .rooted import Root

if TYPE_CHECKING:
    from dotenv.parser import Binding

_PLAIN = late_pattern(r"[\w./:@%+,=-]*")
# Between single quotes a shell has no escapes, the others two; between double quotes it expands more than they do.
_NOT_IN_SINGLE = late_pattern(r"'|\\\\|\\\Z")
_NOT_IN_DOUBLE = late_pattern(r"[$`]|\\\Z")
_COMMENT = late_pattern(r"[ \t]+#[^\r\n]*$")


def put_values(root: Root, path: str, values: Mapping[str, str]) -> None:
    """Set *values* in the file *path*, which keeps its mode; a missing file is created for its owner alone."""
    content = _text(root, path)
    text = with_values(content or "", values)
    if text != content:
        root.write(path, text.encode("utf-8", "surrogateescape"), mode=0o600)


def with_values(before: str, values: Mapping[str, str]) -> str:
    """Return the text *before* of a file with *values* set in it.

    python-dotenv reads the text; its own `set_key` would lose blank lines, line ends, `export` and foreign bytes.
    """
    from dotenv.parser import parse_stream

    newline = "\r\n" if "\r\n" in before else "\n"
    missing, text = dict(values), ""
    for binding in parse_stream(io.StringIO(before, newline="")):
        if binding.key is not None and binding.key in values:
            missing.pop(binding.key, None)
            text += _replaced(binding, values[binding.key])
        else:
            text += binding.original.string
    for key, value in missing.items():
        text += newline if text and not text.endswith(("\n", "\r")) else ""
        text += _line(key, value, newline)
    return text


def differing_keys(root: Root, path: str, values: Mapping[str, str]) -> list[str]:
    """Return the keys of *values* that have another value in the file *path*, or none."""
    from dotenv.parser import parse_stream

    text = _text(root, path) or ""
    bindings = {each.key: each.value for each in parse_stream(io.StringIO(text, newline="")) if each.key is not None}
    return [key for key, value in values.items() if bindings.get(key) != value]


def read_values(root: Root, path: str) -> dict[str, str]:
    """Return the values in the file *path*, as they stand there."""
    from dotenv.parser import parse_stream

    text = _text(root, path) or ""
    bindings = parse_stream(io.StringIO(text, newline=""))
    return {each.key: each.value for each in bindings if each.key is not None and each.value is not None}


def present_keys(root: Root, path: str) -> set[str]:
    """Return the keys that the file *path* has."""
    from dotenv.parser import parse_stream

    text = _text(root, path) or ""
    return {each.key for each in parse_stream(io.StringIO(text, newline="")) if each.key is not None}


def _text(root: Root, path: str) -> str | None:
    try:
        return root.read(path).decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None


def _line(key: str, value: str, newline: str = "\n") -> str:
    return f"{key}={_quoted(value)}{newline}"


def _replaced(binding: Binding, value: str) -> str:
    original = binding.original.string
    line = original.strip()
    before, after = original[: original.index(line)], original[original.index(line) + len(line) :]
    comment = _COMMENT.search(line)
    suffix = comment[0] if comment and comment[0].strip() not in (binding.value or "") else ""
    export = "export " if line.startswith("export") and line[6:7].isspace() else ""
    return f"{before}{export}{binding.key}={_quoted(value)}{suffix}{after}"


def odd_values(values: Mapping[str, str]) -> list[str]:
    """Return the keys whose value can't be written so that every program reads the same.

    The programs are shells, Docker Compose and python-dotenv, which replaces `${…}` however it is quoted.
    """
    return [key for key, value in values.items() if _portable(value) is None or re.search(r"\$\{|\r", value)]


def _portable(value: str) -> str | None:
    """Return *value* quoted so that every program reads the same; None when there is no such way."""
    if _PLAIN.fullmatch(value):
        return value
    if not _NOT_IN_SINGLE.search(value):
        return f"'{value}'"
    if not _NOT_IN_DOUBLE.search(value):
        return '"' + re.sub(r'([\\"])', r"\\\1", value) + '"'
    return None


def _quoted(value: str) -> str:
    quoted = _portable(value)
    if quoted is None:  # as python-dotenv and Docker Compose read it
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return quoted
