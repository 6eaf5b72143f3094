"""Thin out the worktree of a removed session, in the background: delete files that git has, and caches.

This is a program of its own that needs the standard library alone, and may be killed at any moment: the files are
listed with mode and time before they are deleted, and `refilling` makes them again from that list.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

LIST, STOP, SIZE = "thinned", "stop", "size"
_WORTH_IT = 1 << 20  # bytes; less isn't worth the time of making it again
_SMALL = 1 << 12  # bytes; a file of one block takes as long as a large one
_TAG = b"Signature: 8a477f597d28d172789f06886806bc55"  # bford.info/cachedir: the directory is a cache
_CACHES = frozenset((".mypy_cache", ".pytest_cache", ".ruff_cache"))
_COMPILED = re.compile(r"(.+?)\.[\w-]+(\.opt-\d)?\.pyc$")
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Blob(NamedTuple):
    """A file that can be made again: git's object of it, mode and time, and its *identity*: inode and change time."""

    path: str
    blob: str
    mode: int
    mtime: int
    identity: tuple[int, int]


def main(directory: str, tree: str, common: str, head: str, *also: str) -> None:
    """Thin out *tree*, the worktree of the archive *directory*, whose HEAD was *head*; delete directories *also*."""
    with suppress(OSError, subprocess.CalledProcessError):
        os.nice(19)
        lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.exists(os.path.join(directory, "row.json")):
            return
        tracked = tracked_files(common, head) if head else {}
        blobs, caches = _survey(directory, tree, tracked)
        if sum(os.lstat(os.path.join(tree, blob.path)).st_size for blob in blobs) >= _WORTH_IT:
            noted = _noted(directory)  # by a run that was killed, before which the directories had their own times
            timed = {each[0] for each in noted if not each[1]}
            times = [each for each in _times(tree, blobs) if each[0] not in timed]
            _write(directory, LIST, [*noted, *(list(blob) for blob in blobs), *times])
            _take_away(directory, tree, blobs)
        for path in (*caches, *_agreed(directory, tree, common, also)):
            _delete(directory, os.path.join(tree, path))
        places = [directory, *([] if tree.startswith(f"{directory}/") else [tree])]
        _write(directory, SIZE, [sum(map(measure_files, places))])


def _delete(directory: str, place: str) -> None:
    """Delete *place*, out of sight first: after a kill a restore finds all of it or nothing."""
    gone = os.path.join(directory, "gone")
    with suppress(OSError):  # it is on another disk, or may not be moved
        os.rename(place, gone)
        place = gone
    shutil.rmtree(place, ignore_errors=True)


def tracked_files(common: str, head: str) -> dict[str, str]:
    """Return the blob of each ordinary file of the commit *head*, by its path."""
    output = subprocess.run(
        ["git", f"--git-dir={common}", "ls-tree", "-r", "-z", head], stdout=subprocess.PIPE, check=True
    ).stdout
    fields = (entry.split(b"\t", 1) for entry in output.split(b"\0") if entry)
    return {os.fsdecode(path): facts.split()[2].decode() for facts, path in fields if facts.startswith(b"100")}


def _survey(directory: str, tree: str, tracked: dict[str, str]) -> tuple[list[Blob], list[str]]:
    """Return the files that are equal to git's, and the caches; nothing of a nested repository."""
    blobs: list[Blob] = []
    caches: list[str] = []
    for place, names, files, descriptor in _walk(directory, tree):
        within = os.path.relpath(place, tree)
        for name in [name for name in names if _is_cache(name, place, files)]:
            path = os.path.normpath(os.path.join(within, name))
            if not any(each.startswith(f"{path}/") for each in tracked):
                names.remove(name)
                caches.append(path)
        for name in files:
            path = os.path.normpath(os.path.join(within, name))
            if path in tracked and (blob := _equal(name, descriptor, path, tracked[path])):
                blobs.append(blob)
    return blobs, caches


def _walk(directory: str, tree: str) -> Iterator[tuple[str, list[str], list[str], int]]:
    """Yield the directories of *tree*, following no link; raise `InterruptedError` when the stop file exists."""
    for place, names, files, descriptor in os.fwalk(tree):
        if os.path.exists(os.path.join(directory, STOP)):
            raise InterruptedError
        if place != tree and ".git" in (*names, *files):
            names.clear()
            continue
        if place == tree:
            names[:] = [name for name in names if name not in (".git", ".claude") and not _has_tasks(place, name)]
        yield place, names, files, descriptor


def _has_tasks(place: str, name: str) -> bool:
    """Return whether it has these tasks: a shell that stood in the worktree stands here now, and runs `inv`."""
    return name == "tasks" and os.path.isfile(os.path.join(place, name, "front_door.py"))


