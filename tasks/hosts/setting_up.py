"""What `fleet.setup` does, in order; each step finds out whether it was done before."""

from __future__ import annotations

import stat
import sys

from .. import narration
from ..errors import SessionError
from ..machine import signals
from ..model import Repository
from . import preparing
from .machine import VENV, Host


def set_up(host: Host, repository: Repository, copy: list[str], agreed: bool) -> str:
    """Make *host* ready for sessions, and return what to do next.

    Files of *copy* go there when that is *agreed*, now or at the terminal. Raises `SessionError` with what it lacks.
    """
    with signals.raised():
        _set_up(host, repository, copy, agreed)
    return f"{host.name} is ready; to make a session there: inv fleet.add NAME --host {host.name}"


def _set_up(host: Host, repository: Repository, copy: list[str], agreed: bool) -> None:
    check(host, repository)
    with narration.step("checkout", f"{host.path} on {host.destination}"):
        done = preparing.checkout(host, repository)
    narration.say(f"             {done}")
    with narration.step("python", f"{host.inv[0]} on {host.destination}"):
        done = preparing.dependencies(host)
    narration.say(f"             {done}")
    missing = _missing(host, repository, copy)
    if missing:
        _agree(host, repository, missing, agreed)
        with narration.step("files", f"copy {', '.join(missing)}"):
            preparing.send(host, repository, missing)


def check(host: Host, repository: Repository) -> None:
    """Raise `SessionError` naming everything that *host* lacks."""
    with narration.step("host", f"git, tmux and Python on {host.destination}"):
        found = preparing.lacking(host, repository)
        if found:
            listed = "\n".join(f"    {each}" for each in found)
            raise SessionError(f"{host.name} lacks what sessions need:\n{listed}\nthen: inv fleet.setup {host.name}")


def plan(host: Host, repository: Repository, copy: list[str]) -> str:
    """Return what `set_up` would do, which changes nothing."""
    check(host, repository)
    try:
        missing = _missing(host, repository, copy)
    except SessionError:  # no checkout there to compare with
        missing = [path for path in copy if (repository.main / path).exists()]
    lines = [f"would make {host.path} or bring it forward, by git push to {host.destination}"]
    lines += [f"would make {host.path}/{VENV} with {' '.join(preparing.REQUIREMENTS)}"] if host.makes_venv else []
    lines += [f"would copy {_described(repository, path)}" for path in missing]
    return "\n".join(lines)


def _missing(host: Host, repository: Repository, copy: list[str]) -> list[str]:
    found = preparing.standing(host, repository, copy)
    for path in (path for path, how in found.items() if how == "other"):
        narration.notice(f"{path} is another on {host.name}; it is left as it is")
    return [path for path, how in found.items() if how == "missing"]


def _described(repository: Repository, path: str) -> str:
    status = (repository.main / path).stat()
    return f"{path} ({stat.filemode(status.st_mode)}, {status.st_size} bytes)"


def _agree(host: Host, repository: Repository, missing: list[str], agreed: bool) -> None:
    for path in missing:
        narration.say(f"  to {host.destination}: {_described(repository, path)}")
    if agreed:
        return
    again = f"these files are not copied until you agree: inv fleet.setup {host.name} --yes"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise SessionError(again)
    print(f"copy them to {host.destination}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise SessionError(again)
