"""Run a program and number the system calls that change the world, its own and those of all it starts; act at one.

LOG NUMBER AFTER ACTION TOPS PROGRAM…: each call that changes files below TOPS (with `:` between them), or starts a
program, is a line in LOG. At call NUMBER (0: none), counted from the first whose name and path contain AFTER if that is
not empty, before it is executed, ACTION is done: `alone` kills the program, `all` also
everything that it started, SIGINT and its like are sent to it, and ENOSPC and its like are how that call ends. strace
counts the calls of each process apart and cannot tell which `openat` makes a file; this counts all of them in their
order. Linux on x86-64 and ARM.

A filter (seccomp) stops only the calls that may count. A process with that filter needs its tracer, so that this one
stays, in the background, until the last of them has ended; when it ends itself, they do.
"""

import ctypes
import errno
import os
import platform
import signal
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, NoReturn

PROGRAM = str(Path(__file__))
WHO = ("alone", "all")  # is killed
FAILS = platform.machine() == "x86_64"  # only these machines: the code needs the names of their registers

LIMIT = 120  # seconds for a program and all that it starts

_SEIZE, _LISTEN, _CONTINUE, _INFO, _GET, _SET = 0x4206, 0x4208, 7, 0x420E, 12, 13
_OPTIONS = (
    2 | 4 | 8 | 16 | 1 << 7 | 1 << 20
)  # follow fork, vfork, clone and exec; stop where the filter matches; kill everything when the tracer ends
_ALL_TASKS = 0x40000000  # of waitpid: threads, too
_EVENT_STOP, _AT_CALL, _FILTERED = 128, 7, 3
_NO_NEW_PRIVILEGES, _SET_FILTER, _FILTER_MODE = 38, 22, 2  # of prctl
_LOAD, _AND, _IF_EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06  # of the filter's machine
_ALLOW, _STOP = 0x7FFF0000, 0x7FF00000
_RESULT, _NUMBER_AGAIN = 10, 15  # registers of x86-64: rax, orig_rax
_ENTRY = struct.Struct("=B3xIQQ7Q")  # what stops it, architecture, where, stack; number and arguments of the call
_HERE = -100  # AT_FDCWD
_OPEN_CHANGES = os.O_CREAT | os.O_TRUNC

# Which argument is the directory and which the path (for `open` also the flags); a descriptor has no path.
_NUMBERS = {
    "x86_64": {
        1: "write", 2: "open", 18: "pwrite", 20: "writev", 40: "sendfile", 59: "execve", 76: "truncate",
        77: "ftruncate", 82: "rename", 83: "mkdir", 84: "rmdir", 85: "creat", 86: "link", 87: "unlink",
        88: "symlink", 90: "chmod", 91: "fchmod", 257: "openat", 258: "mkdirat", 263: "unlinkat", 264: "renameat",
        265: "linkat", 266: "symlinkat", 268: "fchmodat", 316: "renameat", 322: "execveat", 326: "copy_file_range",
    },
    "aarch64": {
        34: "mkdirat", 35: "unlinkat", 36: "symlinkat", 37: "linkat", 38: "renameat", 45: "truncate", 46: "ftruncate",
        52: "fchmod", 53: "fchmodat", 56: "openat", 64: "write", 66: "writev", 68: "pwrite", 71: "sendfile",
        221: "execve", 276: "renameat", 281: "execveat", 285: "copy_file_range",
    },
}  # fmt: skip
_DESCRIPTORS = {"write": 0, "pwrite": 0, "writev": 0, "sendfile": 0, "ftruncate": 0, "fchmod": 0, "copy_file_range": 2}
_PATHS = {
    "rename": (None, 0), "unlink": (None, 0), "rmdir": (None, 0), "truncate": (None, 0), "chmod": (None, 0),
    "renameat": (0, 1), "unlinkat": (0, 1), "fchmodat": (0, 1), "mkdir": (None, 0), "mkdirat": (0, 1),
    "link": (None, 1), "linkat": (2, 3), "symlink": (None, 1), "symlinkat": (1, 2), "open": (None, 0),
    "openat": (0, 1), "creat": (None, 0), "execve": (None, 0), "execveat": (0, 1),
}  # fmt: skip
_MAKES = ("mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat")
_FLAGS = {"open": 1, "openat": 2}

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


class Overdue(Exception):  # noqa: N818
    """The program, or something that it started, is still running."""


def _ptrace(request: int, pid: int, address: int = 0, data: object = 0) -> int:
    result: int = _libc.ptrace(request, pid, ctypes.c_void_p(address), data if data else ctypes.c_void_p(0))
    if result < 0 and (number := ctypes.get_errno()) != errno.ESRCH:  # it has just been killed
        raise OSError(number, os.strerror(number), f"ptrace {request:#x}")
    return result


