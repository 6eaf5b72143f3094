"""Run programs in forks of a process with all imports done, which are most of the time of an `inv`.

What runs is the same as in a new process: its own environment, directory, streams, signals and end. Only modules are
loaded before it asks for them; the tests of what is imported, and when, start real processes.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

_LIMIT = 120.0  # seconds
# Python reads these variables only when it starts.
_AT_START = ("LANG", "LC_ALL", "LC_CTYPE", "PYTHON")

_server: tuple[subprocess.Popen[bytes], str] | None = None


def start() -> None:
    """Start the server. It ends with this process."""
    global _server
    address = str(Path(tempfile.mkdtemp(prefix="ts-fork-")) / "socket")
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    process = subprocess.Popen([sys.executable, __file__, address], stdin=subprocess.PIPE, env=environment)
    _server = process, address


def stop() -> None:
    """End the server."""
    global _server
    if _server is not None:
        process, address = _server
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=60)
        Path(address).unlink(missing_ok=True)
        Path(address).parent.rmdir()
        _server = None


def suits(env: Mapping[str, str]) -> bool:
    """Return whether a program with *env* in addition behaves the same in a fork."""
    return not any(name.startswith(_AT_START) for name in env)


def run(argv: list[str], cwd: Path, env: Mapping[str, str]) -> tuple[int, str, str]:
    """Run the Python program *argv* and return its exit code (negative: by that signal), stdout and stderr."""
    assert _server is not None
    with socket.socket(socket.AF_UNIX) as line, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        _connect(line, _server[1])
        request = json.dumps({"argv": argv, "cwd": str(cwd), "env": dict(env)}).encode()
        socket.send_fds(line, [len(request).to_bytes(8, "big")], [out.fileno(), err.fileno()])
        line.sendall(request)
        reply = line.makefile()
        child = int(reply.readline())
        timer = threading.Timer(_LIMIT, os.kill, (child, signal.SIGKILL))
        timer.start()
        code = int(reply.readline())
        timer.cancel()
        return code, _said(out), _said(err)


def _connect(line: socket.socket, address: str) -> None:
    while True:
        try:
            return line.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            if _server is not None and _server[0].poll() is not None:
                raise RuntimeError(
                    "the server ended: see above which import failed. Run: pip install '.[test]'"
                ) from None
            time.sleep(0.01)


def _said(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode()


def _serve(address: str) -> None:
    """Return in the fork that is to run a program; the server itself never returns."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    ends, waking = os.pipe()
    os.set_blocking(waking, False)
    signal.set_wakeup_fd(waking)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    lines: dict[int, socket.socket] = {}  # to who waits for the end of which process
    while True:
        ready, _, _ = select.select([listener, sys.stdin, ends], [], [])
        if sys.stdin in ready:
            os._exit(0)
        if ends in ready:
            os.read(ends, 4096)
            _tell_ends(lines)
        if listener in ready and _begin(listener.accept()[0], lines):
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            os.close(ends)
            os.close(waking)
            return


def _begin(line: socket.socket, lines: dict[int, socket.socket]) -> bool:
    """Fork for the request on *line*; return True in that fork, which has become the program."""
    size, descriptors, _, _ = socket.recv_fds(line, 8, 2)
    try:
        request = json.loads(line.makefile().read(int.from_bytes(size, "big")))
    except ValueError:  # whoever asked was stopped meanwhile
        line.close()
        return False
    child = os.fork()
    if child == 0:
        for each in (line, *lines.values()):
            each.close()
        _become(request, descriptors)
        return True
    for descriptor in descriptors:
        os.close(descriptor)
    lines[child] = line
    with suppress(OSError):
        line.sendall(f"{child}\n".encode())
    return False


def _tell_ends(lines: dict[int, socket.socket]) -> None:
    """Tell how each process ended that has, to who waits for it."""
    while lines:
        child, status = os.waitpid(-1, os.WNOHANG)
        if child == 0:
            return
        with lines.pop(child) as line, suppress(OSError):  # who waited may have ended
            line.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _become(request: dict[str, Any], descriptors: list[int]) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in zip((nothing, *descriptors), range(3), strict=True):
        os.dup2(source, target)
        os.close(source)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    sys.argv = request["argv"]
    sys.path[0] = str(Path(sys.argv[0]).parent)


def _preload() -> None:
    """Import Invoke, what the tasks use, and the tasks of this checkout."""
    top = Path(__file__).resolve().parents[1]
    sys.path.insert(1, str(top))
    os.environ["LIBTMUX_TMUX_FORMAT_SEPARATOR"] = "|tally|"  # as the tasks do before they import it
    for name in ("invoke.main", "psutil", "tabulate", "dotenv", "sqlite3", "hashlib", "libtmux", "fabric"):
        importlib.import_module(name)
    # Scripts run on another machine; the collection looks at what is asked of this one when it is loaded.
    for file in sorted({*(top / "tasks").rglob("*.py")} - {top / "tasks" / "collection.py"}):
        if "remote_scripts" not in file.parts:
            importlib.import_module(".".join(file.relative_to(top).with_suffix("").parts))
    del sys.path[1]


def _end(said: str | int | None) -> None:
    """End as Python does on `sys.exit`, without freeing what was preloaded: that would copy every page of it."""
    if isinstance(said, str):
        print(said, file=sys.stderr)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(1 if isinstance(said, str) else said or 0)


if __name__ == "__main__":
    _preload()
    gc.collect()
    gc.freeze()
    gc.disable()  # a collection in a fork would copy the pages of what it visits, and what it frees is freed by its end
    _serve(sys.argv[1])
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        _end(end.code)
