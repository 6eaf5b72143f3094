"""Changes to Claude Code's `.claude.json`, under its own lock.

The protocol is Claude Code's: a lock *directory*, stale when its mtime is older than ten seconds.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import atomic
from .narration import notice

_STALE = 10.0
_PATIENCE = 12.0


def path() -> Path:
    """Return the file that Claude Code reads: inside CLAUDE_CONFIG_DIR when that is set."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or "~").expanduser() / ".claude.json"


def load() -> dict[str, Any]:
    """Return the content; empty when there is none that can be read."""
    try:
        found = json.loads(path().read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def projects(content: dict[str, Any]) -> dict[str, Any]:
    """Return the entries by directory; a foreign shape has none."""
    found = content.get("projects")
    return found if isinstance(found, dict) else {}


def edit(change: Callable[[dict[str, Any]], bool]) -> bool:
    """Apply *change* to the content and write it if it returns True; return whether it was written.

    A file that is missing, unreadable, or locked for too long is left as it is, with a notice.
    """
    file = path()
    if not file.exists():
        return False
    with _locked(file) as locked:
        if not locked:
            notice(f"{file} is locked by Claude Code; permissions were not copied")
            return False
        try:
            content = json.loads(file.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            notice(f"{file} is left as it is: {error}")
            return False
        if not isinstance(content, dict) or not change(content):
            return False
        try:
            atomic.write(file, _dumped(content), mode=0o600)
        except OSError as error:
            notice(f"{file} is left as it is: {error}")
            return False
    return True


def _dumped(content: dict[str, Any]) -> str:
    text = json.dumps(content, indent=2, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can carry
        return json.dumps(content, indent=2)
    return text


@contextmanager
def _locked(file: Path) -> Iterator[bool]:
    """Hold Claude Code's lock on *file*; yield False when it is not to be had."""
    lock = Path(f"{file}.lock")
    made = _acquire(lock)
    try:
        yield made is not None
    finally:
        if made is not None and _inode(lock) == made:
            lock.rmdir()


def _acquire(lock: Path) -> int | None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            lock.mkdir()
            return lock.stat().st_ino
        except FileExistsError:
            _break_stale(lock)
        except OSError:
            return None
        time.sleep(0.03)
    return None


def _break_stale(lock: Path) -> None:
    try:
        if time.time() - lock.stat().st_mtime > _STALE:
            lock.rmdir()
    except OSError:
        pass


def _inode(lock: Path) -> int | None:
    try:
        return lock.stat().st_ino
    except OSError:
        return None
