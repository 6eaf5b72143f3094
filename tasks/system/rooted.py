"""Access to files below one directory, never to anything outside that a link leads to.

Each component of a path is opened through the descriptor of the one before, without following links. A link is followed
by hand as long as it stays inside. Whoever swaps a directory for a link in the meantime gains nothing.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import TracebackType

from ..errors import SessionError
from . import temporary

_MOST_LINKS = 40  # as the systems have it
_SAFELY = os.O_NOFOLLOW | os.O_CLOEXEC
_TRAVERSE = os.O_DIRECTORY | _SAFELY | getattr(os, "O_PATH", os.O_RDONLY)
_LIST = os.O_DIRECTORY | _SAFELY | os.O_RDONLY
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_GONE = (FileNotFoundError, NotADirectoryError)


class LeadsOutError(SessionError):
    """A path that leads out of the directory that it is relative to; nothing was changed."""


def is_inside(path: str) -> bool:
    """Return whether the text of *path* stays below a directory, and outside of its `.git`."""
    parts = path.split("/")
    return "\0" not in path and not {"", ".", ".."} & {*parts} and parts[0].lower() != ".git"


class Root:
    """The directory *path*; unless it *follows* links, even links that stay inside are refused.

    Paths are relative to it; absolute ones, and those with `..`, are refused. Methods raise an `OSError` with the whole
    path, or a `LeadsOutError`.
    """

    def __init__(self, path: Path, follows: bool = True) -> None:
        self.path = path
        self.follows = follows

    def __repr__(self) -> str:
        return f"Root({str(self.path)!r})"

    def real(self, path: str) -> Path:
        """Return *path* without links in it; it need not exist, but its directory must."""
        with _Place(self, path, last=True) as place:
            return self.path / place.whole

    def lstat(self, path: str) -> os.stat_result | None:
        """Return the status of *path*, not following a link; None when it doesn't exist."""
        try:
            with _Place(self, path) as place:
                return place.look()
        except _GONE:
            return None

    def is_link(self, path: str) -> bool:
        """Return whether *path* is a link."""
        status = self.lstat(path)
        return status is not None and stat.S_ISLNK(status.st_mode)

    def is_directory(self, path: str) -> bool:
        """Return whether *path* is a directory, or a link to one that is inside as well."""
        try:
            with _Place(self, path, last=True) as place:
                status = place.look()
        except _GONE:
            return False
        return status is not None and stat.S_ISDIR(status.st_mode)

    def names(self, path: str) -> list[str]:
        """Return the names in the directory *path*, sorted."""
        with _Place(self, path, last=True) as place:
            return sorted(_names(place.name, place.parent))

    def read_link(self, path: str) -> str:
        """Return the target of the link *path*."""
        with _Place(self, path) as place:
            return os.readlink(place.name, dir_fd=place.parent)

    def open(self, path: str, flags: int = os.O_RDONLY) -> int:
        """Return a descriptor of the file *path*; a new one is private, and a FIFO doesn't block."""
        with _Place(self, path, last=True) as place:
            return os.open(place.name, flags | os.O_NONBLOCK | _SAFELY, 0o600, dir_fd=place.parent)

    def read(self, path: str) -> bytes:
        """Return the content of the file *path*."""
        with os.fdopen(self.open(path), "rb") as file:
            return file.read()

    def write(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Replace the content of the file *path* atomically; it keeps mode and owner, *mode* is for a new file."""
        with _Place(self, path, last=True) as place, place.replacing() as new:
            before = place.look()
            with os.fdopen(os.open(new, _NEW | _SAFELY, 0o600, dir_fd=place.parent), "wb") as file:
                file.write(content)
                file.flush()
                temporary.complete_file(file.fileno(), before, mode)

    @contextmanager
    def beside(self, path: str, replaces_directory: bool = False) -> Iterator[str]:
        """Yield a new path beside *path*, which replaces it on success and is deleted on failure.

        It replaces a directory with something in it only if *replaces_directory*.
        """
        with _Place(self, path, last=True) as place, place.replacing(replaces_directory) as new:
            yield os.path.join(*place.names, new)

    def create(self, path: str) -> int:
        """Create a private file at *path*, where nothing is, and return its descriptor."""
        return self.open(path, _NEW)

    def make_directory(self, path: str, mode: int = 0o777) -> None:
        """Create the directory *path* and those above it; existing ones stay as they are."""
        _Place(self, os.path.join(path, "."), last=True, make=mode).close()

    def symlink(self, to: str, path: str) -> None:
        """Create the link *path*, where nothing is, with the target *to*."""
        with _Place(self, path) as place:
            os.symlink(to, place.name, dir_fd=place.parent)

    def hard_link(self, source: Root, path: str, to: str) -> None:
        """Create *to* as a hard link to the file *path* of *source*."""
        with _Place(source, path) as old, _Place(self, to) as new:
            os.link(old.name, new.name, src_dir_fd=old.parent, dst_dir_fd=new.parent, follow_symlinks=False)

    def move(self, path: str, to: str, target: Root | None = None) -> None:
        """Move *path* to *to*, in *target* if it is given."""
        with _Place(self, path) as old, _Place(target or self, to) as new:
            os.rename(old.name, new.name, src_dir_fd=old.parent, dst_dir_fd=new.parent)

    def delete(self, path: str) -> None:
        """Delete the file or link *path*, if it exists."""
        with suppress(*_GONE), _Place(self, path) as place:
            os.unlink(place.name, dir_fd=place.parent)

    def remove_directory(self, path: str) -> None:
        """Remove the empty directory *path*."""
        with _Place(self, path) as place:
            os.rmdir(place.name, dir_fd=place.parent)

    def remove_tree(self, path: str) -> None:
        """Delete *path*, if it exists, with everything in it."""
        with suppress(*_GONE), _Place(self, path) as place:
            _remove(place.name, place.parent)

    def left_over(self, path: str) -> list[str]:
        """Return the paths of temporary files for *path* that killed commands left."""
        try:
            with _Place(self, path) as place:
                return [os.path.join(*place.names, name) for name in _left_over(place.name, place.parent)]
        except _GONE:
            return []


class _Place:
    """Where a path of a root leads: the descriptor of its directory, and its name there; *last*: not that of a link.

    With *make*, a mode, missing directories are created.
    """

    def __init__(self, root: Root, path: str, last: bool = False, make: int = 0) -> None:
        if path.startswith("/") or ".." in path.split("/") or "\0" in path:
            raise LeadsOutError(
                f"{path!r} is not a place inside {root.path}. Nothing was changed.\nUse a relative path without '..'."
            )
        self.root, self.names = root, list[str]()
        self.name = "."
        self._make, self._links = make, 0
        self._opened = [os.open(root.path, _TRAVERSE & ~os.O_NOFOLLOW)]
        try:
            self._walk(deque(path.split("/")), last)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise

    @property
    def parent(self) -> int:
        """The descriptor of the directory."""
        return self._opened[-1]

    @property
    def whole(self) -> str:
        """Its path in the root, in which no directory is a link."""
        return os.path.join(*self.names, self.name)

    def look(self) -> os.stat_result | None:
        """Return its status, not following a link; None when it doesn't exist."""
        try:
            return os.stat(self.name, dir_fd=self.parent, follow_symlinks=False)
        except FileNotFoundError:
            return None

    @contextmanager
    def replacing(self, replaces_directory: bool = False) -> Iterator[str]:
        """Yield a new name in the directory for a file that replaces it on success and is deleted on failure."""
        new = temporary.name_for(self.name)
        for leftover in _left_over(self.name, self.parent):
            _remove(leftover, self.parent)
        try:
            yield new
            with self._without_directory() if replaces_directory else nullcontext():
                os.replace(new, self.name, src_dir_fd=self.parent, dst_dir_fd=self.parent)
        except BaseException as error:
            # The error of a full disk has no file name, and nobody knows our temporary one.
            if isinstance(error, OSError) and error.errno and str(error.filename or new).endswith(new):
                error.filename = self.name
            with suppress(FileNotFoundError):
                _remove(new, self.parent)
            raise

    @contextmanager
    def _without_directory(self) -> Iterator[None]:
        """Have the directory of that name out of the way, which is deleted on success and comes back on failure."""
        status, old = self.look(), temporary.name_for(self.name)
        if status is None or not stat.S_ISDIR(status.st_mode):
            yield
            return
        os.rename(self.name, old, src_dir_fd=self.parent, dst_dir_fd=self.parent)
        try:
            yield
        except BaseException:
            os.rename(old, self.name, src_dir_fd=self.parent, dst_dir_fd=self.parent)
            raise
        _remove(old, self.parent)

    def _walk(self, parts: deque[str], last: bool) -> None:
        while parts:
            self.name = parts.popleft()
            if self.name == "..":
                self._up()
            elif self.name in ("", "."):
                continue
            elif not parts:
                to = self._link() if last else None
                if to is None:
                    return
                parts.extend(self._follow(to))
            elif (to := self._enter()) is not None:
                parts.extendleft(reversed(self._follow(to)))
        self.name = "."

    def _enter(self) -> str | None:
        """Enter the directory of that name; return its target if it is a link."""
        try:
            deeper = os.open(self.name, _TRAVERSE, dir_fd=self.parent)
        except FileNotFoundError:
            if not self._make:
                raise
            with suppress(FileExistsError):
                os.mkdir(self.name, self._make, dir_fd=self.parent)
            deeper = os.open(self.name, _TRAVERSE, dir_fd=self.parent)
        except OSError:
            if (to := self._link()) is not None:
                return to
            raise
        self._opened.append(deeper)
        self.names.append(self.name)
        return None

    def _link(self) -> str | None:
        try:
            return os.readlink(self.name, dir_fd=self.parent)
        except OSError:
            return None

    def _follow(self, to: str) -> list[str]:
        """Return the components of the link's target *to*, relative to where we are then."""
        self._links += 1
        if not self.root.follows or self._links > _MOST_LINKS:
            self._refuse(to)
        if not to.startswith("/"):
            return to.split("/")
        for top in (str(self.root.path), os.path.realpath(self.root.path)):
            if f"{to}/".startswith(f"{top}/"):
                while len(self._opened) > 1:
                    self._up()
                return to[len(top) :].split("/")
        self._refuse(to)
        return []

    def _up(self) -> None:
        if not self.names:
            self._refuse("..")
        os.close(self._opened.pop())
        self.names.pop()

    def _refuse(self, to: str) -> None:
        where = self.root.path / self.whole
        raise LeadsOutError(
            f"{where} is a link to {to}, which leads out of {self.root.path}. Nothing was changed there.\n"
            "Replace the link with a file or directory of its own, then run the same command again."
        )

    def close(self) -> None:
        """Close all opened directories."""
        while self._opened:
            os.close(self._opened.pop())

    def __enter__(self) -> _Place:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        self.close()
        if isinstance(error, OSError) and error.errno and str(error.filename or self.name) == self.name:
            error.filename = str(self.root.path / self.whole)


def _names(name: str, parent: int) -> list[str]:
    descriptor = os.open(name, _LIST, dir_fd=parent)
    try:
        return os.listdir(descriptor)
    finally:
        os.close(descriptor)


def _left_over(name: str, parent: int) -> list[str]:
    return [each for each in _names(".", parent) if temporary.is_left_over(each, name)]


def _remove(name: str, parent: int) -> None:
    """Delete *name* with everything in it, also in read-only directories, as in Go's module cache."""
    if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=parent)
        return
    descriptor = os.open(name, _LIST, dir_fd=parent)
    try:
        if os.fstat(descriptor).st_mode & stat.S_IRWXU != stat.S_IRWXU:
            os.fchmod(descriptor, stat.S_IRWXU)
        for entry in os.listdir(descriptor):
            _remove(entry, descriptor)
    finally:
        os.close(descriptor)
    os.rmdir(name, dir_fd=parent)
