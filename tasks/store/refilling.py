"""Starting and ending the thinning of a removed session's worktree, and making again what it deleted."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..errors import SessionError
from ..model import Repository
from ..system import files, shape, shell
from .archive import Archive

if TYPE_CHECKING:
    from . import thinning

_PATIENCE = 60.0
_AHEAD = 64  # objects that git is asked for before they are read
_BUFFER = 1 << 18
_THINNING = Path(__file__).with_name("thinning.py")  # runs by itself


def begin_thinning(repository: Repository, saved: Archive) -> None:
    """Start to thin out *saved* in the background."""
    if not saved.tree.is_dir():
        return
    argv = [
        sys.executable, "-S", "-E", str(_THINNING), str(saved.directory), str(saved.tree),
        str(repository.common), saved.facts["head"], *_made_again(repository, saved.facts["row"]),
    ]  # fmt: skip
    with suppress(OSError):  # it stays as large as it is
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(
            argv, cwd=repository.common, env=shell.pristine_environment(), stdin=quiet, stdout=quiet, stderr=quiet,
            start_new_session=True,
        )  # fmt: skip
        process.returncode = 0  # nobody waits for it


def _made_again(repository: Repository, row: dict[str, Any]) -> list[str]:
    """Return the directories that are not kept: those of the setting thin, and the node_modules of its own."""
    thin, links = ([each for each in row.get(key) or [] if isinstance(each, str)] for key in ("thin", "link"))
    own = files.own_packages(repository.main, links)
    if own:
        from ..tools import node_packages

        own = [each for path in own for each in node_packages.list_own(repository.main, path)]
    return [*thin, *own]


@contextmanager
def thinning_ended(directory: Path) -> Iterator[None]:
    """Keep the archive in *directory* from being thinned out, in the block and afterwards."""
    if not directory.is_dir():
        yield
        return
    from . import thinning

    (directory / thinning.STOP).touch()
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _wait(descriptor, directory)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, directory: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise SessionError(f"{directory} is in use by another process.\nTry again in a minute.") from None
        except OSError:  # a file system without locks, where nothing was thinned out either
            break
        time.sleep(0.01)


def refill_archive(repository: Repository, saved: Archive) -> None:
    """Make again, from git's objects, the missing files that were thinned out of *saved*."""
    from . import thinning

    file = saved.directory / thinning.LIST
    if not file.is_file():
        return
    entries = _read_list(file)
    with closing(_Place(saved.tree)) as place:
        missing = [entry for entry in entries if entry.blob and not _exists(*place.find(entry.path))]
        _make_files(repository, missing, place)
        for entry in (each for each in entries if not each.blob):
            directory, name = place.find(entry.path)
            os.utime(name or ".", ns=(entry.mtime, entry.mtime), dir_fd=directory, follow_symlinks=False)
    file.unlink()


def _read_list(file: Path) -> list[thinning.Blob]:
    """Return what was thinned out, as *file* lists it. Raises `SessionError` where that is damaged."""
    from . import thinning

    try:
        entries = shape.parse_json(file.read_bytes(), shape.list_form(_is_entry), str(file))
    except ValueError as error:
        raise SessionError(f"{file} is damaged, so not every file can be made again: {error}") from None
    return [thinning.Blob(*entry) for entry in entries]


def _is_entry(value: object, place: str) -> str:
    kinds = (str, str, int, int, list)
    known = isinstance(value, list) and len(value) == len(kinds) and all(map(isinstance, value, kinds))
    return "" if known and "\0" not in value[0] else f"{place}: expected a file that was deleted"  # type: ignore[index]


def _make_files(repository: Repository, entries: Sequence[thinning.Blob], place: _Place) -> None:
    argv = ["git", "-C", str(repository.main), "cat-file", "--batch"]
    with subprocess.Popen(
        argv, bufsize=_BUFFER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        env={**shell.clean_environment(), "GIT_NO_REPLACE_OBJECTS": "1"},
    ) as objects:  # fmt: skip
        assert objects.stdin is not None and objects.stdout is not None
        _ask(objects.stdin, entries[: 2 * _AHEAD])
        for number, entry in enumerate(entries):
            if number and number % _AHEAD == 0:
                _ask(objects.stdin, entries[number + _AHEAD : number + 2 * _AHEAD])
            directory, name = place.find(entry.path)
            _make(name, directory, entry, objects.stdout)
        objects.stdin.close()


def _ask(questions: IO[bytes], entries: Sequence[thinning.Blob]) -> None:
    """Ask git for the objects of *entries*, some ahead of what is read: so few fit into the pipe."""
    questions.write("".join(f"{entry.blob}\n" for entry in entries).encode())
    questions.flush()


class _Place:
    """The directory of *tree* that was looked at last; the next file is mostly in the same."""

    def __init__(self, tree: Path) -> None:
        self.tree, self.above, self.descriptor = tree, "", -1

    def find(self, path: str) -> tuple[int, str]:
        """Return the directory in the tree that *path* is in, reached without following a link, and its name there."""
        if ".." in path.split("/") or ".git" in path.split("/"):
            raise SessionError(f"{self.tree}: {path!r} does not name a file in it.")
        above, _, name = path.rpartition("/")
        if self.descriptor < 0 or above != self.above:
            self.close()
            self.above, self.descriptor = above, _open_directory(self.tree, above)
        return self.descriptor, name

    def close(self) -> None:
        """Close the directory."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1


def _open_directory(tree: Path, path: str) -> int:
    descriptor = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in filter(None, path.split("/")):
        try:
            deeper = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
        except OSError as error:
            raise SessionError(
                f"{tree / path}: {error.strerror}. It was a directory when the session was removed.\n"
                "Put it back, then restore again."
            ) from None
        finally:
            os.close(descriptor)
        descriptor = deeper
    return descriptor


def _exists(directory: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _make(name: str, directory: int, entry: thinning.Blob, objects: IO[bytes]) -> None:
    """Make the file of *entry* from git's answer, complete or not at all."""
    from . import thinning

    words = objects.readline().split()
    if len(words) != 3:
        raise SessionError(f"git no longer has {entry.blob}, the content of {entry.path}.\nRun: git fsck")
    remaining = int(words[2])
    new = f".tally-sessions-{entry.blob}.tmp"  # what a kill leaves is made again under the same name
    with suppress(FileNotFoundError):
        os.unlink(new, dir_fd=directory)
    digest = thinning.begin_digest(remaining, entry.blob)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(new, flags, 0o600, dir_fd=directory), "wb") as file:
            while remaining and (block := objects.read(min(remaining, 1 << 20))):
                file.write(block)
                digest.update(block)
                remaining -= len(block)
            file.flush()
            os.fchmod(file.fileno(), entry.mode)
            os.utime(file.fileno(), ns=(entry.mtime, entry.mtime))
        _require_whole(objects, entry, digest.hexdigest())
        os.replace(new, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with suppress(OSError):
            os.unlink(new, dir_fd=directory)
        raise


def _require_whole(objects: IO[bytes], entry: thinning.Blob, digest: str) -> None:
    if digest != entry.blob:
        raise SessionError(f"git gave another content for {entry.path} than was removed.\nRun: git fsck")
    if objects.read(1) != b"\n":
        raise SessionError(f"git ended in the middle of {entry.path}.\nRun: git fsck")
