"""New files that are written beside the old one and replace it once they are complete."""

import fcntl
import os
import stat

from .patterns import late_pattern

_FORM = late_pattern(r"\d+\.[0-9a-f]+\.tmp")  # with the suffixes of SQLite's files beside it
_OWN = late_pattern(r"\.(.+)\.\d+\.[0-9a-f]{8}\.tmp")


def name_for(name: str) -> str:
    """Return a new name for the file that will replace *name*, which may be such a name itself."""
    if own := _OWN.fullmatch(name):
        name = own[1]
    return f".{name}.{os.getpid()}.{os.urandom(4).hex()}.tmp"


def is_left_over(entry: str, name: str) -> bool:
    """Return whether *entry* was to replace *name*, and its process has ended."""
    if not (entry.startswith(f".{name}.") and _FORM.match(entry, len(name) + 2)):
        return False
    return not _runs(int(entry[len(name) + 2 :].partition(".")[0]))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True


def complete_file(descriptor: int, before: os.stat_result | None, mode: int) -> None:
    """Give the new file the owner and mode of the one *before*, or *mode*, and wait until it is on the disk."""
    if before is not None and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
        _keep_owner(descriptor, before)
    os.fchmod(descriptor, stat.S_IMODE(before.st_mode) if before else mode)
    _sync(descriptor)


def _sync(descriptor: int) -> None:
    """Wait until the content is on the disk: `fsync` on macOS only reaches the disk's own cache."""
    full_sync = getattr(fcntl, "F_FULLFSYNC", None)
    try:
        if full_sync is not None:
            fcntl.fcntl(descriptor, full_sync)
            return
    except OSError:
        pass  # not every file system can
    os.fsync(descriptor)


def _keep_owner(descriptor: int, before: os.stat_result) -> None:
    try:
        os.fchown(descriptor, before.st_uid, before.st_gid)
    except PermissionError:
        pass  # only root may give a file away; a shared file stays usable through its mode
