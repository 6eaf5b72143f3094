"""The OpenSSH client: how it is called, and what its failures mean."""

from __future__ import annotations

import re
import shlex
import sys

from .. import shell
from ..errors import SessionError
from .machine import Host

# Programs come on stdin, so that nothing of theirs passes a login shell, whichever it is, or shows in `ps`.
_BOOT = "import sys;s=sys.stdin.buffer;exec(s.read(int(s.readline())))"
# Where stdin is the terminal they come as one word of letters and digits.
_BOOT_ARGUMENT = "import sys,binascii;exec(binascii.unhexlify(sys.argv[1]))"
_FACTS = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED|host key .* has changed",
        "its host key is not the one you know: another machine may answer in its place; ask who runs it, then:"
        " ssh-keygen -R {place}",
    ),
    ("Host key verification failed", "its host key is not known; to check and accept it: ssh {place}"),
    ("Permission denied", "it refuses your keys; to see why: ssh -v {place}; a key with a passphrase: ssh-add"),
    ("Could not resolve hostname", "no such machine is known; expected a name of ~/.ssh/config or DNS: ssh {place}"),
    ("timed out|not responding", "it does not answer; is it running? ssh {place}"),
    ("Connection refused|No route to host|unreachable", "it cannot be reached; is it running? ssh {place}"),
)


def options(host: Host) -> list[str]:
    """Return ssh and the options that hold for every use of it; everything else is for ~/.ssh/config to say."""
    wait = max(int(host.timeout), 1)
    said = (
        "BatchMode=yes", "StrictHostKeyChecking=yes", f"ConnectTimeout={wait}",
        "ServerAliveInterval=5", "ServerAliveCountMax=3", "RemoteCommand=none",
    )  # fmt: skip
    return ["ssh", *(word for option in said for word in ("-o", option))]


def program(host: Host) -> list[str]:
    """Return what starts, on *host*, the Python program that its stdin brings."""
    if not host.destination:
        return [sys.executable, "-c", _BOOT]
    return [*options(host), "-T", "-o", "ClearAllForwardings=yes", host.destination, f"exec {host.python} -c '{_BOOT}'"]


def interactive(host: Host, source: str) -> list[str]:
    """Return what runs the Python program *source* on *host* in our terminal."""
    word = source.encode().hex()
    return [*options(host), "-t", host.destination, f"exec {host.python} -c '{_BOOT_ARGUMENT}' {word}"]


def script(host: Host, *arguments: str) -> list[str]:
    """Return what runs, on *host*, the shell script that its stdin brings; *arguments* need no quoting."""
    words = " ".join(["exec", "sh", "-s", "--", *arguments])
    return [*options(host), "-T", "-o", "ClearAllForwardings=yes", host.destination, words]


def git_environment(host: Host) -> dict[str, str]:
    """Return the environment in which git reaches *host* as we do."""
    command = shlex.join([*options(host), "-o", "ClearAllForwardings=yes"])
    return {**shell.environment(), "GIT_SSH_COMMAND": command, "GIT_SSH_VARIANT": "ssh", "GIT_TERMINAL_PROMPT": "0"}


def url(host: Host) -> str:
    """Return the address of the checkout on *host* for git."""
    return f"{host.destination}:{host.path}" if host.destination else host.path


def failure(host: Host, code: int, stderr: str) -> SessionError:
    """Return the error that a question to *host* ended with *code*."""
    said = stderr.strip()
    if "bad line length character" in said:
        return SessionError(
            f"{host.name}: its shell prints something as it starts, which git takes for an answer;"
            " for example as the first line of ~/.bashrc over there: case $- in *i*) ;; *) return ;; esac"
        )
    if code == 255:
        for pattern, fact in _FACTS:
            if re.search(pattern, said):
                return SessionError(f"{host.name}: {fact.format(place=host.destination)}")
        last = said.splitlines()[-1] if said else "the connection was lost"
        return SessionError(f"{host.name}: {last}; to look: ssh {host.destination}")
    if code == 127 and host.python in said:
        return SessionError(f"{host.name}: {host.python} is missing; to see what else is: inv fleet.setup {host.name}")
    return SessionError(f"{host.name}: {said or f'exit code {code}'}" if not said.startswith(f"{host.name}:") else said)
