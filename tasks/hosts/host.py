"""The hosts of the configuration as values, and this machine as one of them."""

from __future__ import annotations

import shlex
import sys
from typing import Any, NamedTuple

from ..config import checks
from ..config.settings import Settings
from ..errors import SessionError, suggest_name
from ..model import Repository

VENV = ".git/tally-sessions/venv"
HERE = "here"


class Host(NamedTuple):
    """A machine that has a checkout at *path*; without a *destination* for ssh it is this one."""

    name: str
    destination: str
    path: str
    max_sessions: int
    python: str
    inv: tuple[str, ...]
    timeout: float
    makes_venv: bool = True  # whether inv is that of the virtualenv that setup makes
    via: tuple[str, ...] = ()  # the command that gives a shell there, instead of ssh
    labels: tuple[str, ...] = ()
    start: str = ""  # the command here that wakes it
    stop: str = ""  # the command here that stops it
    stop_idle: float = 0.0  # after so many seconds without use; 0: never


def this_machine(repository: Repository) -> Host:
    """Return this machine."""
    inv = (sys.executable, "-m", "invoke")
    return Host(HERE, "", str(repository.main), 0, sys.executable, inv, 0)


def configured_hosts(settings: Settings) -> list[Host]:
    """Return every host of *settings*; raises `SessionError` when there is none."""
    if not settings.hosts:
        example = "session: {hosts: {devbox: {host: dev@devbox, path: ~/Dev/tally}}}"
        raise SessionError(f"No hosts are configured.\nAdd one to ~/.invoke.yaml, for example: {example}")
    return [_host(name, facts, settings.host_timeout) for name, facts in settings.hosts.items()]


def _host(name: str, facts: dict[str, Any], timeout: float) -> Host:
    inv = str(facts.get("inv", f"{VENV}/bin/inv"))
    return Host(
        name, str(facts.get("host", name)), str(facts["path"]), int(facts.get("max_sessions", 8)),
        str(facts.get("python", "python3")), (inv,), timeout, "inv" not in facts,
        tuple(shlex.split(facts.get("via", ""))), tuple(facts.get("labels", ())), facts.get("start", ""),
        facts.get("stop", ""), checks.check_duration("stop_idle", facts["stop_idle"]) if "stop_idle" in facts else 0.0,
    )  # fmt: skip


def host_called(name: str, settings: Settings) -> Host:
    """Return the host *name*; raises `SessionError` with the known ones otherwise."""
    hosts = configured_hosts(settings)
    for host in hosts:
        if host.name == name:
            return host
    names = [host.name for host in hosts]
    if not name:
        raise SessionError(f"Which host? Give one with --host.\nHosts: {', '.join(names)}")
    raise SessionError(
        f'No host "{name}".{suggest_name(name, names, listed=True)}\nAdd one: session.hosts in ~/.invoke.yaml'
    )
