"""When two names are one file: through links, and on file systems that do not tell apart a letter's case or forms."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from ..model import Repository

_IGNORES_CASE = re.compile(r"^\s*ignorecase\s*=\s*true", re.MULTILINE | re.IGNORECASE)


def same(one: Path, other: Path) -> bool:
    """Return whether the paths lead to one place, which may be gone.

    On macOS git writes é as one character where the system lists two.
    """
    if one == other:
        return True
    try:
        return os.path.samefile(one, other)
    except OSError:
        return unicodedata.normalize("NFC", str(one)) == unicodedata.normalize("NFC", str(other))


def key(repository: Repository) -> Callable[[str], str]:
    """Return what gives two names the same value exactly if they are one file where *repository* is.

    git looked that up when it made the repository.
    """
    config = (repository.common / "config").read_text(errors="replace")
    return str.casefold if _IGNORES_CASE.search(config) else str
