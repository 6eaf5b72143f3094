"""What git knows of the files of a new worktree, by times that are exact.

Git compares times in whole seconds. Where the index was written in the same second as the files, they could have been
changed since, and git reads every one of them again. The index has their exact times, too, which are compared here
(gitformat-index, "Index entry").
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TypeVar

from ..errors import CommandError
from ..system import temporary

Answer = TypeVar("Answer")

_SECOND = 10**9  # nanoseconds
_HEADER = struct.Struct(">4s2I").unpack_from  # DIRC, the version, the number of entries
_TIME = struct.Struct(">2I").pack  # seconds, nanoseconds
_ENTRY = struct.Struct(">4I4x2I32xH").unpack_from  # ctime and mtime as such times, inode, mode, flags
_EXTENSION = struct.Struct(">4sI").unpack_from
_LONG, _EXTENDED = 0xFFF, 0x4000  # in the flags: a path of at least this length; flags that go on
_SHORT = 0xFFFFFFFF  # what the index has of an inode
_SUBMODULE = 0o160000  # a mode; git looks into its own directory anyway
_CHECKSUM = 20  # bytes at the end
_SPLIT, _UNTRACKED = b"link", b"UNTR"  # most entries are in another file; which directories git need not read


def ask_trusting(worktree: Path, admin_dir: Path, ask: Callable[[Path], Answer]) -> Answer | None:
    """Return what *ask* does, given an index with which git believes that no file of *worktree* was changed since.

    That is a copy from a second later, and the times are compared while git looks at all else. None where a file was
    changed, or may have been, and where git failed. Git's own directory for the worktree is *admin_dir*.
    """
    copy = admin_dir / temporary.name_for("index")
    found: list[bool] = []
    try:
        with open(admin_dir / "index", "rb") as file:
            written, index = os.fstat(file.fileno()).st_mtime_ns, file.read()
        _write_copy(copy, _without_last_moment(index, written), written + _SECOND)
        looking = Thread(target=_compare, args=(index, written, os.fsencode(worktree), found))
        looking.start()
        try:
            answer = ask(copy)
        finally:
            looking.join()
    except (OSError, CommandError, struct.error):  # no index, or of 1969; no space; git failed, as the caller will see
        return None
    finally:
        with suppress(OSError):
            copy.unlink()
    return answer if found == [True] else None


def _without_last_moment(index: bytes, written: int) -> bytes:
    """Return *index* so that git reads the files that are exactly as old: the clock has moments of some milliseconds.

    A later change in the same moment would show in no time. Git itself does the same with the size, in seconds.
    """
    moment = _TIME(*divmod(written, _SECOND))
    doubtful = index[:-_CHECKSUM].replace(moment + moment, bytes(2 * len(moment)))
    if doubtful == index[:-_CHECKSUM]:
        return index
    import hashlib

    return doubtful + hashlib.sha1(doubtful, usedforsecurity=False).digest()


def _write_copy(copy: Path, index: bytes, time: int) -> None:
    with open(copy, "xb") as file:
        file.write(index)
        file.flush()
        os.utime(file.fileno(), ns=(time, time))


def _compare(index: bytes, written: int, top: bytes, found: list[bool]) -> None:
    with suppress(OSError, ValueError, struct.error):  # a file is gone; the form is not one that we know
        found.append(_is_unchanged(index, written, top))


def _is_unchanged(index: bytes, written: int, top: bytes) -> bool:
    """Return whether each file below *top* that git would read is exactly as old as *index* says, and older than that.

    The index was *written* then, in nanoseconds. False for a form that we don't know.
    """
    kind, version, count = _HEADER(index)
    if kind != b"DIRC" or version not in (2, 3):
        return False
    at, look, read, second = 12, os.lstat, _ENTRY, written // _SECOND
    for _ in range(count):
        changed, exact, modified, its_exact, inode, mode, flags = read(index, at)
        start = at + (64 if flags & _EXTENDED else 62)
        length = flags & _LONG
        end = start + length if length < _LONG else index.index(b"\0", start)
        if modified >= second and mode != _SUBMODULE:
            time = changed * _SECOND + exact
            status = look(top + b"/" + index[start:end])
            if not exact or status.st_ctime_ns != time or status.st_ino & _SHORT != inode:  # as in a renamed directory
                return False
            if time >= written and (time > written or (modified, its_exact) != (changed, exact)):
                return False
        at += (end - at + 8) & ~7
    return _ends_well(index, at)


def _ends_well(index: bytes, at: int) -> bool:
    """Return whether from *at* on there are extensions up to the checksum, and none that would mislead git.

    One names another file. By the other, git with the later time doesn't read a directory that changed in that second.
    """
    end = len(index) - _CHECKSUM
    while at < end:
        name, size = _EXTENSION(index, at)
        if name in (_SPLIT, _UNTRACKED):
            return False
        at += 8 + size
    return at == end
