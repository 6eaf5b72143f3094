"""Variables in `.env` files, everything else in the file kept."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from . import atomic

if TYPE_CHECKING:
    from dotenv.parser import Binding

_PLAIN = re.compile(r"[\w./:@%+,=-]*")
# Between single quotes a shell knows no escapes, the others two; between double ones it replaces more than they do.
_NOT_IN_SINGLE = re.compile(r"'|\\\\|\\\Z")
_NOT_IN_DOUBLE = re.compile(r"[$`]|\\\Z")
_COMMENT = re.compile(r"[ \t]+#[^\r\n]*$")


def only(path: Path, values: Mapping[str, str]) -> bool:
    """Return whether the file *path* is just what `put` makes of *values* where there is no file."""
    return path.is_file() and path.read_bytes() == "".join(_line(*item) for item in values.items()).encode()


def put(path: Path, values: Mapping[str, str]) -> None:
    """Set *values* in the file *path*, which is made, private, if it is missing; its mode is kept.

    python-dotenv reads the file; its own `set_key` would lose blank lines, line ends, `export` and foreign bytes.
    """
    from dotenv.parser import parse_stream

    before = path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""
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
    if text != before or not path.exists():
        atomic.write(path, text, mode=0o600)


def _line(key: str, value: str, newline: str = "\n") -> str:
    return f"{key}={_quoted(value)}{newline}"


def _replaced(binding: Binding, value: str) -> str:
    original = binding.original.string
    line = original.strip()
    before, after = original[: original.index(line)], original[original.index(line) + len(line) :]
    comment = _COMMENT.search(line)
    kept = comment[0] if comment and comment[0].strip() not in (binding.value or "") else ""
    export = "export " if line.startswith("export") and line[6:7].isspace() else ""
    return f"{before}{export}{binding.key}={_quoted(value)}{kept}{after}"


def odd(values: Mapping[str, str]) -> list[str]:
    """Return the keys for whose value there is no notation that everybody reads alike.

    Those are shells, Docker Compose and python-dotenv, which replaces `${…}` however it is quoted.
    """
    return [key for key, value in values.items() if _common(value) is None or re.search(r"\$\{|\r", value)]


def _common(value: str) -> str | None:
    """Return the notation of *value* that everybody reads alike, if there is one."""
    if _PLAIN.fullmatch(value):
        return value
    if not _NOT_IN_SINGLE.search(value):
        return f"'{value}'"
    if not _NOT_IN_DOUBLE.search(value):
        return '"' + re.sub(r'([\\"])', r"\\\1", value) + '"'
    return None


def _quoted(value: str) -> str:
    found = _common(value)
    if found is None:  # as python-dotenv and Docker Compose read it
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return found
