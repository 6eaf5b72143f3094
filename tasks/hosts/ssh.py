"""What is asked of a host: programs that are sent, and the relay that passes on signals and the end of the line."""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import IO, Any

from ..errors import SessionError
from ..system import shape, shell
from . import reach
from .host import Host

_FACTS = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED|host key .* has changed",
        "its host key has changed: another machine may answer in its place. Ask who runs it before you go on.\n"
        "Run: {forget}",
    ),
    ("Host key verification failed", "its host key is not known. Check and accept it.\nRun: ssh {place}"),
    (
        "Permission denied",
        "it refuses your keys. Load a key with a passphrase (ssh-add), or see why.\nRun: ssh -v {place}",
    ),
    ("Could not resolve hostname", "no such machine in ~/.ssh/config or DNS.\nRun: ssh {place}"),
    ("timed out|not responding", "it doesn't answer. Is it running?\nRun: ssh {place}"),
    ("Connection refused|No route to host|unreachable", "it cannot be reached. Is it running?\nRun: ssh {place}"),
)


_OFF = "timed out|not responding|Connection refused|No route to host|unreachable|Could not resolve hostname"


def ssh_failure(host: Host, code: int, stderr: str) -> SessionError:
    """Return the error that a question to *host* ended with *code*."""
    text = stderr.strip()
    if "bad line length character" in text:
        return SessionError(
            f"{host.name}: its shell prints something as it starts, which git takes for an answer. Make it silent, for"
            " example with this as the first line of ~/.bashrc on the host: case $- in *i*) ;; *) return ;; esac"
        )
    if code == 255:
        for pattern, fact in _FACTS:
            if re.search(pattern, text):
                kind = UnreachableError if re.search(_OFF, text) else SessionError
                forget = _forgetting(host, text) if "{forget}" in fact else ""
                return kind(f"{host.name}: {fact.format(place=host.destination, forget=forget)}")
        lines = text.splitlines() or ["the connection was lost"]
        last = next((line for line in lines if "No space left" in line), lines[-1])
        return SessionError(f"{host.name}: {last}\nRun: ssh {host.destination}")
    if host.via and code not in (ABSENT, NOT_BEGUN):  # the prefix failed, as that of a container that doesn't run
        return UnreachableError(f"{host.name}: {text or f'exit code {code}'}\nSee: {reach.shown_command(host)}")
    if code == 127 and host.python in text:
        return SessionError(f"{host.name}: {host.python} is missing.\nRun: inv fleet.setup {host.name}")
    return SessionError(f"{host.name}: {text or f'exit code {code}'}" if not text.startswith(f"{host.name}:") else text)


_CHANGED = re.compile(r"[Hh]ost key for (\S+) has changed")
_OFFENDING = re.compile(r"Offending \S+ key in (.+):\d+")


def _forgetting(host: Host, text: str) -> str:
    """Return the command that drops the old key of *host*, or of one on the way to it, from where ssh found it."""
    known = reach.configured_facts(host.destination)
    name, port = known.get("hostkeyalias") or known.get("hostname", host.destination), known.get("port", "22")
    name = match[1] if (match := _CHANGED.search(text)) else name if port == "22" else f"[{name}]:{port}"
    files = known.get("userknownhostsfile", "").split()
    file = match[1] if (match := _OFFENDING.search(text)) else next(iter(files), "")
    return shlex.join(["ssh-keygen", *(["-f", file] if file else []), "-R", name])


ABSENT = 113  # the relay's exit code where the session that was asked for is not there
NOT_BEGUN = 114  # and where the program, or the checkout, is not
Popen = subprocess.Popen[bytes]
_BLOCK = 1 << 16
_MOST = 64 << 20  # bytes of an answer: more than the digests of a million files
QUESTION = 60.0  # seconds for an answer that needs no work
WORK = 1800.0  # seconds for one that needs some: packages that are installed, files that are read
_STALLED = 120.0  # seconds in which nothing moves
_LAST = 2.0  # seconds that something gets to end by itself
_DRAINED = 10.0  # seconds after the end of a program in which all that it printed is read
_LOOK = 0.5  # seconds between two looks whether that is so
_SHOWN = 200  # characters of an answer that is not understood
_SENT = Path(__file__).with_name("remote_scripts")


