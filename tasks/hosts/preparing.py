"""Making a host ready: what it lacks, its checkout, its virtualenv, the files that git does not know."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path

from .. import git, shell
from ..errors import SessionError
from ..machine import copying
from ..model import Repository
from . import branches, openssh, relaying
from .machine import VENV, Host
from .sent import files

REQUIREMENTS = (
    "invoke>=2.2",
    "libtmux>=0.40",
    "python-dotenv>=1.2",
    "tabulate>=0.9",
    "psutil>=6",
    "prompt_toolkit>=3.0.43",
)
_OLDEST = {"git": (2, 25), "tmux": (3, 2), "python": (3, 10), "node": (0, 0)}
_HOME = "~"
_PATIENCE = 3  # times the timeout: it starts five programs
_LOOK = r"""
PATH="$PATH:$HOME/.local/bin:/opt/homebrew/bin:/usr/local/bin"
said() { printf '%s|' "$1"; shift; "$@" 2>/dev/null | tr '\n' ' '; echo; }
said git git --version
said tmux tmux -V
said python "$1" --version
said node node --version
said venv "$1" -c 'import ensurepip; print(1.0)'
"""


def lacking(host: Host, repository: Repository) -> list[str]:
    """Return what *host* lacks, each with what to do; raises `SessionError` when it cannot be reached."""
    said = dict(line.split("|", 1) for line in _look(host).splitlines() if "|" in line)
    wanted = ["git", "tmux", "python"]
    wanted += ["node"] if git.read(repository.main, "ls-files", "package.json", "*/package.json") else []
    found = [problem for program in wanted if (problem := _problem(host, program, said.get(program, "")))]
    if host.makes_venv and said.get("python") and not said.get("venv"):
        found.append("Python's ensurepip is missing; install the package python3-venv")
    return found


def _look(host: Host) -> str:
    """Return what the script says, which needs no Python over there."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        openssh.script(host, host.python), stdin=pipe, stdout=pipe, stderr=pipe, text=True, errors="replace",
        env=shell.environment(), start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(_LOOK, timeout=max(host.timeout, 1) * _PATIENCE)
    except subprocess.TimeoutExpired:
        raise SessionError(f"{host.name}: no answer within {host.timeout * _PATIENCE:g} s") from None
    finally:
        relaying.end(process)
        process.wait()
    if process.returncode:
        raise openssh.failure(host, process.returncode, err)
    return out


def _problem(host: Host, program: str, said: str) -> str:
    oldest = ".".join(map(str, _OLDEST[program]))
    called = f" as {host.python} (session.hosts.{host.name}.python)" if program == "python" else ""
    numbers = re.search(r"(\d+)\.(\d+)", said)
    if not said.strip():
        wanted = f", expected {oldest} or newer" if program != "node" else ", the project has a package.json"
        return f"{program} is missing{called}{wanted}; install the package {program}"
    if numbers and (int(numbers[1]), int(numbers[2])) < _OLDEST[program]:
        return f"{program} {numbers[0]} is too old{called}; expected {oldest} or newer: update the package {program}"
    return ""


def checkout(host: Host, repository: Repository) -> str:
    """Make the checkout on *host*, or bring it to our commit, and return what was done."""
    branch = git.read(repository.main, "symbolic-ref", "--short", "--quiet", "HEAD", check=False).strip()
    commit = git.commit(repository, "HEAD")
    if not branch or not commit:
        raise SessionError("HEAD here is no branch with commits; check one out: git checkout main")
    home = Host(host.name, host.destination, _HOME, 0, host.python, host.inv, host.timeout)
    made = relaying.call(home, "checkout", "create", host.path, branch)["created"]
    found = branches.send(repository, host, branch, commit)
    if found["state"] == "diverged":
        raise SessionError(
            f"{branch} on {host.name} has {found['count']} commits that are not here; merge them:"
            f" git pull {openssh.url(host)} {branch}"
        )
    state = f"at {commit[:12]}" if found["state"] != "ahead" else f"{found['count']} commits ahead of here; left so"
    return f"{'made' if made else 'has'} {host.path}, {branch} {state}"


def dependencies(host: Host) -> str:
    """Make sure that `inv` runs on *host* with what these tasks import, and return what was done."""
    if not host.makes_venv:
        said = relaying.ask(host, [*host.inv, "--version"]).decode(errors="replace").strip()
        return f"{host.inv[0]} is {said}"
    python = f"{VENV}/bin/python"
    try:
        relaying.ask(host, [python, "-c", "import invoke, libtmux, dotenv, tabulate, psutil, prompt_toolkit"])
    except SessionError:
        relaying.ask(host, [host.python, "-m", "venv", "--clear", VENV])
        install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS)
        relaying.ask(host, [python, *install])
        return f"made {VENV} with {', '.join(word.split('>')[0] for word in REQUIREMENTS)}"
    return f"has {VENV}"


def standing(host: Host, repository: Repository, paths: list[str]) -> dict[str, str]:
    """Return how each of *paths* that exists here stands on *host*: `missing`, `same` or `other`."""
    there = [path for path in paths if (repository.main / path).exists()]
    if not there:
        return {}
    with tempfile.TemporaryDirectory(prefix="tally-") as scratch:
        digests = {path: _digest(repository.main / path, Path(scratch, str(n))) for n, path in enumerate(there)}
    found = relaying.call(host, "files", "compare", data=lambda reader: reader.write(json.dumps(digests).encode()))
    return dict(found)


def _digest(source: Path, scratch: Path) -> str:
    copying.copy(source, scratch)  # a database is compared as it would be sent
    return "" if scratch.is_dir() else files.digest(str(scratch))


def send(host: Host, repository: Repository, paths: list[str]) -> list[str]:
    """Copy *paths* with their modes to *host*, a database consistently; nothing there is replaced."""
    with tempfile.TemporaryDirectory(prefix="tally-") as scratch:
        entries = []
        for number, path in enumerate(paths):
            place = Path(scratch, str(number))
            place.mkdir()
            (place / "path").write_text(path, encoding="utf-8")
            copying.copy(repository.main / path, place / "content")
            entries.append((str(number), str(place)))
        return list(relaying.call(host, "files", "take", data=lambda reader: files.pack(reader, entries)))
