"""Which host has a session, and which should get the next one."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .. import narration, registry
from ..answers import remembered
from ..errors import SessionError
from ..model import Repository
from ..planning import names
from ..settings import Settings
from . import connection, machine, relaying
from .machine import Host

_CLOSE = 0.2  # loads that differ less are the same: they change from second to second


def everything(settings: Settings, repository: Repository) -> dict[str, connection.Answer | SessionError]:
    """Return by host, this machine first, how its sessions stand, or why it does not say."""
    place = machine.here(repository)
    with ThreadPoolExecutor(1) as pool:
        own = pool.submit(_own, place)
        others = connection.everywhere(machine.configured(settings), "survey list")
        _remember(others, settings, repository)
        return {place.name: own.result(), **others}


def _own(place: Host) -> connection.Answer | SessionError:
    try:
        answer: connection.Answer = relaying.call(place, "survey", "list", *place.inv)
        return answer
    except SessionError as error:
        return error


def find(name: str, settings: Settings, repository: Repository, only: str = "") -> tuple[Host, dict[str, Any]]:
    """Return the host of the session *name* and what is registered there; *only* that host is asked, if given.

    Raises `SessionError` when none or several have it.
    """
    if not name:
        raise SessionError("a NAME is needed; to see what there is: inv fleet.list")
    hosts = _asked(settings, only)
    found: list[tuple[Host, dict[str, Any]]] = []
    silent = []
    for host, answer in _surveyed(hosts, settings, repository):
        if isinstance(answer, SessionError):
            silent.append(str(answer))
        elif name in answer["sessions"]:
            found.append((host, checked(host, answer["sessions"][name])))
    rows = registry.rows(repository) if only in ("", machine.HERE) else {}
    if name in rows:
        found.append((machine.here(repository), rows[name]))
    for reason in silent if found else ():
        narration.notice(reason)
    if len(found) > 1:
        places = ", ".join(host.name for host, _row in found)
        raise SessionError(f"{name} is on several machines: {places}; say which with --host")
    if not found:
        unsure = "".join(f"\n{reason}" for reason in silent)
        raise SessionError(f"no host has a session {name!r}; to see what there is: inv fleet.list{unsure}")
    return found[0]


def checked(host: Host, row: dict[str, Any]) -> dict[str, Any]:
    """Return what *host* registered; raises `SessionError` when git or ssh would take it for something else."""
    try:
        names.check_branch(row["branch"])
        if all(type(port) is int for port in row["ports"].values()):
            return row
    except SessionError:
        pass
    raise SessionError(f"{host.name}: its registry says what cannot be: {row}")


def find_elsewhere(name: str, settings: Settings, repository: Repository, only: str = "") -> tuple[Host, Any]:
    """Return the same; raises `SessionError` when it is on this machine."""
    host, row = find(name, settings, repository, only)
    if not host.destination:
        raise SessionError(f"the session {name} is on this machine: inv session.show {name}")
    return host, row


def for_new(name: str, settings: Settings, repository: Repository, only: str = "") -> Host:
    """Return the host for a new session *name*: *only*, or the one with most room.

    Raises `SessionError` when the name is taken anywhere, or no host has room.
    """
    hosts = machine.configured(settings)
    chosen = machine.called(only, settings) if only else None
    surveyed = _surveyed(hosts, settings, repository)
    holders = [host.name for host, each in surveyed if not isinstance(each, SessionError) and name in each["sessions"]]
    holders += [machine.HERE] if name in registry.rows(repository) else []
    if holders:
        raise SessionError(f"{name} is on {holders[0]} already; choose another NAME: inv fleet.list")
    silent = [str(each) for _host, each in surveyed if isinstance(each, SessionError)]
    answers = {host: each for host, each in surveyed if not isinstance(each, SessionError)}
    if chosen is not None:
        answers = {host: each for host, each in answers.items() if host == chosen}
        silent = [reason for reason in silent if reason.startswith(f"{chosen.name}:")]
    if not answers:
        raise SessionError("\n".join(silent))
    for reason in silent:
        narration.notice(reason)
    roomy = {host: each for host, each in answers.items() if len(each["sessions"]) < host.max_sessions}
    if not roomy:
        full = ", ".join(f"{host.name} has {len(e['sessions'])} of {host.max_sessions}" for host, e in answers.items())
        raise SessionError(f"no room: {full} sessions; remove one, or raise max_sessions")
    return roomiest(roomy)


def roomiest(answers: Mapping[Host, Mapping[str, Any]]) -> Host:
    """Return the host with the fewest sessions for its size; of several the one with less load, then more memory."""

    def rank(host: Host) -> tuple[float, int, float]:
        answer = answers[host]
        return len(answer["sessions"]) / host.max_sessions, round(answer["load"] / _CLOSE), -answer["free"]

    return min(answers, key=rank)


def _asked(settings: Settings, only: str) -> list[Host]:
    if only == machine.HERE:
        return []
    return [machine.called(only, settings)] if only else machine.configured(settings)


def _surveyed(
    hosts: list[Host], settings: Settings, repository: Repository
) -> list[tuple[Host, connection.Answer | SessionError]]:
    answers = connection.everywhere(hosts, "survey")
    _remember(answers, settings, repository)
    return [(host, answers[host.name]) for host in hosts]


def _remember(
    answers: Mapping[str, connection.Answer | SessionError], settings: Settings, repository: Repository
) -> None:
    """Let Tab know which sessions there are."""
    known = {host: each["sessions"] for host, each in answers.items() if not isinstance(each, SessionError)}
    remembered.note(repository, known, settings.hosts)
