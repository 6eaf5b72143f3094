"""Which large copies nobody changed, and their originals neither: told without reading them again."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from . import atomic

_LARGE = 1 << 20  # bytes from which reading both takes longer than noting how they stood
_SETTLED = 2.0  # seconds: what was written later may be written again without another time


def noting(notes: Path, original: Path) -> Callable[[Path], None]:
    """Look at *original* before it is copied; what is returned writes into *notes* how the copy stands to it."""
    before = _state(original)

    def note(copy: Path) -> None:
        settled = original.stat().st_mtime < time.time() - _SETTLED
        if copy.is_file() and copy.stat().st_size >= _LARGE and settled and before == _state(original) and before:
            atomic.write(notes, json.dumps({**_read(notes), str(copy): [_state(copy), before]}))

    return note


def is_same(notes: Path, copy: Path, original: Path) -> bool:
    """Return whether *notes* say that *copy* was made of *original*, and neither was touched since."""
    noted = _read(notes).get(str(copy))
    return bool(noted) and noted == [_state(copy), _state(original)]


def _state(path: Path) -> list[int]:
    """Return what changes with each write to *path*; nothing for a database with a log of later writes beside it."""
    if Path(f"{path}-wal").exists():
        return []
    found = path.stat()
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _read(notes: Path) -> dict[str, list[list[int]]]:
    try:
        found = json.loads(notes.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
