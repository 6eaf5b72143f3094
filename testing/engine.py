"""A Docker engine for the tests alone, with its own data, socket and networks."""

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from testing import guard, missing

IMAGE = "tally-sessions-busybox:1"
_NEEDED = ("dockerd", "docker", "docker-compose", "busybox", "setpriv")
_PATIENCE = 30.0  # seconds for the engine to answer
# It ends with the test run, even if that is killed.
_WITH_US = ("setpriv", "--pdeathsig", "TERM")
# It leaves the firewall alone, which another engine may use, and needs no bridge.
_OPTIONS = (
    "--bridge=none --iptables=false --ip6tables=false --ip-forward=false"
    " --default-address-pool=base=10.213.0.0/16,size=24"
).split()


class NoEngineError(Exception):
    """No engine can run here; the message says why."""


@dataclass
class Engine:
    """A running engine. It has one image, IMAGE: a static busybox."""

    top: Path
    process: "subprocess.Popen[bytes]"
    helpers: dict[int, psutil.Process] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The value of DOCKER_HOST for this engine."""
        return f"unix://{self.top / 'socket'}"

    def docker(self, *arguments: str, given: bytes | None = None, check: bool = True) -> str:
        """Run docker on this engine and return what it prints."""
        done = subprocess.run(
            ["docker", *arguments], input=given, env={**os.environ, "DOCKER_HOST": self.host}, capture_output=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert not (check and done.returncode), done.stderr.decode()
        return done.stdout.decode().strip()

    def world(self) -> dict[str, list[str]]:
        """Return every container, network and volume."""
        return {
            "containers": sorted(self.docker("ps", "-a", "--format", "{{.Names}} {{.State}}").splitlines()),
            "networks": sorted(self.docker("network", "ls", "--format", "{{.Name}}").splitlines()),
            "volumes": sorted(self.docker("volume", "ls", "--format", "{{.Name}}").splitlines()),
        }

    def clear(self) -> None:
        """Delete all containers, networks and volumes."""
        if ids := self.docker("ps", "-aq").split():
            self.docker("rm", "--force", "--volumes", *ids)
        self.docker("network", "prune", "--force")
        if names := self.docker("volume", "ls", "-q").split():
            self.docker("volume", "rm", *names)

    def remember(self) -> None:
        """Remember its processes, found by their directory, to end those that outlive it."""
        for process in psutil.process_iter(["cmdline"]):
            if any(str(self.top) in word for word in process.info["cmdline"] or ()):
                self.helpers[process.pid] = process

    def end(self) -> None:
        """End the engine and its processes."""
        self.remember()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        for process in self.helpers.values():
            try:
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(list(self.helpers.values()), timeout=5)
        for mount in [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]:
            if mount.startswith(str(self.top)):
                subprocess.run(["umount", "--lazy", mount], check=False)


def _start(top: Path) -> Engine:
    if os.geteuid() != 0:
        raise NoEngineError("only root can start one")
    if reason := missing.describe_missing(*_NEEDED):
        raise NoEngineError(reason)
    (top / "daemon.json").write_text("{}")
    with open(top / "log", "wb") as log:
        process = subprocess.Popen(
            [*_WITH_US, "dockerd", "--data-root", top / "data", "--exec-root", top / "run", "--pidfile", top / "pid",
             "--config-file", top / "daemon.json", "--host", f"unix://{top / 'socket'}", *_OPTIONS],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ), start_new_session=True,
        )  # fmt: skip
    engine = Engine(top, process)
    deadline = time.monotonic() + _PATIENCE
    while not engine.docker("version", "--format", "{{.Server.Version}}", check=False):
        if process.poll() is not None or time.monotonic() > deadline:
            said = (top / "log").read_text(errors="replace").strip().splitlines()[-1:]
            engine.end()
            raise NoEngineError(f"dockerd does not run: {' '.join(said)}")
        time.sleep(0.1)
    try:
        engine.docker("import", "-", IMAGE, given=_root_file_system())
        engine.docker("run", "--rm", "--network=none", IMAGE, "true")
    except AssertionError as error:
        engine.end()
        raise NoEngineError(f"no container runs: {error}") from None
    return engine


@contextmanager
def confined(top: Path) -> Iterator[None]:
    """Use *top* as the sandbox for processes that are started outside of a test."""
    keys = ("HOME", "TMUX_TMPDIR", "XDG_STATE_HOME")
    before = {key: os.environ.get(key) for key in keys}
    os.environ.update(dict.fromkeys(keys, str(top)))
    guard.enter(top)
    try:
        yield
    finally:
        guard.enter(None)
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


@contextmanager
def running() -> Iterator[Engine]:
    """Start an engine for the block. Raises `NoEngineError` where none can run."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    top = Path(tempfile.mkdtemp(prefix="te-", dir=memory)).resolve()
    try:
        with confined(top):
            engine = _start(top)
        try:
            yield engine
        finally:
            with confined(top):
                engine.clear()
                engine.end()
    finally:
        shutil.rmtree(top, ignore_errors=True)


def _root_file_system() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(str(shutil.which("busybox")), "bin/busybox")
        for name in ("cat", "echo", "false", "httpd", "sh", "sleep", "test", "true"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return buffer.getvalue()