def missing() -> str:
    """Return why nothing can be traced here; empty where it can."""
    if not sys.platform.startswith("linux") or platform.machine() not in _NUMBERS:
        return f"system calls are traced on Linux on x86-64 and ARM only, not on {sys.platform} {platform.machine()}"
    pid = os.fork()
    if pid == 0:
        signal.pause()
    try:
        _ptrace(_SEIZE, pid, 0, ctypes.c_void_p(_OPTIONS))
    except OSError as error:
        return f"this process may trace no other: {error}"
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return ""


class Call(NamedTuple):
    """A system call that changes something: its number, its process (0: the program itself), its path."""

    number: int
    pid: int
    name: str
    path: str

    def __str__(self) -> str:
        return f"call {self.number}, {self.name} {self.path}" + (f" in {self.pid}" if self.pid else "")


class Tracer:
    """What runs, and how often it has changed what is below *tops*."""

    def __init__(self, log: str, at: int, after: str, action: str, tops: list[str]) -> None:
        self.log = open(log, "w", encoding="utf-8", errors="replace")  # noqa: SIM115
        self.at, self.after, self.action = at, after, action
        self.tops = tuple(f"{top}/" for top in tops)
        self.names = _NUMBERS[platform.machine()]
        self.count, self.root = 0, 0
        self.pids: set[int] = set()
        self.info = ctypes.create_string_buffer(88)

    def run(self, argv: list[str], ended: Callable[[int], None]) -> None:
        """Run *argv*, and what it starts, to the end; *ended* gets its exit code as soon as it is known."""
        self.root = _start(argv, self.names)
        self.pids.add(self.root)
        while self.pids:
            pid, status = os.waitpid(-1, _ALL_TASKS)
            self.pids.add(pid)
            if os.WIFSTOPPED(status):
                self._stopped(pid, status)
                continue
            self.pids.discard(pid)
            if pid == self.root:
                print("left", os.getpid(), *sorted(self.pids), sep="\t", file=self.log, flush=True)
                ended(os.waitstatus_to_exitcode(status))

    def _stopped(self, pid: int, status: int) -> None:
        event, number = status >> 16, os.WSTOPSIG(status)
        if event == _AT_CALL:
            self._at_call(pid)
        elif event == _EVENT_STOP and number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
            _ptrace(_LISTEN, pid)
            return
        _ptrace(_CONTINUE, pid, 0, ctypes.c_void_p(0 if event else number))

    def _at_call(self, pid: int) -> None:
        if _ptrace(_INFO, pid, len(self.info), self.info) < 0:
            return
        what, _architecture, _where, _stack, number, *arguments = _ENTRY.unpack_from(self.info)
        if what != _FILTERED or (name := self.names.get(number)) is None:
            return
        try:
            path = self._changed(pid, name, arguments)
        except OSError:  # it has just been killed, or its call will fail
            return
        if path:
            self.count += 1
            call = Call(self.count, pid if pid != self.root else 0, name, path)
            print(*call, sep="\t", file=self.log, flush=True)
            if self.after and all(part in f"{name} {path}" for part in self.after.split()):
                self.at, self.after = self.count + self.at, ""
            if not self.after and self.count == self.at:
                self._act(pid)

    def _act(self, pid: int) -> None:
        """Do it while the call waits, which is not executed when its own process is killed."""
        if self.action in WHO:
            self.kill(self.pids if self.action == "all" else {self.root})
        elif self.action.startswith("SIG"):
            os.kill(self.root, signal.Signals[self.action])
        else:
            _fail(pid, getattr(errno, self.action))

    def kill(self, pids: Iterable[int]) -> None:
        """Kill the processes *pids* as far as they still run."""
        for pid in sorted(pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def describe(self) -> Iterator[str]:
        """Yield what still runs, and what the kernel has it wait for."""
        for pid in sorted(self.pids):
            with suppress(OSError):
                place = Path("/proc", str(pid))
                argv = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                yield f"{pid} in {(place / 'syscall').read_text().split()[0]}: {argv}"

    def _changed(self, pid: int, name: str, arguments: list[int]) -> str:
        """Return the path that the call would change; empty when it changes nothing that counts."""
        if name in _DESCRIPTORS:
            path = os.readlink(f"/proc/{pid}/fd/{_signed(arguments[_DESCRIPTORS[name]])}")
            return path if path.startswith(self.tops) else ""
        directory, at = _PATHS[name]
        path = _path(pid, _HERE if directory is None else _signed(arguments[directory]), arguments[at])
        if name.startswith("exec"):
            return path if os.access(path, os.X_OK) else ""
        if not path.startswith(self.tops) or not self._effective(name, path, arguments):
            return ""
        return path

    def _effective(self, name: str, path: str, arguments: list[int]) -> bool:
        there = os.path.lexists(path)
        if name in _FLAGS:
            flags = arguments[_FLAGS[name]]
            return bool(flags & os.O_TRUNC and there) or bool(flags & os.O_CREAT and not there)
        return not there if name in _MAKES else name == "creat" or there


def _signed(value: int) -> int:
    return ctypes.c_int(value & 0xFFFFFFFF).value


def _path(pid: int, directory: int, address: int) -> str:
    path = _string(pid, address)
    if not path.startswith("/"):
        place = "cwd" if directory == _HERE else f"fd/{directory}"
        path = os.path.join(os.readlink(f"/proc/{pid}/{place}"), path)
    return os.path.normpath(path)


def _string(pid: int, address: int) -> str:
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        read = b""
        while b"\0" not in read:
            # Never over the end of a page: the next one may not be there.
            part = memory.read(min(256, 4096 - (address + len(read)) % 4096))
            if not part:
                break
            read += part
    return os.fsdecode(read.partition(b"\0")[0])


def _fail(pid: int, number: int) -> None:
    """Skip the call at which *pid* is stopped, and let it return this error."""
    registers = (ctypes.c_ulonglong * 27)()
    _ptrace(_GET, pid, 0, registers)
    registers[_NUMBER_AGAIN], registers[_RESULT] = ctypes.c_ulonglong(-1).value, ctypes.c_ulonglong(-number).value
    _ptrace(_SET, pid, 0, registers)


def _filter(names: dict[int, str]) -> bytes:
    """Return a seccomp filter that stops at the calls *names*; at `open` only if it may write."""
    opening = [number for number, name in names.items() if name in _FLAGS]
    others = [number for number in names if number not in opening]
    lines = [(_LOAD, 0, 0, 0)]
    checks = [
        [(_LOAD, 0, 0, 16 + 8 * _FLAGS[names[number]]), (_AND, 0, 0, _OPEN_CHANGES), (_IF_EQUAL, 1, 0, 0)]
        for number in opening
    ]
    for number, check in zip(opening, checks, strict=True):
        check += [(_RETURN, 0, 0, _STOP), (_RETURN, 0, 0, _ALLOW)]
        lines += [(_IF_EQUAL, 0, len(check), number), *check]
    lines += [(_IF_EQUAL, len(others) - at, 0, number) for at, number in enumerate(others)]
    lines += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _STOP)]
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def _start(argv: list[str], names: dict[int, str]) -> int:
    """Start *argv* in a new process session, traced from the first call."""
    waits, goes = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(argv, waits, goes, _filter(names))
    os.close(waits)
    _ptrace(_SEIZE, pid, 0, ctypes.c_void_p(_OPTIONS))
    os.write(goes, b"x")
    os.close(goes)
    return pid


