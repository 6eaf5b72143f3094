"""`.tally-sessions` in the main checkout: one row for each session."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from .errors import SessionError
from .machine import atomic, locks
from .model import Repository

Row = dict[str, Any]

_NAME = ".tally-sessions"
_NO_TEXT = re.compile(r"(?<!\\)(?:\\\\)*\\u0000|[\ud800-\udfff]")  # a NUL as JSON has it, half a character


def path(repository: Repository) -> Path:
    """Return where the registry of *repository* is, or will be."""
    return repository.main / _NAME


def rows(repository: Repository) -> dict[str, Row]:
    """Return the row of every session by name; none without a registry.

    Raises `SessionError` naming file, line and column when the content is not a registry.
    """
    return parse(path(repository))


def parse(file: Path) -> dict[str, Row]:
    """Return the rows in *file*."""
    try:
        content = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (UnicodeDecodeError, IsADirectoryError) as error:
        raise SessionError(f"{file}:1:1: not a registry: {error}; mend or move it away, it was not changed") from None
    try:
        found = json.loads(content)
    except json.JSONDecodeError as error:
        where = f"{file}:{error.lineno}:{error.colno}"
        raise SessionError(f"{where}: not valid JSON: {error.msg}; mend or move it away, it was not changed") from None
    except (ValueError, RecursionError) as error:
        raise SessionError(f"{file}:1:1: not a registry: {error}; mend or move it away, it was not changed") from None
    if not isinstance(found, dict):
        raise SessionError(f"{file}:1:1: expected an object of sessions; mend or move it away, it was not changed")
    for name, row in found.items():
        _check(file, content, name, row)
    return found


def _check(file: Path, content: str, name: str, row: object) -> None:
    if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in ("worktree", "branch")):
        raise SessionError(
            f"{_where(file, content, name)}: {name!r} is no session: expected an object with worktree and branch;"
            " mend or move it away, it was not changed"
        )
    if "\\u" in content and _NO_TEXT.search(json.dumps([name, row], ensure_ascii=False)):
        raise SessionError(
            f"{_where(file, content, name)}: {name!r} has a character that no program takes (a NUL or half of one);"
            " mend or move it away, it was not changed"
        )


def _where(file: Path, content: str, name: str) -> str:
    before = content[: _position(content, name)]
    return f"{file}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def _position(content: str, name: str) -> int:
    """Return where the key *name* of the object *content* begins."""
    decoder, at = json.JSONDecoder(), content.index("{") + 1
    while True:
        start = _past_space(content, at)
        key, end = decoder.raw_decode(content, start)
        if key == name:
            return start
        _value, end = decoder.raw_decode(content, _past_space(content, content.index(":", end) + 1))
        at = content.index(",", end) + 1


def _past_space(content: str, at: int) -> int:
    return at + len(content[at:]) - len(content[at:].lstrip())


@contextmanager
def changing(repository: Repository) -> Iterator[dict[str, Row]]:
    """Yield the rows under the registry's lock; what is different afterwards is written, whole.

    The file goes with its last row. Raises `SessionError` for a row that nobody could read again.
    """
    with locks.held(repository.private / "registry.lock"):
        file = path(repository)
        current = parse(file)
        before = json.dumps(current)
        yield current
        if json.dumps(current) == before:
            return
        if current or file.is_symlink():
            atomic.write(file, _text(current), mode=0o600)
        else:
            file.unlink(missing_ok=True)


def _text(rows: dict[str, Row]) -> str:
    text = json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
    try:
        text.encode()
    except UnicodeEncodeError as error:  # a directory may be called what is no UTF-8
        line = text[text.rfind("\n", 0, error.start) : text.find("\n", error.start)].strip(" \n,")
        raise SessionError(
            f"{line!r} is no text in UTF-8, which the registry is; rename the file or directory, or configure another"
        ) from None
    return text


@contextmanager
def alone(repository: Repository, name: str) -> Iterator[None]:
    """Let nobody else change the session *name* meanwhile, without keeping the registry from the others."""
    with locks.held(_lock(repository, name)):
        yield


def alone_at_once(repository: Repository, name: str, until: ExitStack) -> bool:
    """Be alone with the session *name* until *until* is left, unless somebody is at it; return whether we are."""
    return locks.attempt(_lock(repository, name), until)


def _lock(repository: Repository, name: str) -> Path:
    return repository.private / f"session-{name.replace('/', '%')}.lock"


def note(repository: Repository, name: str, **facts: Any) -> Row:
    """Set *facts* in the row of the session *name* and return the row; one that is gone stays gone."""
    with changing(repository) as current:
        if name in current:
            current[name].update(facts)
        return current.get(name, {})


def release(repository: Repository, name: str) -> int:
    """Drop the row of the session *name*, if there is one; return how many are left."""
    with changing(repository) as current:
        current.pop(name, None)
        return len(current)
