"""The hosts of the configuration as values, and this machine as one of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from ..errors import SessionError
from ..model import Repository
from ..settings import Settings

VENV = ".git/tally-sessions/venv"
HERE = "here"


@dataclass(frozen=True)
class Host:
    """A machine that has a checkout at *path*; without a *destination* for ssh it is this one."""

    name: str
    destination: str
    path: str
    max_sessions: int
    python: str
    inv: tuple[str, ...]
    timeout: float
    makes_venv: bool = True  # whether inv is that of the virtualenv that setup makes


def here(repository: Repository) -> Host:
    """Return this machine."""
    inv = (sys.executable, "-m", "invoke")
    return Host(HERE, "", str(repository.main), 0, sys.executable, inv, 0)


def configured(settings: Settings) -> list[Host]:
    """Return every host of *settings*; raises `SessionError` when there is none."""
    if not settings.hosts:
        example = "session: {hosts: {devbox: {host: dev@devbox, path: ~/Dev/tally}}}"
        raise SessionError(f"no host is configured; for example in ~/.invoke.yaml: {example}")
    return [_host(name, facts, settings.host_timeout) for name, facts in settings.hosts.items()]


def _host(name: str, facts: dict[str, str | int], timeout: float) -> Host:
    inv = str(facts.get("inv", f"{VENV}/bin/inv"))
    return Host(
        name, str(facts["host"]), str(facts["path"]), int(facts.get("max_sessions", 8)),
        str(facts.get("python", "python3")), (inv,), timeout, "inv" not in facts,
    )  # fmt: skip


def called(name: str, settings: Settings) -> Host:
    """Return the host *name*; raises `SessionError` with the known ones otherwise."""
    known = configured(settings)
    for host in known:
        if host.name == name:
            return host
    listed = ", ".join(host.name for host in known)
    fact = f"no host is called {name!r}" if name else "a host is needed: --host"
    raise SessionError(f"{fact}; known: {listed}; to add one: session.hosts in ~/.invoke.yaml")
