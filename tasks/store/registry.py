"""`.tally-sessions` in the main checkout: one row for each session."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ..errors import SessionError
from ..model import Repository
from ..system import files, locks, reading, shape

Row = dict[str, Any]

ROW = shape.fields_form({"worktree": shape.TEXT, "branch": shape.TEXT})  # what the row of any tool has
_NAME = ".tally-sessions"
_NO_TEXT = re.compile(r"(?<!\\)(?:\\\\)*\\u0000|[\ud800-\udfff]")  # a NUL as JSON has it, half a character


def registry_path(repository: Repository) -> Path:
    """Return where the registry of *repository* is, or will be."""
    return repository.main / _NAME


def read_noted(repository: Repository, name: str, key: str) -> list[str]:
    """Return the list that the row of the session *name* has under *key*; none where it is not a list."""
    noted = read_registry(repository).get(name, {}).get(key, [])
    return noted if isinstance(noted, list) else []


def read_registry(repository: Repository) -> dict[str, Row]:
    """Return the row of every session by name; empty without a registry. Callers must not change the rows.

    An unchanged file is not read again. Raises `SessionError` naming file, line and column when the content is
    not a registry.
    """
    reading.require_directory(repository.private)
    file = registry_path(repository)
    state = _file_state(file)
    if state is None or _parsed.get(file, ((), ()))[0] != state:
        _parsed[file] = (state or (), parse_registry(file))
    return dict(_parsed[file][1])


# By file: its state before it was read, and its rows. Whoever writes it makes a new file.
_parsed: dict[Path, tuple[tuple[int, ...], dict[str, Row]]] = {}


def _file_state(file: Path) -> tuple[int, ...] | None:
    try:
        status = file.stat()
    except OSError:  # `parse_registry` raises it, if it matters
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def parse_registry(file: Path) -> dict[str, Row]:
    """Return the rows in *file*; none when there is no file. Raises `SessionError` as `read_registry` does."""
    try:
        content = reading.read_text(file)
    except FileNotFoundError:
        return {}
    except ValueError as error:  # not text, or not a file
        raise _unusable(f"{file}:1:1", f"This is not a registry: {error}") from None
    try:
        rows = json.loads(content)
    except json.JSONDecodeError as error:
        raise _unusable(f"{file}:{error.lineno}:{error.colno}", f"This is not valid JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise _unusable(f"{file}:1:1", f"This is not a registry: {error}") from None
    if fault := shape.fields_form({})(rows, ""):
        raise _unusable(f"{file}:1:1", f"This is not a registry: {fault}")
    for name, row in rows.items():
        if fault := _row_fault(content, name, row):
            raise _unusable(_where(file, content, name), fault)
    return dict(rows)


def _unusable(where: str, fault: str) -> SessionError:
    return SessionError(f"{where}: {fault}.\nFix the file, or move it away. Nothing was changed.")


def _row_fault(content: str, name: str, row: object) -> str:
    if fault := ROW(row, repr(name)):
        return fault
    if "\\u" in content and _NO_TEXT.search(json.dumps([name, row], ensure_ascii=False)):
        return f"{name!r} has a character that no program accepts (a NUL or half of a surrogate pair)"
    return ""


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
def changing_registry(repository: Repository) -> Iterator[dict[str, Row]]:
    """Yield the rows under the registry's lock; write the file if they were changed.

    The file is deleted with its last row. Raises `SessionError` for a row that couldn't be read again.
    """
    reading.require_directory(repository.private)
    with locks.file_lock(repository.private / "registry.lock"):
        file = registry_path(repository)
        state, current = _file_state(file), parse_registry(file)
        before = json.dumps(current)
        _parsed[file] = (state or (), json.loads(before))
        yield current
        if (after := json.dumps(current)) == before:
            return
        if current or file.is_symlink():
            files.write_whole(file, _text(current), mode=0o600, made_in=repository.private)
            _parsed[file] = (_file_state(file) or (), json.loads(after))
        else:
            file.unlink(missing_ok=True)


def _text(rows: dict[str, Row]) -> str:
    text = json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
    if wrong := _NO_TEXT.search(text):  # the name of a directory may be other bytes
        from ..config import secrets

        line = text[text.rfind("\n", 0, wrong.start()) : text.find("\n", wrong.start())].strip(" \n,")
        raise SessionError(
            f"{secrets.without_value(line)!r} is not UTF-8 text without a NUL character, and the registry has to be.\n"
            "Rename the file or directory, or configure another."
        )
    return text


@contextmanager
def session_lock(repository: Repository, name: str) -> Iterator[None]:
    """Lock the session *name*; the registry stays free for the other sessions."""
    with locks.file_lock(_lock(repository, name)):
        yield


def try_session_lock(repository: Repository, name: str, until: ExitStack) -> bool:
    """Lock the session *name* until *until* is left, unless another command has; return whether we have it."""
    return locks.try_file_lock(_lock(repository, name), until)


def is_busy(repository: Repository, name: str) -> bool:
    """Return whether a command has locked the session *name*."""
    return locks.is_held(_lock(repository, name))


def _lock(repository: Repository, name: str) -> Path:
    return repository.private / f"session-{name.replace('/', '%')}.lock"


def note_facts(repository: Repository, name: str, **facts: Any) -> Row:
    """Set *facts* in the row of the session *name* and return the row; a dropped row isn't made again."""
    with changing_registry(repository) as current:
        if name in current:
            current[name].update(facts)
        return current.get(name, {})


def drop_row(repository: Repository, name: str) -> int:
    """Drop the row of the session *name*, if there is one; return the number of the others."""
    with changing_registry(repository) as current:
        current.pop(name, None)
        return len(current)
