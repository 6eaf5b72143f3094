"""Which host gets a new session, and what the fleet has that it must not have: its name, and its ports."""

from __future__ import annotations

import getpass
import hashlib
import os
import shlex
import socket
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import getnode

from ..config.settings import Settings
from ..errors import SessionError
from ..model import Repository
from ..store import host_cache, ports, registry
from ..system import progress
from ..tools import git
from . import find, host
from .host import Host

_CLOSE = 0.2  # loads that differ less are the same: they change from second to second
_LEAST_DISK = 500 << 20  # bytes below which a host has no room
_GIGABYTE = 1 << 30

Room = Mapping[Host, Mapping[str, Any]]


class Choice(NamedTuple):
    """The hosts that can take a new session, the best first, and the ports that it must not have."""

    hosts: list[Host]
    ports: tuple[int, ...]


class Wish(NamedTuple):
    """What a person asks for: a session of that *name*, on the host *only*, or on one with a *label*."""

    name: str
    only: str = ""
    label: str = ""
    dry: bool = False


def choose_hosts(wish: Wish, settings: Settings, repository: Repository) -> Choice:
    """Return where a new session can be, the host with most room first.

    Raises `SessionError` when the name is taken anywhere, or somebody else is adding it, or no host has room.
    """
    hosts = host.configured_hosts(settings)
    name, wanted, token = wish.name, _wanted(hosts, wish, settings), clone_token(repository)
    question = claim_question(name, repository) if name and not wish.dry else "survey plain"
    surveyed = find.survey_hosts(hosts, settings, repository, question, wish.only)
    answers = {host: each for host, each in surveyed if not isinstance(each, SessionError)}
    silent = {host: str(each) for host, each in surveyed if isinstance(each, SessionError)}
    _refuse_taken(name, answers, repository)
    refuse_claimed(name, token, answers)
    for reason in (text for each, text in silent.items() if not wish.only or each in wanted):
        progress.notice(reason)
    able: Room = {each: answers[each] for each in answers if each in wanted}
    if not able:
        able = _woken([host for host in wanted if host.start], settings, repository)
    if not able:
        raise SessionError("\n".join(silent[host] for host in wanted if host in silent))
    roomy = hosts_with_room(able)
    find.tell_versions(roomy)
    return Choice(sorted(roomy, key=lambda each: rank_host(each, roomy[each])), ports_of_fleet(answers, repository))


def _woken(hosts: list[Host], settings: Settings, repository: Repository) -> Room:
    """Return the first of *hosts* that can be started, with what it answers."""
    for each in hosts:
        ((_host, answer),) = find.survey_hosts([each], settings, repository)
        if not isinstance(answer, SessionError):
            return {each: answer}
        progress.notice(str(answer))
    return {}


def _wanted(hosts: list[Host], wish: Wish, settings: Settings) -> list[Host]:
    if wish.only:
        return [host.host_called(wish.only, settings)]
    labelled = [each for each in hosts if not wish.label or wish.label in each.labels]
    if not labelled:
        known = ", ".join(sorted({every for each in hosts for every in each.labels})) or "none"
        raise SessionError(
            f'No host has the label "{wish.label}". Known labels: {known}.\nSet labels in session.hosts.'
        )
    return labelled


def _refuse_taken(name: str, answers: Room, repository: Repository) -> None:
    names = [(each, place.name) for place, answer in answers.items() for each in answer["sessions"]]
    names += [(each, host.HERE) for each in registry.read_registry(repository)]
    for other, place in names:
        if other.casefold() == name.casefold():  # `move` may bring both to a machine where they are one directory
            raise SessionError(f"{other} is already on {place}. Choose another NAME.\nRun: inv fleet.list")


def claim_question(name: str, repository: Repository) -> str:
    """Return what is asked of hosts so that nobody else gets a session of that *name* in the next two minutes."""
    return shlex.join(["survey", "claim", name, clone_token(repository), owner_name(repository)])


def refuse_claimed(name: str, token: str, answers: Room) -> None:
    """Raise `SessionError` when somebody else began to take *name*: the first one on the first host decides."""
    claiming = [each for each in answers.values() if each.get("place")]
    if not claiming:
        return
    first = min(claiming, key=lambda each: str(each["place"]))
    for claim in first["claims"]:
        if claim["name"] == name and claim["token"] != token:
            raise SessionError(
                f"{claim['owner'] or 'Somebody'} began to use the name {name} on a host less than two minutes ago."
                " Choose another NAME.\nRun: inv fleet.list"
            )


def owner_name(repository: Repository) -> str:
    """Return who a session that is added belongs to: what git calls the person."""
    name = git.read_git(repository.main, "config", "user.name", check=False).strip()
    return name or f"{getpass.getuser()}@{socket.gethostname()}"


def clone_token(repository: Repository) -> str:
    """Return what tells this clone from those of other people, also where their machines have the same name."""
    facts = (getnode(), socket.gethostname(), os.geteuid(), repository.main)
    return hashlib.sha256("\0".join(map(str, facts)).encode()).hexdigest()[:32]


def ports_of_fleet(answers: Room, repository: Repository, without: str = "") -> tuple[int, ...]:
    """Return the ports of every session here and on hosts, as they answer or are remembered; not of *without*."""
    taken = {
        port
        for each in answers.values()
        for name, row in each["sessions"].items() if name != without
        for port in row.get("ports", {}).values()
    }  # fmt: skip
    asked = {host.name for host in answers}
    for place, known in host_cache.read_hosts(repository).items():
        if place not in asked:
            taken |= {port for name, own in known.sessions.items() if name != without for port in own}
    here = registry.read_registry(repository).items()
    taken |= {port for name, row in here if name != without for port in ports.ports_in_row(row).values()}
    elsewhere = {port for row in ports.rows_elsewhere(repository) for port in ports.ports_in_row(row).values()}
    return tuple(sorted(port for port in taken | elsewhere if isinstance(port, int)))


def hosts_with_room(answers: Room) -> dict[Host, Mapping[str, Any]]:
    """Return those that take one more session; raises `SessionError` when none does."""
    roomy = {host: each for host, each in answers.items() if not _obstacle(host, each)}
    if not roomy:
        full = ", ".join(_obstacle(host, each) for host, each in answers.items())
        raise SessionError(
            f"No host has room for a session: {full}. Remove one (inv fleet.remove NAME), or raise the setting"
            " max_sessions.\nRun: inv fleet.list"
        )
    for each, answer in answers.items():
        if each not in roomy and len(answers) > 1:
            progress.notice(f"Not on {each.name}: {_obstacle(each, answer)}.")
    return roomy


def _obstacle(host: Host, answer: Mapping[str, Any]) -> str:
    count, disk = len(answer["sessions"]), answer.get("disk", _LEAST_DISK)
    if count >= host.max_sessions:
        return f"{host.name} has {count} of {host.max_sessions} sessions"
    return f"{host.name} has only {disk / _GIGABYTE:.1f} GB of free disk" if disk < _LEAST_DISK else ""


def rank_host(host: Host, answer: Mapping[str, Any]) -> tuple[float, int, bool, float]:
    """Return what the best host has least of: sessions for its size, load, a disk that is nearly full, used memory."""
    nearly_full = answer.get("disk", _GIGABYTE << 10) < 10 * _LEAST_DISK
    share = len(answer["sessions"]) / host.max_sessions
    return share, round(answer["load"] / _CLOSE), nearly_full, -answer["free"]