def _equal(name: str, descriptor: int, path: str, blob: str) -> Blob | None:
    """Return the file if its content is *blob* and it has nothing more than mode and time to restore."""
    file = os.open(name, _LOOK, dir_fd=descriptor)
    try:
        status = os.fstat(file)
        if (
            not stat.S_ISREG(status.st_mode)
            or status.st_size < _SMALL
            or status.st_nlink != 1
            or status.st_uid != os.geteuid()
            or status.st_gid != os.getegid()
            or _attributes(file)
        ):
            return None
        if _digest(file, status.st_size, blob) != blob:
            return None
    finally:
        os.close(file)
    return Blob(path, blob, stat.S_IMODE(status.st_mode), status.st_mtime_ns, (status.st_ino, status.st_ctime_ns))


def begin_digest(size: int, like: str) -> hashlib._Hash:
    """Return what makes git's id of a content of *size* bytes, which it is to be given, in the algorithm of *like*."""
    return hashlib.new("sha256" if len(like) == 64 else "sha1", b"blob %d\0" % size)


def _digest(file: int, size: int, like: str) -> str:
    """Return git's id of the content of *file*, in the algorithm of the id *like*."""
    digest = begin_digest(size, like)
    while block := os.read(file, 1 << 20):
        digest.update(block)
    return digest.hexdigest()


def has_content(path: str, blob: str) -> bool:
    """Return whether the content of the file at *path* is git's *blob*."""
    file = os.open(path, _LOOK)
    try:
        status = os.fstat(file)
        return stat.S_ISREG(status.st_mode) and _digest(file, status.st_size, blob) == blob
    finally:
        os.close(file)


def _attributes(file: int) -> bool:
    try:
        return bool({*os.listxattr(file)} - {"security.selinux"})
    except (AttributeError, OSError):  # macOS; or the file system has none
        return False


def _is_cache(name: str, place: str, sources: list[str]) -> bool:
    """Return whether the directory holds only files that Python, or a tool that marks its cache, makes again."""
    path = os.path.join(place, name)
    if os.path.islink(path):
        return False
    if name in _CACHES:
        with suppress(OSError), open(os.path.join(path, "CACHEDIR.TAG"), "rb") as tag:
            return tag.read(len(_TAG)) == _TAG and not has_repository(path)
    if name != "__pycache__":
        return False
    compiled = [_COMPILED.fullmatch(each) for each in os.listdir(path)]
    return all(each is not None and f"{each[1]}.py" in sources for each in compiled)


def has_repository(path: str) -> bool:
    """Return whether a repository, or a worktree, is at or below *path*."""
    return any(".git" in (*names, *files) for _place, names, files in os.walk(path))


def _agreed(directory: str, tree: str, common: str, also: tuple[str, ...]) -> list[str]:
    """Return those of the directories *also* that have no tracked file and no repository."""
    environment = {**os.environ, "GIT_INDEX_FILE": os.path.join(directory, "admin", "index")}
    agreed = []
    for path in also:
        place = os.path.join(tree, path)
        if not os.path.isdir(place) or os.path.realpath(place) != os.path.join(os.path.realpath(tree), path):
            continue
        argv = ["git", f"--git-dir={common}", "ls-files", "-z", "--", path]
        output = subprocess.run(argv, stdout=subprocess.PIPE, env=environment, cwd=tree, check=True).stdout
        if not output and not has_repository(place):
            agreed.append(path)
    return agreed


def _noted(directory: str) -> list[list[object]]:
    with suppress(OSError), open(os.path.join(directory, LIST), encoding="utf-8") as file:
        return list(json.load(file))
    return []


def noted_files(directory: str) -> set[str]:
    """Return the files that were thinned out of the archive *directory*."""
    return {str(path) for path, blob, *_rest in _noted(directory) if blob}


def _times(tree: str, blobs: list[Blob]) -> Iterator[list[object]]:
    """Yield the times of the directories that lose a file, the deepest first."""
    for place in sorted({os.path.dirname(blob.path) for blob in blobs}, key=len, reverse=True):
        yield [place, "", 0, os.lstat(os.path.join(tree, place)).st_mtime_ns, [0, 0]]


def _write(directory: str, name: str, content: Sequence[object]) -> None:
    new = os.path.join(directory, f"{name}.new")
    with open(new, "w", encoding="utf-8") as file:
        file.write(str(content[0]) if name == SIZE else json.dumps(content))
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, os.path.join(directory, name))


def _take_away(directory: str, tree: str, blobs: list[Blob]) -> None:
    identities = {blob.path: blob.identity for blob in blobs}
    for place, _names, files, descriptor in _walk(directory, tree):
        for name in files:
            path = os.path.normpath(os.path.join(os.path.relpath(place, tree), name))
            if path in identities:
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                if (status.st_ino, status.st_ctime_ns) == identities[path]:
                    os.unlink(name, dir_fd=descriptor)


def measure_files(place: str) -> int:
    """Return the bytes of the files below *place*; no link is followed."""
    sizes = 0
    for directory, _names, files in os.walk(place):
        for file in files:
            with suppress(OSError):
                sizes += os.lstat(os.path.join(directory, file)).st_size
    return sizes


if __name__ == "__main__":
    main(*sys.argv[1:])
