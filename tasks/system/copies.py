"""Files and whole directories copied from one rooted directory to another, links as links."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

from .rooted import Root

_PART = 1 << 26  # bytes that are copied at once; larger files report their progress
_REAL_FAILURES = frozenset((errno.EIO, errno.ENOMEM, errno.EFBIG, errno.ENOSPC, errno.EDQUOT))


Copier = Callable[[Root, str, Root, str], None]


def copy_tree(source: Root, path: str, target: Root, to: str, copier: Copier | None = None) -> None:
    """Copy *path* of *source* to *to* in *target*; a directory that exists there keeps its other files.

    Pipes, sockets and devices are skipped. Each file is copied by *copier*, as it is by default.
    """
    status = source.lstat(path)
    if status is None or not stat.S_ISDIR(status.st_mode):
        _copy_entry(source, path, target, to, copier or copy_file)
        return
    before = target.lstat(to)
    is_new = before is None or not stat.S_ISDIR(before.st_mode)
    if is_new:
        target.delete(to)
        target.make_directory(to, 0o700)
    for name in source.names(path):
        copy_tree(source, os.path.join(path, name), target, os.path.join(to, name), copier)
    if is_new:
        _copy_directory_attributes(source, path, target, to)


def copy_file(source: Root, path: str, target: Root, to: str) -> None:
    """Copy the file *path* to *to*, where nothing is, with its mode and times."""
    with os.fdopen(source.open(path), "rb") as old, os.fdopen(target.create(to), "wb") as new:
        copy_content(old, new)
        new.flush()
        _copy_attributes(old.fileno(), new.fileno())


def copy_content(old: BinaryIO, new: BinaryIO, report: Callable[[float], None] | None = None) -> None:
    """Write the content of *old* into *new*, sharing blocks where the file system can; *report* gets the share done."""
    try:
        whole, done = os.fstat(old.fileno()).st_size, 0
        while count := _copy_range(old.fileno(), new.fileno(), _PART):
            done += count
            if whole > _PART and report is not None:
                report(done / whole)
    except OSError as error:
        if os.lseek(new.fileno(), 0, os.SEEK_CUR) or error.errno in _REAL_FAILURES:
            raise
        shutil.copyfileobj(old, new, 1 << 20)


def _copy_range(old: int, new: int, count: int) -> int:
    if not hasattr(os, "copy_file_range"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return os.copy_file_range(old, new, count)


def _copy_entry(source: Root, path: str, target: Root, to: str, copier: Copier) -> None:
    status = source.lstat(path)
    if status is None or not (stat.S_ISLNK(status.st_mode) or stat.S_ISREG(status.st_mode)):
        return
    before = target.lstat(to)
    if before is not None and stat.S_ISDIR(before.st_mode):
        target.remove_directory(to)  # raises when it is not empty
    target.delete(to)
    target.make_directory(os.path.dirname(to))
    if stat.S_ISLNK(status.st_mode):
        target.symlink(source.read_link(path), to)
    else:
        copier(source, path, target, to)


def _copy_directory_attributes(source: Root, path: str, target: Root, to: str) -> None:
    old, new = source.open(path), target.open(to)
    try:
        _copy_attributes(old, new)
    finally:
        os.close(old)
        os.close(new)


def _copy_attributes(source: int, target: int) -> None:
    """Give the open file *target* the mode, the times and on Linux the extended attributes of *source*."""
    status = os.fstat(source)
    os.fchmod(target, stat.S_IMODE(status.st_mode))
    if hasattr(os, "listxattr"):
        for name in os.listxattr(source):
            with suppress(OSError):  # another file system may not take them
                os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
