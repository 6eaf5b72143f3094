"""Which host has a session, and which has room for one."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from ..config.settings import Settings
from ..errors import SessionError, quote_text
from ..model import Repository
from ..store import host_cache, names, registry
from ..system import progress, shape
from . import group, host, ssh
from .host import Host

_PORTS = shape.table_form(shape.COUNT)
_ROW = shape.fields_form({}, {**dict.fromkeys(("branch", "base", "moved"), shape.TEXT), "ports": _PORTS})
_TOLD = shape.fields_form({
    **dict.fromkeys(("name", "branch", "status", "claude"), shape.TEXT),
    **dict.fromkeys(("ahead", "behind"), shape.COUNT), "dirty": shape.SWITCH, "created": shape.MOMENT, "ports": _PORTS,
}, {"answering": shape.list_form(shape.COUNT)})  # fmt: skip


def survey_sessions(settings: Settings, repository: Repository) -> dict[str, group.Answer | SessionError]:
    """Return by host, this machine first, the state of its sessions, or why it is unknown."""
    place = host.this_machine(repository)
    with ThreadPoolExecutor(1) as pool:
        own = pool.submit(_own, place)
        others = group.ask_everywhere(host.configured_hosts(settings), "survey list")
        _remember(others, settings, repository)
        return {host: _listed(host, answer) for host, answer in {place.name: own.result(), **others}.items()}


def _listed(host: str, answer: group.Answer | SessionError) -> group.Answer | SessionError:
    """Return *answer*, unless the host's tasks, of another version, describe sessions in another form."""
    if isinstance(answer, SessionError):
        return answer
    listed = answer.get("listed")
    for each in listed if isinstance(listed, list) else [listed]:
        if not shape.fits(each, _TOLD):
            return SessionError(f"{host}: unexpected answer: {each}")
    return answer


def _own(place: Host) -> group.Answer | SessionError:
    try:
        answer: group.Answer = ssh.call_program(
            place, "survey", "list", *place.inv, form=group.SURVEY, seconds=ssh.QUESTION
        )
        return answer
    except SessionError as error:
        return error


Holders = list[tuple[Host, dict[str, Any]]]


def find_session(name: str, settings: Settings, repository: Repository, only: str = "") -> tuple[Host, dict[str, Any]]:
    """Return the host of the session *name* and what is registered there; *only* that host is asked, if given.

    Raises `SessionError` when none or several have it.
    """
    holders, answers = find_holders(name, settings, repository, only)
    if len(holders) != 1:
        raise unclear_host(name, holders, answers)
    for reason in _silent(answers):
        progress.notice(reason)
    return holders[0]


def find_holders(
    name: str, settings: Settings, repository: Repository, only: str = ""
) -> tuple[Holders, dict[Host, group.Answer | SessionError]]:
    """Return who has a session *name*, each with what is registered there, and what every host that is asked says."""
    if not name:
        raise SessionError("Which session? Give a NAME.\nRun: inv fleet.list")
    answers = dict(survey_hosts(_asked(settings, only), settings, repository))
    holders = [
        (host, check_row(host, answer["sessions"][name]))
        for host, answer in answers.items()
        if not isinstance(answer, SessionError) and name in answer["sessions"]
    ]
    rows = registry.read_registry(repository) if only in ("", host.HERE) else {}
    return holders + ([(host.this_machine(repository), rows[name])] if name in rows else []), answers


def unclear_host(name: str, holders: Holders, answers: Mapping[Host, group.Answer | SessionError]) -> SessionError:
    """Return the error that none or several have the session *name*."""
    if not holders:
        unsure = "".join(f"\n{reason}" for reason in _silent(answers))
        return SessionError(f'No host has a session "{name}".{unsure}\nRun: inv fleet.list')
    places = ", ".join(host.name for host, _row in holders)
    came = next((host.name for host, row in holders if row.get("moved")), "")
    finish = f"\nIf a move was interrupted, finish it: inv fleet.move {name} --host {came}" if came else ""
    return SessionError(f"{name} is on several machines: {places}. Choose one with --host.{finish}")


