"""Runs programs in forks of one process that has imported what they will: that is most of what an `inv` costs.

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
from pathlib import Path
from typing import IO, Any

_LIMIT = 120.0  # seconds
# What Python itself reads only when it starts.
_AT_START = ("LANG", "LC_ALL", "LC_CTYPE", "PYTHON")

_server: tuple[subprocess.Popen[bytes], str] | None = None


def start() -> None:
    """Start the server; it ends with this process."""
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
        process.wait(timeout=10)
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
            time.sleep(0.01)


def _said(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode()


def _serve(address: str) -> None:
    """Return in the fork that is to run a program; the server itself never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            os._exit(0)
        line, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            if _attend(line):
                return
        line.close()


def _attend(line: socket.socket) -> bool:
    """Fork once more, tell how that ended, and end; return True in that fork, which has become the program."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, descriptors, _, _ = socket.recv_fds(line, 8, 2)
    request = json.loads(line.makefile().read(int.from_bytes(size, "big")))
    child = os.fork()
    if child == 0:
        line.close()
        _become(request, descriptors)
        return True
    line.sendall(f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    line.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


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
    for name in ("invoke.main", "psutil", "tabulate", "dotenv", "sqlite3"):
        importlib.import_module(name)
    for file in (top / "tasks").rglob("*.py"):
        if "sent" not in file.parts:  # those run on another machine
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
    gc.freeze()  # a collection in a fork would copy the pages of what it visits
    _serve(sys.argv[1])
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        _end(end.code)
