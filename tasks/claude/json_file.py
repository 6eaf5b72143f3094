"""Claude Code's own file `.claude.json`, and its lock on that."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..store.state_directory import state_directory
from ..system import files, locks
from ..system.progress import notice

_STALE = 10.0  # seconds after which Claude Code takes a lock for that of a dead owner
_PATIENCE = 12.0  # seconds: longer than that
_NOTICE_AFTER = 1.0  # seconds


class UnusableError(Exception):
    """The file cannot be read, or must not be changed; the message says why."""


@contextmanager
def claude_lock(file: Path) -> Iterator[Callable[[], bool]]:
    """Hold Claude Code's lock on *file*; yield a function that returns whether we still have it.

    Raises `UnusableError` when somebody else holds it for too long.
    """
    lock = Path(f"{file}.lock")
    own = _acquire(lock)
    try:
        yield lambda: _inode(lock) == own
    finally:
        if _inode(lock) == own:
            lock.rmdir()


def _acquire(lock: Path) -> int:
    started, noticed = time.monotonic(), False
    while True:
        try:
            lock.mkdir()
            return lock.stat().st_ino
        except FileExistsError:
            _break_stale(lock)
        except OSError as error:
            raise UnusableError(f"Couldn't create {lock}: {error.strerror}") from None
        waited = time.monotonic() - started
        if waited > _PATIENCE:
            raise UnusableError(f"Claude Code holds its lock {lock}.")
        if waited > _NOTICE_AFTER and not noticed:
            notice(f"Waiting for Claude Code, which holds {lock}.")
            noticed = True
        from random import uniform  # not at the top: it is seldom needed

        time.sleep(uniform(0.01, 0.04))  # noqa: S311


def _break_stale(lock: Path) -> None:
    """Delete a dead owner's lock; one process of ours at a time, or it would delete what another has just created."""
    if _is_stale(lock):
        with locks.file_lock(state_directory() / "claude.lock"), suppress(OSError):
            if _is_stale(lock):
                lock.rmdir()


def _is_stale(lock: Path) -> bool:
    try:
        return time.time() - lock.stat().st_mtime > _STALE
    except OSError:
        return False


def _inode(lock: Path) -> int | None:
    try:
        return lock.stat().st_ino
    except OSError:
        return None


_TRIES = 3
_LARGEST = 16_000_000  # bytes; writing more would take longer than Claude Code waits


_notices: set[str] = set()


def claude_json_path() -> Path:
    """Return the file that Claude Code reads: in CLAUDE_CONFIG_DIR when that is set, else in HOME."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or "~").expanduser() / ".claude.json"


def read_claude_json() -> dict[str, Any]:
    """Return the content, which callers must not change. An unchanged file is not read again.

    Raises `UnusableError` when the file does not exist, or must not be changed.
    """
    file = claude_json_path()
    stamp = (file, _stamp(file))
    if stamp not in _loaded:
        read = _read()
        _loaded.clear()
        _loaded[stamp] = read
    return _loaded[stamp][1]


def load_claude_json() -> dict[str, Any]:
    """Return the same; empty when the file cannot be read."""
    try:
        return read_claude_json()
    except UnusableError:
        return {}


_loaded: dict[tuple[Path, tuple[int, int, int] | None], tuple[bytes, dict[str, Any]]] = {}


def _read() -> tuple[bytes, dict[str, Any]]:
    """Return the text and the content, which must not be changed; what was parsed before is not parsed again."""
    file = claude_json_path()
    try:
        _inspect(file)
        text = file.read_bytes()
        content = next((parsed for before, parsed in _loaded.values() if before == text), None)
        content = json.loads(text) if content is None else content
    except OSError as error:
        raise UnusableError(error.strerror or str(error)) from None
    except (ValueError, RecursionError) as error:
        raise UnusableError(f"It is not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise UnusableError("It is not a JSON object.")
    return text, content


def _inspect(file: Path) -> None:
    try:
        status = file.stat()
    except FileNotFoundError:
        if file.is_symlink():
            raise UnusableError(f"It is a link to {os.readlink(file)}, which does not exist.") from None
        raise UnusableError("It does not exist. Start Claude Code once.") from None
    if not stat.S_ISREG(status.st_mode):
        raise UnusableError("It is a directory." if stat.S_ISDIR(status.st_mode) else "It is not a file.")
    if status.st_size > _LARGEST:
        raise UnusableError(f"It is {status.st_size / 1e6:.0f} MB: rewriting it would block Claude Code.")


def project_entries(content: dict[str, Any]) -> dict[str, Any]:
    """Return the entries by directory; none when they have an unknown form."""
    entries = content.get("projects")
    return entries if isinstance(entries, dict) else {}


def edit_claude_json(change: Callable[[dict[str, Any]], bool]) -> bool:
    """Apply *change* to the content and write it if it returns True; return whether it was written.

    It may put and drop entries of the content and of its projects, but must leave the entries themselves as they are.

    A file that is unusable, read-only, or locked for too long stays as it is, with a notice.
    """
    try:
        with claude_lock(claude_json_path()) as still_ours:
            return _apply(change, still_ours)
    except UnusableError as error:
        notice_unusable(error)
        return False


def notice_unusable(error: UnusableError) -> None:
    """Print that the file stays as it is, and why; once for many sessions."""
    text = f"The permissions in {claude_json_path()} were not changed. {error}"
    if text not in _notices:
        _notices.add(text)
        notice(text)


def _apply(change: Callable[[dict[str, Any]], bool], still_ours: Callable[[], bool]) -> bool:
    file = claude_json_path()
    for _try in range(_TRIES):
        before = _stamp(file)
        old, loaded = _read()
        entries = project_entries(loaded)
        content = {**loaded, "projects": {**entries}} if isinstance(loaded.get("projects"), dict) else {**loaded}
        if not change(content):
            return False
        if not file.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
            raise UnusableError("It is read-only.")
        text = _spliced(old, entries, content) or _to_json(content)
        if _stamp(file) == before and still_ours():  # else another program wrote without the lock
            try:
                files.write_whole(file, text, mode=0o600)
            except OSError as error:
                raise UnusableError(error.strerror or str(error)) from None
            return True
    raise UnusableError("Another program keeps changing it without taking its lock.")


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _spliced(old: bytes, entries: dict[str, Any], content: dict[str, Any]) -> str:
    """Return the text *old* with the one entry that *content* has otherwise than *entries*; empty if that isn't all.

    Encoding all of it takes ten times as long.
    """
    from ..system import json_splice

    now = project_entries(content)
    changed = [key for key in {*entries, *now} if entries.get(key) is not now.get(key)]
    try:
        (key,), text = changed, old.decode()
        if key in now:
            text = json_splice.put_member(text, ("projects",), key, now[key])
        else:
            text = json_splice.drop_member(text, ("projects",), key)
        text.encode()
        return text if json.loads(text.removeprefix("\ufeff")) == content else ""
    except (ValueError, LookupError, StopIteration):
        return ""


def _to_json(content: dict[str, Any]) -> str:
    text = json.dumps(content, indent=2, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON has as an escape only
        return json.dumps(content, indent=2)
    return text
