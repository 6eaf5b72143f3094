"""Which host has a session, and how the sessions of all of them stand."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from .. import forms, narration, registry
from ..answers import remembered
from ..errors import SessionError
from ..model import Repository
from ..planning import names
from ..settings import Settings
from . import connection, machine, relaying
from .machine import Host

_FORMS: dict[str, forms.Form] = {
    **dict.fromkeys(("branch", "base", "moved"), forms.text),
    "ports": lambda ports: isinstance(ports, dict) and all(type(port) is int for port in ports.values()),
}
_TOLD: dict[str, forms.Form] = {
    **dict.fromkeys(("name", "branch", "status", "claude"), forms.text),
    **dict.fromkeys(("ahead", "behind"), lambda count: isinstance(count, int)), "dirty": forms.switch,
    "created": forms.moment, "ports": _FORMS["ports"],
}  # fmt: skip


def everything(settings: Settings, repository: Repository) -> dict[str, connection.Answer | SessionError]:
    """Return by host, this machine first, how its sessions stand, or why it does not say."""
    place = machine.here(repository)
    with ThreadPoolExecutor(1) as pool:
        own = pool.submit(_own, place)
        others = connection.everywhere(machine.configured(settings), "survey list")
        _remember(others, settings, repository)
        return {host: _listed(host, answer) for host, answer in {place.name: own.result(), **others}.items()}


def _listed(host: str, answer: connection.Answer | SessionError) -> connection.Answer | SessionError:
    """Return *answer*, unless the tasks over there, of whatever version, do not tell of sessions as these do."""
    if isinstance(answer, SessionError):
        return answer
    listed = answer["listed"] if isinstance(answer["listed"], list) else [answer["listed"]]
    for each in listed:
        if not forms.whole(each, _TOLD):
            return SessionError(f"{host}: not understood: {each}")
    return answer


def _own(place: Host) -> connection.Answer | SessionError:
    try:
        answer: connection.Answer = relaying.call(place, "survey", "list", *place.inv)
        return answer
    except SessionError as error:
        return error


Found = list[tuple[Host, dict[str, Any]]]


def find(name: str, settings: Settings, repository: Repository, only: str = "") -> tuple[Host, dict[str, Any]]:
    """Return the host of the session *name* and what is registered there; *only* that host is asked, if given.

    Raises `SessionError` when none or several have it.
    """
    found, answers = holders(name, settings, repository, only)
    if len(found) != 1:
        raise unclear(name, found, answers)
    for reason in _silent(answers):
        narration.notice(reason)
    return found[0]


def holders(
    name: str, settings: Settings, repository: Repository, only: str = ""
) -> tuple[Found, dict[Host, connection.Answer | SessionError]]:
    """Return who has a session *name*, each with what is registered there, and what every host that is asked says."""
    if not name:
        raise SessionError("a NAME is needed; to see what there is: inv fleet.list")
    answers = dict(surveyed(_asked(settings, only), settings, repository))
    found = [
        (host, checked(host, answer["sessions"][name]))
        for host, answer in answers.items()
        if not isinstance(answer, SessionError) and name in answer["sessions"]
    ]
    rows = registry.rows(repository) if only in ("", machine.HERE) else {}
    return found + ([(machine.here(repository), rows[name])] if name in rows else []), answers


def unclear(name: str, found: Found, answers: Mapping[Host, connection.Answer | SessionError]) -> SessionError:
    """Return the error that none or several have the session *name*."""
    if not found:
        unsure = "".join(f"\n{reason}" for reason in _silent(answers))
        return SessionError(f"no host has a session {name!r}; to see what there is: inv fleet.list{unsure}")
    places = ", ".join(host.name for host, _row in found)
    came = next((host.name for host, row in found if row.get("moved")), "")
    finish = f"; if a move was cut off, to finish it: inv fleet.move {name} --host {came}" if came else ""
    return SessionError(f"{name} is on several machines: {places}; say which with --host{finish}")


def _silent(answers: Mapping[Host, connection.Answer | SessionError]) -> list[str]:
    return [str(answer) for answer in answers.values() if isinstance(answer, SessionError)]


def checked(host: Host, row: dict[str, Any]) -> dict[str, Any]:
    """Return what *host* registered; raises `SessionError` when git or ssh would take it for something else."""
    if not forms.wrong(row, _FORMS):
        with suppress(SessionError):
            names.check_branch(row["branch"])
            return row
    raise SessionError(f"{host.name}: its registry says what cannot be: {row}")


def find_elsewhere(name: str, settings: Settings, repository: Repository, only: str = "") -> tuple[Host, Any]:
    """Return the same; raises `SessionError` when it is on this machine."""
    host, row = find(name, settings, repository, only)
    if not host.destination:
        raise SessionError(f"the session {name} is on this machine: inv session.show {name}")
    return host, row


def _asked(settings: Settings, only: str) -> list[Host]:
    if only == machine.HERE:
        return []
    return [machine.called(only, settings)] if only else machine.configured(settings)


def surveyed(
    hosts: list[Host], settings: Settings, repository: Repository
) -> list[tuple[Host, connection.Answer | SessionError]]:
    """Return what each of *hosts* has, or why it does not say."""
    answers = connection.everywhere(hosts, "survey")
    _remember(answers, settings, repository)
    return [(host, answers[host.name]) for host in hosts]


def _remember(
    answers: Mapping[str, connection.Answer | SessionError], settings: Settings, repository: Repository
) -> None:
    """Let Tab know which sessions there are."""
    known = {host: each["sessions"] for host, each in answers.items() if not isinstance(each, SessionError)}
    remembered.note(repository, known, settings.hosts)
