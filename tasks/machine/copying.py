"""One file or directory copied whole, a SQLite database consistently even while a server writes to it."""

import os
import shutil
from pathlib import Path

from . import atomic, cloning

_SQLITE = b"SQLite format 3\0"


def copy(source: Path, target: Path) -> None:
    """Make *target* a copy of *source* with its mode; it appears complete or not at all."""
    with atomic.beside(target) as temporary:
        if source.is_dir():
            shutil.copytree(source, temporary, symlinks=True)
            return
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        if _is_database(source):
            from . import databases  # not needed by what only looks

            databases.copy(source, temporary)
        else:
            cloning.copy(source, temporary)
        shutil.copymode(source, temporary)


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE
