"""Changes to Claude Code's `.claude.json`: all of the file or nothing, and nobody else's part."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..machine import atomic
from ..narration import notice
from . import claude_lock
from .claude_lock import UnusableError

_TRIES = 3
_LARGEST = 16_000_000  # parsing and writing more would keep Claude Code waiting longer than it does

_told: set[str] = set()


def path() -> Path:
    """Return the file that Claude Code reads: inside CLAUDE_CONFIG_DIR when that is set."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or "~").expanduser() / ".claude.json"


def read() -> dict[str, Any]:
    """Return the content.

    Raises `UnusableError` when there is none, or none that may be changed.
    """
    file = path()
    try:
        _inspect(file)
        found = json.loads(file.read_bytes())
    except OSError as error:
        raise UnusableError(error.strerror or str(error)) from None
    except (ValueError, RecursionError) as error:
        raise UnusableError(f"it is not valid JSON: {error}") from None
    if not isinstance(found, dict):
        raise UnusableError("it is not a JSON object")
    return found


def _inspect(file: Path) -> None:
    try:
        status = file.stat()
    except FileNotFoundError:
        if file.is_symlink():
            raise UnusableError(f"it is a link to {os.readlink(file)}, which does not exist") from None
        raise UnusableError("it does not exist; Claude Code has not been started here") from None
    if not stat.S_ISREG(status.st_mode):
        raise UnusableError("it is a directory" if stat.S_ISDIR(status.st_mode) else "it is not a file")
    if status.st_size > _LARGEST:
        raise UnusableError(f"it has {status.st_size / 1e6:.0f} MB, and changing that would hold Claude Code up")


def load() -> dict[str, Any]:
    """Return the content; empty when there is none that can be read."""
    try:
        return read()
    except UnusableError:
        return {}


def projects(content: dict[str, Any]) -> dict[str, Any]:
    """Return the entries by directory; a foreign shape has none."""
    found = content.get("projects")
    return found if isinstance(found, dict) else {}


def edit(change: Callable[[dict[str, Any]], bool]) -> bool:
    """Apply *change* to the content and write it if it returns True; return whether it was written.

    A file that is unusable, read-only, or locked for too long is left as it is, with a notice.
    """
    try:
        with claude_lock.held(path()) as still_ours:
            return _apply(change, still_ours)
    except UnusableError as why:
        tell(why)
        return False


def tell(why: UnusableError) -> None:
    """Say that the file is left as it is, and why; of many sessions once."""
    told = f"permissions in {path()} were not changed: {why}"
    if told not in _told:
        _told.add(told)
        notice(told)


def _apply(change: Callable[[dict[str, Any]], bool], still_ours: Callable[[], bool]) -> bool:
    file = path()
    for _try in range(_TRIES):
        before = _stamp(file)
        content = read()
        if not change(content):
            return False
        if not file.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
            raise UnusableError("it is read-only")
        text = _dumped(content)
        if _stamp(file) == before and still_ours():  # else somebody wrote without the lock
            try:
                atomic.write(file, text, mode=0o600)
            except OSError as error:
                raise UnusableError(error.strerror or str(error)) from None
            return True
    raise UnusableError("another program keeps changing it without its lock")


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _dumped(content: dict[str, Any]) -> str:
    text = json.dumps(content, indent=2, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can carry
        return json.dumps(content, indent=2)
    return text