def program_source(name: str) -> str:
    """Return the program *name* as it is sent."""
    return (_SENT / f"{name}.py").read_text(encoding="utf-8")


def start_relay(
    host: Host, argv: Sequence[str], reads: bool = False, more: Mapping[str, object] | None = None, **streams: int
) -> Popen:
    """Start *argv* in the checkout on *host*; when it *reads*, `feed` gives it what.

    It has no terminal, so that ^C is ours to pass on. *more* is the `environment` there, and the `session` that has
    to be there: else it ends with `ABSENT`, before anything is done.
    """
    request = {"name": host.name, "path": host.path, "argv": list(argv), "reads": reads, **(more or {})}
    program = program_source("relay").encode()
    process = subprocess.Popen(
        reach.program_command(host), stdin=subprocess.PIPE, start_new_session=True, env=shell.clean_environment(),
        stdout=streams.get("stdout"), stderr=streams.get("stderr"),
    )  # fmt: skip
    write_relay(process, b"%d\n%s%s\n" % (len(program), program, json.dumps(request).encode("ascii")))
    return process


def write_relay(process: Popen, data: bytes) -> None:
    """Write *data* to the relay; that it is gone shows in how it ended."""
    assert process.stdin is not None
    try:
        process.stdin.write(data)
        process.stdin.flush()
    except OSError:
        pass


def kill_relay(process: subprocess.Popen[Any]) -> None:
    """Kill *process*, which leads its group, with all of that."""
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


def cut_relay(process: subprocess.Popen[Any]) -> None:
    """Have the program on the host end as if the connection was lost, and wait for that a little."""
    with suppress(OSError, subprocess.TimeoutExpired):
        if process.stdin is not None:
            process.stdin.close()
        process.wait(_LAST)


def pass_signal(process: Popen, number: int) -> None:
    """Send the signal *number* to the program on the host."""
    write_relay(process, b"S" + number.to_bytes(4, "big"))


def feed_relay(process: Popen, data: bytes) -> None:
    """Write *data* to the program on the host; no data ends its input."""
    write_relay(process, b"D" + len(data).to_bytes(4, "big") + data)


class UnreachableError(SessionError):
    """A host can't be reached; it may be off."""


class SilentHostError(UnreachableError):
    """The *host* didn't answer within *seconds*."""

    def __init__(self, host: Host, seconds: float) -> None:
        see = f"\nRun: {reach.shown_command(host)}" if host.destination else ""
        super().__init__(f"{host.name}: no answer within {seconds:.3g} s{see}")


class Stall:
    """Kills *processes* when nothing has moved between them for *seconds*: then `hit` is true."""

    def __init__(self, seconds: float, *processes: subprocess.Popen[Any]) -> None:
        self._seconds, self._processes = seconds, processes
        self._last, self._ended, self.hit = time.monotonic(), Event(), False

    def note_progress(self) -> None:
        """Begin to count again."""
        self._last = time.monotonic()

    def _watch(self) -> None:
        while not self._ended.wait(max(self._last + self._seconds - time.monotonic(), 0.05)):
            if time.monotonic() - self._last > self._seconds:
                self.hit = True
                for process in self._processes:
                    kill_relay(process)
                return

    def __enter__(self) -> Stall:
        Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()


class Fed:
    """The stdin of a program on a host, as a file to write to."""

    def __init__(self, process: Popen, stall: Stall) -> None:
        self._process, self._stall = process, stall

    def write(self, data: bytes) -> int:
        """Let the program read *data*."""
        for at in range(0, len(data), _BLOCK):
            feed_relay(self._process, data[at : at + _BLOCK])
            self._stall.note_progress()
        return len(data)

    def copy(self, stream: IO[bytes]) -> None:
        """Let the program read what *stream*, of another program, brings, until its end or until nothing moves."""
        while not self._stall.hit:
            if select.select([stream], [], [], _LOOK)[0]:
                if not (block := os.read(stream.fileno(), _BLOCK)):
                    return
                self.write(block)