def _silent(answers: Mapping[Host, group.Answer | SessionError]) -> list[str]:
    return [str(answer) for answer in answers.values() if isinstance(answer, SessionError)]


def check_row(host: Host, row: dict[str, Any]) -> dict[str, Any]:
    """Return what *host* registered; raises `SessionError` when git or ssh would take it for something else."""
    if shape.fits(row, _ROW):
        with suppress(SessionError):
            names.check_branch(row["branch"])
            return row
    fault = _ROW(row, "") or f"branch: {quote_text(row.get('branch'))}"  # never all of it: it has variables
    raise SessionError(f"{host.name}: its registry has a wrong value: {fault}")


def find_elsewhere(name: str, settings: Settings, repository: Repository, only: str = "") -> tuple[Host, Any]:
    """Return the same; raises `SessionError` when it is on this machine."""
    host, row = find_session(name, settings, repository, only)
    if not host.destination:
        raise SessionError(f"Session {name} is on this machine.\nRun: inv session.show {name}")
    return host, row


def _asked(settings: Settings, only: str) -> list[Host]:
    if only == host.HERE:
        return []
    return [host.host_called(only, settings)] if only else host.configured_hosts(settings)


def survey_hosts(
    hosts: list[Host], settings: Settings, repository: Repository
) -> list[tuple[Host, group.Answer | SessionError]]:
    """Return what each of *hosts* has, or why it does not say."""
    answers = group.ask_everywhere(hosts, "survey")
    _remember(answers, settings, repository)
    return [(host, answers[host.name]) for host in hosts]


def _remember(answers: Mapping[str, group.Answer | SessionError], settings: Settings, repository: Repository) -> None:
    """Let Tab know which sessions there are."""
    sessions = {host: each["sessions"] for host, each in answers.items() if not isinstance(each, SessionError)}
    host_cache.note_host_names(repository, sessions, settings.hosts)


_CLOSE = 0.2  # loads that differ less are the same: they change from second to second


def choose_host(name: str, settings: Settings, repository: Repository, only: str = "") -> Host:
    """Return the host for a new session *name*: *only*, or the one with most room.

    Raises `SessionError` when the name is taken anywhere, or no host has room.
    """
    hosts = host.configured_hosts(settings)
    chosen = host.host_called(only, settings) if only else None
    surveyed = survey_hosts(hosts, settings, repository)
    holders = [host.name for host, each in surveyed if not isinstance(each, SessionError) and name in each["sessions"]]
    holders += [host.HERE] if name in registry.read_registry(repository) else []
    if holders:
        raise SessionError(f"{name} is already on {holders[0]}. Choose another NAME.\nRun: inv fleet.list")
    silent = [str(each) for _host, each in surveyed if isinstance(each, SessionError)]
    answers = {host: each for host, each in surveyed if not isinstance(each, SessionError)}
    if chosen is not None:
        answers = {host: each for host, each in answers.items() if host == chosen}
        silent = [reason for reason in silent if reason.startswith(f"{chosen.name}:")]
    if not answers:
        raise SessionError("\n".join(silent))
    for reason in silent:
        progress.notice(reason)
    return find_roomiest(hosts_with_room(answers))


def hosts_with_room(answers: Mapping[Host, Mapping[str, Any]]) -> dict[Host, Mapping[str, Any]]:
    """Return those that take one more session; raises `SessionError` when none does."""
    roomy = {host: each for host, each in answers.items() if len(each["sessions"]) < host.max_sessions}
    if not roomy:
        full = ", ".join(f"{host.name} has {len(e['sessions'])} of {host.max_sessions}" for host, e in answers.items())
        raise SessionError(f"Every host is full: {full} sessions. Remove one, or raise the setting max_sessions.")
    return roomy


def find_roomiest(answers: Mapping[Host, Mapping[str, Any]]) -> Host:
    """Return the host with the fewest sessions for its size; of several the one with less load, then more memory."""

    def rank(host: Host) -> tuple[float, int, float]:
        answer = answers[host]
        return len(answer["sessions"]) / host.max_sessions, round(answer["load"] / _CLOSE), -answer["free"]

    return min(answers, key=rank)
