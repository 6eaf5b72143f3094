"""The hosts at the last look: Tab offers their sessions without waiting, and what is remembered is asked first."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from ..errors import SessionError
from ..model import Repository
from ..system import files, shape

Ports = Mapping[str, Iterable[int]]  # by session
_HOST = shape.fields_form(
    {"sessions": shape.table_form(shape.list_form(shape.COUNT))},
    {"seconds": shape.NUMBER, "silent": shape.TEXT, "at": shape.NUMBER},
)
_SILENT_FOR = 60.0  # seconds for which a host that didn't answer is not asked again


class Known(NamedTuple):
    """What is known of a host: its sessions with their ports, and how it answered last."""

    sessions: dict[str, list[int]]
    seconds: float = 0.0  # until its first sign of life
    silent: str = ""  # why it didn't answer
    at: float = 0.0  # when that was

    @property
    def silence(self) -> float:
        """Since how many seconds it is known not to answer; 0 when it has to be asked again."""
        since = time.time() - self.at
        return max(since, 0.1) if self.silent and 0 <= since < _SILENT_FOR else 0.0


def read_hosts(repository: Repository) -> dict[str, Known]:
    """Return what is known, by host, as far as the file has any that is usable."""
    try:
        content = shape.read_json(_file(repository), shape.fields_form({}))
    except (OSError, SessionError):
        return {}
    return {host: Known(**facts) for host, facts in content.items() if shape.fits(facts, _HOST)}


def read_host_names(repository: Repository) -> dict[str, list[str]]:
    """Return the names of the sessions by host."""
    return {host: list(known.sessions) for host, known in read_hosts(repository).items() if known.sessions}


def read_ports(repository: Repository) -> set[int]:
    """Return the ports of the sessions of all hosts."""
    return {port for known in read_hosts(repository).values() for own in known.sessions.values() for port in own}


def note_answers(repository: Repository, answered: Mapping[str, tuple[Ports, float]], hosts: Iterable[str]) -> None:
    """Store what the hosts *answered*, and after how long; forget hosts that are no longer among *hosts*."""
    now = {
        host: Known({name: list(own) for name, own in sessions.items()}, round(seconds, 2))
        for host, (sessions, seconds) in answered.items()
    }
    known = {**read_hosts(repository), **now}
    _write(repository, {host: known[host] for host in known if host in set(hosts)})


def note_silence(repository: Repository, silent: Mapping[str, str]) -> None:
    """Store which hosts are *silent* now, and why: they are not asked again for a minute."""
    if silent:
        known = read_hosts(repository)
        now = {host: known.get(host, Known({}))._replace(silent=why, at=time.time()) for host, why in silent.items()}
        _write(repository, {**known, **now})


def note_host_of_session(repository: Repository, name: str, *hosts: str, ports: Iterable[int] = ()) -> None:
    """Store that the session *name* is on *hosts* now, with those *ports*; without a host, that it is nowhere."""
    known = read_hosts(repository)
    own = [*ports] or [port for each in known.values() for port in each.sessions.get(name, [])]
    for host in {**known, **dict.fromkeys(hosts)} if name else ():
        sessions = {each: held for each, held in known.get(host, Known({})).sessions.items() if each != name}
        sessions |= {name: own} if host in hosts else {}
        known[host] = known.get(host, Known({}))._replace(sessions=sessions)
    _write(repository, known)


def _write(repository: Repository, hosts: Mapping[str, Known]) -> None:
    kept = {host: known._asdict() for host, known in hosts.items() if known.sessions or known.silent or known.seconds}
    try:
        if kept:
            _file(repository).parent.mkdir(mode=0o700, exist_ok=True)
            files.write_cache(_file(repository), json.dumps(kept) + "\n")
        else:
            _file(repository).unlink(missing_ok=True)
    except OSError:
        pass  # Tab offers less, which is no reason to fail


def _file(repository: Repository) -> Path:
    return repository.private / "fleet.json"