def _become(argv: list[str], waits: int, goes: int, code: bytes) -> NoReturn:
    signal.alarm(0)
    os.close(goes)
    os.setsid()
    os.read(waits, 1)
    os.close(waits)
    program = _Program(len(code) // 8, code)
    _libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if _libc.prctl(_SET_FILTER, _FILTER_MODE, ctypes.byref(program)) != 0:
        os._exit(126)
    os.execv(argv[0], argv)


def _overdue(_number: int, _frame: object) -> NoReturn:
    raise Overdue


def _trace(words: list[str], ended: Callable[[int], None]) -> None:
    log, number, after, action, tops, *argv = words
    tracer = Tracer(log, int(number), after, action, tops.split(":"))
    signal.signal(signal.SIGALRM, _overdue)
    signal.signal(signal.SIGTERM, _overdue)
    signal.alarm(LIMIT)
    try:
        tracer.run(argv, ended)
    except Overdue:
        print("overdue", *tracer.describe(), sep="\t", file=tracer.log, flush=True)
        tracer.kill(tracer.pids)
        ended(124)


def main() -> None:
    """Trace the program in the arguments and exit with its code. The tracer stays while its children run."""
    reads, writes = os.pipe()
    if os.fork() == 0:
        os.close(reads)
        try:
            _trace(sys.argv[1:], lambda code: void(os.write(writes, bytes([code if code >= 0 else 128 - code]))))
        finally:
            os._exit(0)
    os.close(writes)
    os._exit((os.read(reads, 1) or b"\x7f")[0])


def void(_value: object) -> None:
    """Ignore *_value*."""


if __name__ == "__main__":
    main()
