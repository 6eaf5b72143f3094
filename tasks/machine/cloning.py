"""The bytes of one file in another, shared by both where the file system can."""

import errno
import os
import shutil
import subprocess
from pathlib import Path

from .. import narration

_CLONE = ("/bin/cp", "-c")  # the system's: GNU's, which many have first on PATH, knows no such flag
_PART = 1 << 26  # bytes that are copied at once; of what is larger the progress is told
_REAL_FAILURES = frozenset((errno.EIO, errno.ENOMEM, errno.EFBIG, errno.ENOSPC, errno.EDQUOT))


def copy(source: Path, target: Path) -> None:
    """Write what *source* holds into *target*."""
    if not hasattr(os, "copy_file_range"):
        if not _clone(source, target):
            shutil.copyfile(source, target)
        return
    with source.open("rb") as origin, target.open("wb") as copied:
        try:
            whole, done = os.fstat(origin.fileno()).st_size, 0
            while some := os.copy_file_range(origin.fileno(), copied.fileno(), _PART):
                done += some
                if whole > _PART:
                    narration.progress(done / whole)
        except OSError as error:
            if copied.tell() or os.lseek(copied.fileno(), 0, os.SEEK_CUR) or error.errno in _REAL_FAILURES:
                raise
            shutil.copyfileobj(origin, copied, 1 << 20)


def _clone(source: Path, target: Path) -> bool:
    """Let macOS share the blocks of the file where its file system can; return whether *target* is whole then."""
    done = subprocess.run(
        [*_CLONE, str(source), str(target)], stdin=subprocess.DEVNULL, check=False, capture_output=True
    )
    return done.returncode == 0 and target.is_file() and target.stat().st_size == source.stat().st_size
