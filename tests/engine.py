"""A Docker engine of the tests' own: data, socket and networks apart from any other on this machine."""

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

from tests import guard

IMAGE = "tally-sessions-busybox:1"
_NEEDED = ("dockerd", "docker", "docker-compose", "busybox", "setpriv")
_PATIENCE = 30.0  # seconds for the engine to answer
# A test run that is killed takes it along.
_WITH_US = ("setpriv", "--pdeathsig", "TERM")
# It needs neither the firewall, which another engine may be using, nor a bridge of its own.
_OPTIONS = (
    "--bridge=none --iptables=false --ip6tables=false --ip-forward=false"
    " --default-address-pool=base=10.213.0.0/16,size=24"
).split()


class NoEngineError(Exception):
    """Why no engine can run here."""


@dataclass
class Engine:
    """An engine that runs, with the image IMAGE: a static busybox."""

    top: Path
    process: "subprocess.Popen[bytes]"
    helpers: dict[int, psutil.Process] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """What DOCKER_HOST must be to reach it."""
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
        """Take everything away, whoever made it."""
        if ids := self.docker("ps", "-aq").split():
            self.docker("rm", "--force", "--volumes", *ids)
        self.docker("network", "prune", "--force")
        if names := self.docker("volume", "ls", "-q").split():
            self.docker("volume", "rm", *names)

    def remember(self) -> None:
        """Note its own processes, by the directory that they were given: those that outlive it are ended with it."""
        for process in psutil.process_iter(["cmdline"]):
            if any(str(self.top) in word for word in process.info["cmdline"] or ()):
                self.helpers[process.pid] = process

    def end(self) -> None:
        """End it and what it started."""
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
    if missing := [name for name in _NEEDED if shutil.which(name) is None]:
        raise NoEngineError(f"not installed: {', '.join(missing)}")
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
    """Have *top* be the sandbox of what is started, while no test has one."""
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
    """Have an engine run; raises `NoEngineError` where there can be none."""
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
