"""Two hosts on this machine. Each has a real sshd, its own HOME, keys, state and tmux server."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from testing import marked, missing, port_slot, spaces
from testing.project import INV, Project, eventually

SSHD = missing.find_program("sshd")
_SEPARATION = Path("/run/sshd")  # sshd needs this empty directory, which usually a boot script creates

_CONFIG = """Port {port}
ListenAddress {address}
HostKey {top}/host_key
PidFile none
AuthorizedKeysFile {top}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
LogLevel ERROR
SetEnv HOME={top}/home TMUX_TMPDIR={top}/tmux XDG_STATE_HOME={top}/state XDG_CACHE_HOME={cache} SHELL=/bin/bash \
LANG=C.UTF-8 PATH={top}/bin:{path}
"""


def _key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path.with_name(path.name + ".pub").read_text()


def _killed(process: psutil.Process) -> bool:
    """Kill *process* if it is the sshd of a connection and still running."""
    try:
        if process.name().startswith("sshd"):
            process.send_signal(signal.SIGKILL)
            return True
    except psutil.NoSuchProcess:
        pass
    return False


@dataclass
class Machine:
    """The host *name*, in a directory of *top*."""

    name: str
    top: Path
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    address: str = "127.0.0.1"
    space: str = ""  # the network namespace that it is in; ports are its own there

    @property
    def home(self) -> Path:
        return self.top / "home"

    @property
    def main(self) -> Path:
        """The host's checkout."""
        return self.home / "dev" / "tally"

    def make(self, user_key: str) -> None:
        """Create its directories and keys."""
        for place in ("home", "tmux", "state", "bin"):
            (self.top / place).mkdir(parents=True)
        sandbox_home = Path(os.environ["HOME"])
        for name in (".gitconfig", ".bash_profile"):
            shutil.copy(sandbox_home / name, self.home / name)
        (self.home / ".bashrc").write_text(f'PS1="$ "\nPATH={self.top}/bin:{os.environ["PATH"]}\n')
        first = port_slot.own() + (0 if self.space else 3 if self.name == "alpha" else 6)
        ports = f"session: {{ports: {{backend_port: {8000 + first}, frontend_port: {5000 + first}}}}}\n"
        (self.home / ".invoke.yaml").write_text(ports)
        _key(self.top / "host_key")
        (self.top / "authorized_keys").write_text(user_key)
        # Of our own ports: one that is merely free now may be another test's sshd in a moment.
        self.port = 7000 + port_slot.own() + (8 if self.name == "alpha" else 9)
        cache = sandbox_home / ".cache"
        text = _CONFIG.format(top=self.top, port=self.port, address=self.address, path=os.environ["PATH"], cache=cache)
        (self.top / "sshd_config").write_text(text)

    @property
    def known(self) -> str:
        """Its line of known_hosts."""
        return f"[{self.address}]:{self.port} {(self.top / 'host_key.pub').read_text()}"

    def start(self) -> None:
        """Start its sshd and wait until it listens."""
        log = (self.top / "sshd.log").open("ab")
        argv = [SSHD, "-D", "-e", "-f", str(self.top / "sshd_config")]
        argv = ["ip", "netns", "exec", self.space, *argv] if self.space else argv
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()

        def listens() -> bool:
            with socket.socket() as trial:
                return trial.connect_ex((self.address, self.port)) == 0

        eventually(listens)

    def stop(self) -> None:
        """End its sshd. Open connections stay."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def cut(self) -> int:
        """Kill the sshd processes of open connections, and return how many there were."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children(recursive=True)
        return sum(_killed(child) for child in children)

    def put(self, program: str, text: str) -> None:
        """Put a *program* before all others on its PATH."""
        path = self.top / "bin" / program
        path.write_text(text)
        path.chmod(0o755)

    def end(self) -> None:
        """End everything that runs on it."""
        self.stop()
        for process, _environment in marked.marked_processes(self.home):
            with suppress(psutil.Error):
                process.kill()
        if self.space:
            spaces.end(self.space)


@dataclass
class Fleet:
    """The project *here* and its two hosts."""

    here: Project
    alpha: Machine
    beta: Machine
    hosts: dict[str, str]

    def ssh(self, machine: Machine, command: str, check: bool = True) -> str:
        """Run a shell command on *machine*."""
        done = subprocess.run(["ssh", machine.name, command], capture_output=True, text=True, check=check)
        return done.stdout.strip()

    def configure(self, **more: str) -> None:
        """Write the hosts, and those that are given by their YAML, into the person's configuration."""
        self.hosts.update(more)
        listed = "\n".join(f"    {name}: {text}" for name, text in self.hosts.items())
        first = port_slot.own()
        (Path(os.environ["HOME"]) / ".invoke.yaml").write_text(
            f"session:\n  ports: {{backend_port: {8000 + first}, frontend_port: {5000 + first}}}\n"
            f"  host_timeout: 20\n  hosts:\n{listed}\n"
        )

    def session(self, name: str) -> dict[str, object]:
        """Return the session as `fleet.list --json` shows it."""
        found = self.here.inv("fleet.list", "--json").json
        return next((each for each in found if each.get("name") == name), {})


def entry(name: str, **more: object) -> str:
    """Return the YAML of a host, whose `inv` is the one that runs the tests."""
    facts = {"host": name, "path": "~/dev/tally", "max_sessions": 4, "python": sys.executable, "inv": INV, **more}
    return "{" + ", ".join(f"{key}: {value}" for key, value in facts.items() if value is not None) + "}"


def make(sandbox: Path, here: Project, apart: bool = False) -> Fleet:
    """Start both hosts, *apart* each in a namespace, put an ssh that knows them on PATH; return the fleet of *here*."""
    if os.geteuid() == 0:
        _SEPARATION.mkdir(mode=0o755, exist_ok=True)
    keys = sandbox / "home" / ".ssh"
    keys.mkdir(mode=0o700)
    user_key = _key(keys / "id")
    alpha, beta = Machine("alpha", sandbox / "alpha"), Machine("beta", sandbox / "beta")
    for number, machine in enumerate((alpha, beta) if apart else ()):
        machine.space, machine.address = spaces.make(number)
    known, lines = keys / "known_hosts", []
    for machine in (alpha, beta):
        machine.make(user_key)
        machine.start()
        lines += [f"Host {machine.name}", f"  HostName {machine.address}", f"  Port {machine.port}"]
    known.write_text(alpha.known + beta.known)
    lines += ["Host *", f"  IdentityFile {keys / 'id'}", "  IdentitiesOnly yes", f"  UserKnownHostsFile {known}"]
    lines += [
        "  GlobalKnownHostsFile /dev/null",
        "  KexAlgorithms curve25519-sha256",
    ]  # cheaper to generate than the default
    (keys / "config").write_text("\n".join(lines) + "\n")
    ssh = sandbox / "bin" / "ssh"  # ssh reads its configuration from the user's home in passwd, not from HOME
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh", path="/usr/bin:/bin")} -F {keys / "config"} "$@"\n')
    ssh.chmod(0o755)
    fleet = Fleet(here, alpha, beta, {name: entry(name) for name in ("alpha", "beta")})
    fleet.configure()
    return fleet
