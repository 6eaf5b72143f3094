"""Making a host ready: its checkout, its dependencies, the files that git does not know."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from ..errors import SessionError
from ..model import Repository
from ..system import copy, progress, shape, shell, signals, terminal
from ..tools import git
from . import branches, reach, requirements, ssh, wheels
from .host import VENV, Host
from .remote_scripts import files

_OLDEST = {"git": (2, 25), "tmux": (3, 2), "python": (3, 10), "node": (0, 0)}
_HOME = "~"
_CREATED = shape.fields_form({"created": shape.SWITCH})
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


def list_lacking(host: Host, repository: Repository) -> list[str]:
    """Return what *host* doesn't have, each with what to do; raises `SessionError` when it cannot be reached."""
    versions = dict(line.split("|", 1) for line in _look(host).splitlines() if "|" in line)
    programs = ["git", "tmux", "python"]
    programs += ["node"] if git.read_git(repository.main, "ls-files", "package.json", "*/package.json") else []
    problems = [problem for program in programs if (problem := _problem(host, program, versions.get(program, "")))]
    if host.makes_venv and versions.get("python") and not versions.get("venv"):
        problems.append("Python's ensurepip is missing. Install the package python3-venv.")
    return problems


def _look(host: Host) -> str:
    """Return the output of the script, which needs no Python on the host."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        reach.script_command(host, host.python), stdin=pipe, stdout=pipe, stderr=pipe, env=shell.clean_environment(),
        start_new_session=True,
    )  # fmt: skip
    printed = ssh.Collected(process)
    ssh.write_relay(process, _LOOK.encode())
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()
    out, err = printed.wait(host, max(host.timeout, 1) * _PATIENCE)
    if process.returncode:
        raise ssh.ssh_failure(host, process.returncode, err.decode(errors="replace"))
    return out.decode(errors="replace")


def _problem(host: Host, program: str, version: str) -> str:
    oldest = ".".join(map(str, _OLDEST[program]))
    called = f" as {host.python} (session.hosts.{host.name}.python)" if program == "python" else ""
    numbers = re.search(r"(\d+)\.(\d+)", version)
    if not version.strip():
        expectation = f": {oldest} or newer is needed" if program != "node" else ", and the project has a package.json"
        return f"{program} is missing{called}{expectation}. Install the package {program}."
    if numbers and (int(numbers[1]), int(numbers[2])) < _OLDEST[program]:
        return f"{program} {numbers[0]} is too old{called}: {oldest} or newer is needed. Update the package {program}."
    return ""


def make_checkout(host: Host, repository: Repository) -> str:
    """Make the checkout on *host*, or bring it to our commit, and return what was done."""
    branch = git.read_git(repository.main, "symbolic-ref", "--short", "--quiet", "HEAD", check=False).strip()
    commit = git.resolve_commit(repository, "HEAD")
    if not branch or not commit:
        raise SessionError("No branch with commits is checked out here.\nRun: git checkout main")
    home = Host(host.name, host.destination, _HOME, 0, host.python, host.inv, host.timeout)
    is_new = ssh.call_program(home, "checkout", "create", host.path, branch, form=_CREATED)["created"]
    answer = branches.send_branch(repository, host, branch, commit)
    if answer["state"] == "diverged":
        raise SessionError(
            f"{branch} on {host.name} has {git.commits_text(answer['count'])} that you don't have. Merge them.\n"
            f"Run: git pull {reach.git_url(host)} {branch}"
        )
    state = (
        f"at {commit[:12]}"
        if answer["state"] != "ahead"
        else f"{git.commits_text(answer['count'])} ahead of this clone, left unchanged"
    )
    return f"{'Created' if is_new else 'Found'} {host.path}: {branch} is {state}."


def install_dependencies(host: Host, repository: Repository) -> str:
    """Make sure that `inv` runs on *host* with what these tasks import, and return what was done."""
    if not host.makes_venv:
        version = ssh.ask_program(host, [*host.inv, "--version"], seconds=ssh.QUESTION).decode(errors="replace").strip()
        return f"{host.inv[0]} is {version}."
    python = f"{VENV}/bin/python"
    packages = requirements.required_packages(repository)
    try:
        ssh.ask_program(host, [python, "-c", requirements.import_test()], seconds=ssh.QUESTION)
    except SessionError:
        ssh.ask_program(host, [host.python, "-m", "venv", "--clear", VENV])
        _install(host, repository, python, packages)
        return f"Created {VENV} with {', '.join(word.split('>')[0] for word in packages)}."
    return f"Found {VENV}."


def _install(host: Host, repository: Repository, python: str, packages: list[str]) -> None:
    """Install *packages* there, from PyPI or from wheels that are sent."""
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries=1", "--timeout=10")
    try:
        ssh.ask_program(host, [python, *install, *packages])
    except ssh.UnreachableError:
        raise
    except SessionError as error:
        progress.notice(f"{host.name} couldn't install its packages. Sending it wheels.")
        wheels.install_sent(host, repository, python, packages, error)


def compare_files(host: Host, repository: Repository, paths: list[str]) -> dict[str, str]:
    """Return for each of *paths* that exists here whether it is `missing`, the `same` or `other` on *host*."""
    existing = [path for path in paths if (repository.main / path).exists()]
    if not existing:
        return {}
    with tempfile.TemporaryDirectory(prefix="tally-") as scratch:
        digests = {path: _digest(repository.main / path, Path(scratch, str(n))) for n, path in enumerate(existing)}
    sent = json.dumps(digests).encode()
    answer = ssh.call_program(host, "files", "compare", form=shape.TEXT_TABLE, data=lambda reader: reader.write(sent))
    return dict(answer)


def _digest(source: Path, scratch: Path) -> str:
    copy.copy_file(source, scratch)  # a database is compared as it would be sent
    return "" if scratch.is_dir() else files.digest(str(scratch))


def send_files(host: Host, repository: Repository, paths: list[str]) -> list[str]:
    """Copy *paths* with their modes to *host*, a database consistently; nothing there is replaced."""
    with tempfile.TemporaryDirectory(prefix="tally-") as scratch:
        entries = []
        for number, path in enumerate(paths):
            place = Path(scratch, str(number))
            place.mkdir()
            (place / "path").write_text(path, encoding="utf-8")
            copy.copy_file(repository.main / path, place / "content")
            entries.append((str(number), str(place)))
        return list(
            ssh.call_program(host, "files", "take", form=shape.TEXTS, data=lambda reader: files.pack(reader, entries))
        )


def set_up_host(host: Host, repository: Repository, copy: list[str], agreed: bool) -> str:
    """Make *host* ready for sessions, and return what to do next.

    Files of *copy* go there when that is *agreed*, now or at the terminal. Raises `SessionError` with what is missing.
    """
    with signals.signals_raised():
        _set_up(host, repository, copy, agreed)
    return f"{host.name} is ready.\nNext: inv fleet.add NAME --host {host.name}"


def _set_up(host: Host, repository: Repository, copy: list[str], agreed: bool) -> None:
    check_host(host, repository)
    with progress.tell_step("checkout", f"{host.path} on {host.destination}"):
        outcome = make_checkout(host, repository)
    progress.say(f"             {outcome}")
    with progress.tell_step("python", f"{host.inv[0]} on {host.destination}"):
        outcome = install_dependencies(host, repository)
    progress.say(f"             {outcome}")
    missing = _missing(host, repository, copy)
    if missing:
        _agree(host, repository, missing, agreed)
        with progress.tell_step("files", f"copy {', '.join(missing)}"):
            send_files(host, repository, missing)


def check_host(host: Host, repository: Repository) -> None:
    """Raise `SessionError` naming everything that is missing on *host*."""
    with progress.tell_step("host", f"git, tmux and Python on {host.destination}"):
        problems = list_lacking(host, repository)
        if problems:
            listed = "\n".join(f"    {each}" for each in problems)
            raise SessionError(
                f"{host.name} doesn't have what sessions need:\n{listed}\nThen run: inv fleet.setup {host.name}"
            )


def setup_plan(host: Host, repository: Repository, copy: list[str]) -> str:
    """Return what `set_up` would do, which changes nothing."""
    check_host(host, repository)
    try:
        missing = _missing(host, repository, copy)
    except SessionError:  # no checkout there to compare with
        missing = [path for path in copy if (repository.main / path).exists()]
    lines = [f"Would create or update {host.path}, by git push to {host.destination}."]
    lines += (
        [f"Would create {host.path}/{VENV} with {' '.join(requirements.required_packages(repository))}."]
        if host.makes_venv
        else []
    )
    lines += [f"Would copy {_described(repository, path)}." for path in missing]
    return "\n".join(lines)


def _missing(host: Host, repository: Repository, copy: list[str]) -> list[str]:
    standings = compare_files(host, repository, copy)
    for path in (path for path, how in standings.items() if how == "other"):
        progress.notice(f"{path} is different on {host.name}. It was left unchanged.")
    return [path for path, how in standings.items() if how == "missing"]


def _described(repository: Repository, path: str) -> str:
    status = (repository.main / path).stat()
    return f"{path} ({stat.filemode(status.st_mode)}, {status.st_size} bytes)"


def _agree(host: Host, repository: Repository, missing: list[str], agreed: bool) -> None:
    for path in missing:
        progress.say(f"  to {host.destination}: {_described(repository, path)}")
    if agreed:
        return
    again = f"These files are copied only if you approve them.\nRun: inv fleet.setup {host.name} --yes"
    if not (terminal.can_ask() and terminal.ask_consent(f"Copy them to {host.destination}?")):
        raise SessionError(again)
