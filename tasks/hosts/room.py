"""Which host should get the next session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import narration, registry
from ..errors import SessionError
from ..model import Repository
from ..settings import Settings
from . import finding, machine
from .machine import Host

_CLOSE = 0.2  # loads that differ less are the same: they change from second to second


def for_new(name: str, settings: Settings, repository: Repository, only: str = "") -> Host:
    """Return the host for a new session *name*: *only*, or the one with most room.

    Raises `SessionError` when the name is taken anywhere, or no host has room.
    """
    hosts = machine.configured(settings)
    chosen = machine.called(only, settings) if only else None
    surveyed = finding.surveyed(hosts, settings, repository)
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
    return roomiest(with_room(answers))


def with_room(answers: Mapping[Host, Mapping[str, Any]]) -> dict[Host, Mapping[str, Any]]:
    """Return those that take one more session; raises `SessionError` when none does."""
    roomy = {host: each for host, each in answers.items() if len(each["sessions"]) < host.max_sessions}
    if not roomy:
        full = ", ".join(f"{host.name} has {len(e['sessions'])} of {host.max_sessions}" for host, e in answers.items())
        raise SessionError(f"no room: {full} sessions; remove one, or raise max_sessions")
    return roomy


def roomiest(answers: Mapping[Host, Mapping[str, Any]]) -> Host:
    """Return the host with the fewest sessions for its size; of several the one with less load, then more memory."""

    def rank(host: Host) -> tuple[float, int, float]:
        answer = answers[host]
        return len(answer["sessions"]) / host.max_sessions, round(answer["load"] / _CLOSE), -answer["free"]

    return min(answers, key=rank)
