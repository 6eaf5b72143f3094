"""`.tally-sessions` in the main checkout: one row for each session."""

from __future__ import annotations

import json
import marshal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import SessionError
from ..model import Repository
from ..system import files, locks, reading, shape
from ..system.patterns import late_pattern

Row = dict[str, Any]

ROW = shape.fields_form({"worktree": shape.TEXT, "branch": shape.TEXT})  # what the row of any tool has
_NAME = ".tally-sessions"
_NO_TEXT = late_pattern(r"(?<!\\)(?:\\\\)*\\u0000|[\ud800-\udfff]")  # a NUL as JSON has it, half a character
_ODD = late_pattern(r"\\u(?:0000|[dD][89a-fA-F])")  # where one of those may be escaped
_SPACE = late_pattern(r"[ \t\n\r]*")


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
    if state is None or file not in _known or _known[file].state != state:
        _known[file] = _Known(state or (), *_parse(file, _read(file)), {})
    return dict(_known[file].rows)


class _Known(NamedTuple):
    """What was in a registry; *state* is the file's before it was read."""

    state: tuple[int, ...]
    content: str  # empty without a file
    rows: dict[str, Row]
    texts: dict[str, str]  # of the rows, as far as they are known


_known: dict[Path, _Known] = {}  # by file. Whoever writes it makes a new file.


def _file_state(file: Path) -> tuple[int, ...] | None:
    try:
        status = file.stat()
    except OSError:  # `_read` raises it, if it matters
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def parse_registry(file: Path) -> dict[str, Row]:
    """Return the rows in *file*; none when there is no file. Raises `SessionError` as `read_registry` does."""
    return _parse(file, _read(file))[1]


def _read(file: Path) -> str:
    try:
        return reading.read_text(file)
    except FileNotFoundError:
        return ""
    except ValueError as error:  # not text, or not a file
        raise _unusable(f"{file}:1:1", f"This is not a registry: {error}") from None


def _parse(file: Path, content: str) -> tuple[str, dict[str, Row]]:
    """Return the *content* of *file* and the rows in it; none without content. Raises as `read_registry` does."""
    if not content and not file.exists():
        return "", {}
    try:
        rows = json.loads(content)
    except json.JSONDecodeError as error:
        raise _unusable(f"{file}:{error.lineno}:{error.colno}", f"This is not valid JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise _unusable(f"{file}:1:1", f"This is not a registry: {error}") from None
    if fault := shape.fields_form({})(rows, ""):
        raise _unusable(f"{file}:1:1", f"This is not a registry: {fault}")
    is_odd = _ODD.search(content) is not None
    for name, row in rows.items():
        if fault := _row_fault(name, row, is_odd):
            raise _unusable(_where(file, content, name), fault)
    return content, dict(rows)


def _unusable(where: str, fault: str) -> SessionError:
    return SessionError(f"{where}: {fault}.\nFix the file, or move it away. Nothing was changed.")


def _row_fault(name: str, row: object, is_odd: bool) -> str:
    if fault := ROW(row, repr(name)):
        return fault
    if is_odd and _NO_TEXT.search(json.dumps([name, row], ensure_ascii=False)):
        return f"{name!r} has a character that no program accepts (a NUL or half of a surrogate pair)"
    return ""


def _where(file: Path, content: str, name: str) -> str:
    before = content[: _position(content, name)]
    return f"{file}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def _position(content: str, name: str) -> int:
    """Return where the key *name* of the object *content* begins."""
    return next(start for key, start, _text in _entries(content) if key == name)


def _entries(content: str) -> Iterator[tuple[str, int, str]]:
    """Yield the keys of the object *content*, where each begins, and the text of its value."""
    decoder, start = json.JSONDecoder(), _past_space(content, content.index("{") + 1)
    while content[start] != "}":
        key, end = decoder.raw_decode(content, start)
        value = _past_space(content, content.index(":", end) + 1)
        _row, end = decoder.raw_decode(content, value)
        yield key, start, content[value:end]
        after = _past_space(content, end)
        start = _past_space(content, after + 1) if content[after] == "," else after


def _past_space(content: str, at: int) -> int:
    match = _SPACE.match(content, at)
    return match.end() if match else at


@contextmanager
def changing_registry(repository: Repository) -> Iterator[dict[str, Row]]:
    """Yield the rows under the registry's lock; write the file if they were changed.

    The file is deleted with its last row. Raises `SessionError` for a row that couldn't be read again.
    """
    reading.require_directory(repository.private)
    with locks.file_lock(repository.private / "registry.lock"):
        file = registry_path(repository)
        state, content = _file_state(file) or (), _read(file)
        if file not in _known or not content or _known[file].content != content:
            _known[file] = _Known(state, *_parse(file, content), {})
        known = _known[file]
        current = _copy(file, known.rows)
        yield current
        if current == known.rows:
            return
        if current or file.is_symlink():
            texts = _row_texts(current, known)
            entries = [f"  {json.dumps(name, ensure_ascii=False)}: {text}" for name, text in texts.items()]
            content = "{\n" + ",\n".join(entries) + "\n}\n" if entries else "{}\n"
            files.write_whole(file, content, mode=0o600, made_in=repository.private)
            rows = {
                name: known.rows[name] if text is known.texts.get(name) else json.loads(text)
                for name, text in texts.items()
            }
            _known[file] = _Known(_file_state(file) or (), content, rows, texts)
        else:
            file.unlink(missing_ok=True)


def _copy(file: Path, rows: dict[str, Row]) -> dict[str, Row]:
    """Return a copy of the *rows* of *file*: to parse it again takes longer."""
    try:
        copied: dict[str, Row] = marshal.loads(marshal.dumps(rows))  # noqa: S302 (our own rows)
    except ValueError:  # some versions of Python parse what is nested so deeply
        raise _unusable(f"{file}:1:1", "This is not a registry: it is nested too deeply") from None
    return copied


def _row_texts(rows: dict[str, Row], known: _Known) -> dict[str, str]:
    """Return each of *rows* as text; those that did not change as it is *known*: to encode many takes long."""
    texts, encoded = known.texts, {}
    if known.content and not texts:
        last = {name: text for name, _start, text in _entries(known.content)}  # a name may be there twice
        texts |= {name: text for name, text in last.items() if text.endswith("\n  }")}
    for name, row in rows.items():
        if name in texts and row == known.rows.get(name):
            encoded[name] = texts[name]
        else:
            encoded[name] = json.dumps(row, indent=2, ensure_ascii=False).replace("\n", "\n  ")
            _require_text(f"  {json.dumps(name, ensure_ascii=False)}: {encoded[name]}")
    return encoded


def _require_text(entry: str) -> None:
    """Raise `SessionError` for what JSON can't have: the name of a directory may be other bytes."""
    if wrong := _NO_TEXT.search(entry):
        from ..config import secrets

        line = entry[entry.rfind("\n", 0, wrong.start()) + 1 : entry.find("\n", wrong.start())].strip(" \n,")
        raise SessionError(
            f"{secrets.without_value(line)!r} is not UTF-8 text without a NUL character, and the registry has to be.\n"
            "Rename the file or directory, or configure another."
        )


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
