"""The command lines that reach a host: OpenSSH's, or whatever prefix gives a shell there."""

from __future__ import annotations

import functools
import os
import re
import shlex
import sys
from pathlib import Path

from ..errors import SessionError
from ..system import shell, startup
from .host import Host

# Programs come on stdin, so that nothing of theirs passes a login shell, whichever it is, or shows in `ps`.
_BOOT = "import sys;s=sys.stdin.buffer;exec(s.read(int(s.readline())))"
# Where stdin is the terminal they come as one word of letters and digits.
_BOOT_ARGUMENT = "import sys,binascii;exec(binascii.unhexlify(sys.argv[1]))"
_LONGEST = 103  # bytes of a socket's path, on macOS
_NAME = 58  # those that `%C` and ssh's own ending take, with the slash
_LASTING = 60  # seconds that a connection stays open for the next command
_CONFIGURED = 5.0  # seconds in which ssh reads its configuration
_BOXES = ("docker", "podman", "kubectl", "nerdctl")  # whose `-i` gives no terminal


def ssh_options(host: Host) -> list[str]:
    """Return ssh and the options that hold for every use of it; everything else is for ~/.ssh/config to say."""
    wait = max(int(host.timeout), 1)
    settings = (
        "BatchMode=yes", "StrictHostKeyChecking=yes", f"ConnectTimeout={wait}",
        "ServerAliveInterval=5", "ServerAliveCountMax=3", "RemoteCommand=none", *_sharing(host.destination),
    )  # fmt: skip
    return ["ssh", *(word for option in settings for word in ("-o", option))]


@functools.cache
def _sharing(destination: str) -> tuple[str, ...]:
    """Return the options that let commands share a connection; none where the person's configuration has its own."""
    directory = _sockets()
    if not directory or configured_facts(destination).get("controlpath", "none") != "none":
        return ()
    return "ControlMaster=auto", f"ControlPath={directory}/%C", f"ControlPersist={_LASTING}"


_SPECIAL = re.compile(r"[\s%$\"'\\]")  # ssh would split a path there, or put something in its place


def _sockets() -> str:
    """Return our private directory for the sockets of connections; empty where ssh can't use their paths."""
    for variable in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
        if variable == "XDG_RUNTIME_DIR" and not os.path.isdir(os.environ.get(variable, "")):
            continue
        place = startup.own_directory(variable, "~/.local/state") / "ssh"
        is_plain = not _SPECIAL.search(str(place))
        if is_plain and len(os.fsencode(place)) + _NAME <= _LONGEST and _is_private(place):
            return str(place)
    return ""


def _is_private(place: Path) -> bool:
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = place.lstat()
    except OSError:
        return False
    return status.st_uid == os.geteuid() and not status.st_mode & 0o077 and not place.is_symlink()


@functools.cache
def configured_facts(destination: str) -> dict[str, str]:
    """Return what ssh's configuration says of *destination*, by its lower-case keys; nothing where ssh fails."""
    try:
        said = shell.read_output("ssh", "-G", destination, check=False, seconds=_CONFIGURED)
    except SessionError:
        return {}
    return {key: value for key, _, value in (line.partition(" ") for line in said.splitlines())}


def is_connected(host: Host) -> bool:
    """Return whether a shared connection to *host* is open."""
    return not host.via and _ask_master(host, "check")


def close_connection(host: Host) -> None:
    """Close the shared connection to *host*, if there is one of ours."""
    if not host.via and _sharing(host.destination):
        _ask_master(host, "exit")


def _ask_master(host: Host, what: str) -> bool:
    try:
        shell.read_output(*ssh_options(host), "-O", what, host.destination, seconds=_CONFIGURED)
    except SessionError:
        return False
    return True


def program_command(host: Host) -> list[str]:
    """Return what starts, on *host*, the Python program that its stdin brings."""
    if not host.destination:
        return [sys.executable, "-c", _BOOT]
    return _shell_command(host, f"exec {host.python} -c '{_BOOT}'")


def argument_command(host: Host, source: str, *arguments: str) -> list[str]:
    """Return what runs the Python program *source* on *host*, whose stdin is free."""
    words = " ".join([source.encode().hex(), *arguments])
    return _shell_command(host, f"exec {host.python} -c '{_BOOT_ARGUMENT}' {words}")


def interactive_command(host: Host, source: str) -> list[str]:
    """Return what runs the Python program *source* on *host* in our terminal."""
    line = f"exec {host.python} -c '{_BOOT_ARGUMENT}' {source.encode().hex()}"
    if not host.via:
        return [*ssh_options(host), "-t", host.destination, line]
    is_box = host.via[0].rpartition("/")[2] in _BOXES
    return [*("-it" if is_box and word == "-i" else word for word in host.via), "sh", "-c", line]


def script_command(host: Host, *arguments: str) -> list[str]:
    """Return what runs, on *host*, the shell script that its stdin brings; *arguments* need no quoting."""
    return _shell_command(host, " ".join(["exec", "sh", "-s", "--", *arguments]))


def _shell_command(host: Host, line: str) -> list[str]:
    if host.via:
        return [*host.via, "sh", "-c", line]
    return [*ssh_options(host), "-T", "-o", "ClearAllForwardings=yes", host.destination, line]


def shown_command(host: Host) -> str:
    """Return the command with which a person looks whether *host* answers."""
    return shlex.join([*host.via, "sh"]) if host.via else f"ssh {host.destination}"


def git_environment(host: Host) -> dict[str, str]:
    """Return the environment in which git reaches *host* as we do."""
    command, variant = shlex.join([*ssh_options(host), "-o", "ClearAllForwardings=yes"]), "ssh"
    if host.via:  # git hands over a host, which the prefix knows, and a command line
        command, variant = f'reach() {{ shift; exec {shlex.join(host.via)} sh -c "$1"; }}; reach', "simple"
    return {
        **shell.clean_environment(), "GIT_SSH_COMMAND": command, "GIT_SSH_VARIANT": variant, "GIT_TERMINAL_PROMPT": "0"
    }  # fmt: skip


def git_url(host: Host) -> str:
    """Return the address of the checkout on *host* for git."""
    return f"{host.destination}:{host.path}" if host.destination else host.path