Data = Callable[[Fed], object]


class Collected:
    """What *process* prints on its *streams*, taken from the first moment on; one that never stops is ended."""

    def __init__(self, process: Popen, streams: Iterable[IO[bytes] | None] = ()) -> None:
        self._process, self.too_much = process, False
        read = tuple(streams) or (process.stdout, process.stderr)
        self._kept = {stream: bytearray() for stream in read if stream is not None}
        self._threads = [Thread(target=self._take, args=each, daemon=True) for each in self._kept.items()]
        for thread in self._threads:
            thread.start()

    def _take(self, stream: IO[bytes], buffer: bytearray) -> None:
        while block := os.read(stream.fileno(), _BLOCK):
            if len(buffer) + len(block) > _MOST:
                self.too_much = True
                kill_relay(self._process)
                stream.close()  # what still prints there, in a group of its own, ends by that
                return
            buffer += block

    def wait(self, host: Host, seconds: float) -> list[bytes]:
        """Return what it printed on each stream, once it has ended.

        Raises `SessionError` when it printed too much, or takes more *seconds*.
        """
        is_late = False
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            is_late = True
            cut_relay(self._process)
        finally:
            kill_relay(self._process)  # what it left would hold our pipes open
            self._process.wait()
        for thread, stream in zip(self._threads, self._kept, strict=True):
            thread.join(_DRAINED)  # a program that it left could hold them open for ever
            if not thread.is_alive():
                stream.close()
        if is_late:
            raise SilentHostError(host, seconds)
        if self.too_much:
            raise too_much(host, _MOST)
        return [bytes(buffer) for buffer in self._kept.values()]


def too_much(host: Host, most: int) -> SessionError:
    """Return the error that *host* printed more than *most* bytes."""
    return SessionError(f"{host.name}: its answer is longer than {most >> 20} MB.\nRun: ssh {host.destination}")


def ask_program(
    host: Host, argv: Sequence[str], data: Data | None = None, seconds: float = WORK, sources: Iterable[Popen] = ()
) -> bytes:
    """Return what *argv* prints on *host*; *data* writes what it reads there, which may come from *sources*.

    Raises `SessionError` when it fails, prints without end, takes more *seconds* after it has read everything, or the
    connection fails; also when none of the data moves for a while.
    """
    process = start_relay(host, argv, data is not None, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    stdin, printed = process.stdin, Collected(process)
    try:
        if data is not None:
            with Stall(_STALLED, process, *sources) as stall:
                data(Fed(process, stall))
                feed_relay(process, b"")
            if stall.hit:
                printed.wait(host, _LAST)
                raise SessionError(f"{host.name}: nothing was transferred for {_STALLED:g} s. Nothing was changed.")
        out, err = printed.wait(host, seconds)  # stdin stays open: its end would mean that the connection is cut
    finally:  # on a failure of ours the end of the connection undoes what was begun
        if stdin is not None:
            with suppress(OSError):
                stdin.close()
    if process.returncode:
        raise ssh_failure(host, process.returncode, err.decode(errors="replace"))
    return out


def call_program(
    host: Host, name: str, *arguments: str, form: shape.Form, data: Data | None = None, seconds: float = WORK
) -> Any:
    """Return the answer, of that *form*, of the sent program *name*, run with *arguments* on *host*."""
    argv = [host.python, "-c", program_source(name), *arguments]
    return parse_answer(host, ask_program(host, argv, data, seconds).decode(errors="replace"), form)


def parse_answer(host: Host, output: str, form: shape.Form) -> Any:
    """Return the JSON of that *form* in the last line of what *host* said; before it a login shell may greet."""
    lines = output.strip().splitlines()
    with suppress(ValueError, RecursionError):
        answer = json.loads(lines[-1] if lines else "")
        if shape.fits(answer, form):
            return answer
    raise SessionError(f"{host.name}: unexpected answer: {lines[-1][:_SHOWN] if lines else 'no answer'}")
