"""What comes from outside, read within bounds: files that others may have put there, and what programs print."""

from __future__ import annotations

import os
import select
import selectors
import signal
import stat
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from ..errors import SessionError

UNBOUNDED = float("inf")  # seconds: for what is work, and no question
MOST_OUTPUT = 1 << 30  # bytes that a program may print: more would take the memory of the machine
_BLOCK = 1 << 16
_LOOK = 0.5  # seconds between two looks at the size of a file
_MOST = 64 << 20  # bytes of a file
_KINDS = {
    stat.S_IFDIR: "a directory", stat.S_IFIFO: "a named pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}  # fmt: skip


class UnusableFileError(SessionError, ValueError):
    """Something that is not a file of ours; callers that can do without it treat it as invalid content."""


def read_text(path: Path, errors: str = "strict") -> str:
    """Return the text of *path*; raises as `read_bytes` does, and `UnicodeDecodeError`."""
    return read_bytes(path).decode("utf-8", errors)


def read_bytes(path: Path) -> bytes:
    """Return the content of *path*.

    Raises `FileNotFoundError` when it doesn't exist, `UnusableFileError` for a dangling link, for anything but a
    regular file (a pipe would never end), and for one that is too large to be ours.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        if path.is_symlink():
            raise UnusableFileError(f"{path} is a link to {os.readlink(path)}, which doesn't exist") from None
        raise
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        raise UnusableFileError(f"{path} is {_KINDS.get(kind, 'something else')}, not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(_MOST + 1)
    if len(content) > _MOST:
        raise UnusableFileError(f"{path} is larger than {_MOST >> 20} MB, too large for a file of ours")
    return content


def require_directory(path: Path) -> None:
    """Raise `SessionError` when *path* exists and is not a directory, as a link to nothing."""
    if os.path.lexists(path) and not path.is_dir():
        raise SessionError(f"{path} is not a directory. Move it away, then run the command again: mv {path} {path}.old")


def read_pipes(process: subprocess.Popen[bytes], given: bytes, seconds: float) -> tuple[bytes, bytes]:
    """Return what *process*, *given* its stdin, prints on stdout and stderr until it ends.

    Raises `TimeoutExpired` after the *seconds*, which may be infinite, and `OverflowError` when it prints too much.
    """
    deadline = time.monotonic() + seconds
    blocks: dict[object, list[bytes]] = {process.stdout: [], process.stderr: []}
    size, rest = 0, memoryview(given)
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                selector.register(stream, selectors.EVENT_WRITE if stream is process.stdin else selectors.EVENT_READ)
        while selector.get_map():
            for key, _events in selector.select(_remaining(process, deadline)):
                if key.fileobj is process.stdin:
                    rest, is_open = _write_some(key.fd, rest)
                else:
                    block = os.read(key.fd, _BLOCK)
                    size, is_open = size + len(block), bool(block)
                    blocks[key.fileobj].append(block)
                if size > MOST_OUTPUT:
                    raise OverflowError
                if not is_open:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()  # type: ignore[union-attr]  # a pipe, as all that is registered
    process.wait(_remaining(process, deadline))
    return b"".join(blocks[process.stdout]), b"".join(blocks[process.stderr])


def _write_some(pipe: int, rest: memoryview) -> tuple[memoryview, bool]:
    """Write what *pipe* takes at once; return what is left of *rest*, and whether there is anything to write."""
    try:
        written = os.write(pipe, rest[: select.PIPE_BUF]) if rest else 0
    except BrokenPipeError:  # it has read enough
        return rest, False
    return rest[written:], len(rest) > written


def _remaining(process: subprocess.Popen[bytes], deadline: float) -> float | None:
    """Return the seconds until the *deadline*, None where there is none."""
    if deadline == UNBOUNDED:
        return None
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise subprocess.TimeoutExpired(process.args, 0)
    return seconds


def wait_for_end(process: subprocess.Popen[bytes], seconds: float, files: Sequence[IO[bytes]]) -> int:
    """Return the exit code of *process*, which prints into *files*; raises as `read_pipes` does."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return process.wait(min(_LOOK, max(deadline - time.monotonic(), 0)))
        except subprocess.TimeoutExpired:
            if time.monotonic() >= deadline:
                raise
        if sum(os.fstat(file.fileno()).st_size for file in files) > MOST_OUTPUT:
            raise OverflowError


def end_process(process: subprocess.Popen[bytes]) -> None:
    """End *process*, politely first: git takes its lock files away then."""
    for step in (process.terminate, process.kill):
        step()
        try:
            process.wait(1)
            return
        except subprocess.TimeoutExpired:
            continue


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End *process* and its group: politely first, because git takes its lock files away then."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(2)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
