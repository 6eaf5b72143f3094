"""What the tasks of `fleet` do with machines: set one up, stop those that nobody uses, move a session to one."""

from __future__ import annotations

from typing import Any

from ..config.settings import Settings
from ..errors import SessionError
from ..hosts import host as hosts_host
from ..hosts import move as hosts_move
from ..hosts import setup as hosts_setup
from ..hosts import stop_idle
from ..model import Repository
from ..system import signals
from .command import answer, answer_done, as_json, fail_with


def set_up_machine(name: str, dry: bool, agrees: bool, settings: Settings, repository: Repository) -> dict[str, Any]:
    """Prepare the host *name*, or with *dry* only say how; return what was done."""
    place = hosts_host.host_called(name, settings)
    if dry:
        text = hosts_setup.setup_plan(place, repository, settings.copy)
    else:
        text = hosts_setup.set_up_host(place, repository, settings.copy, agrees)
    return {"host": place.name, "dry_run": dry, "message": text}


def move_to_machine(name: str, target: str, settings: Settings, repository: Repository) -> dict[str, Any]:
    """Move the session *name* to the host *target*, or to this machine; return what was done."""
    is_here = target == hosts_host.HERE
    place = hosts_host.this_machine(repository) if is_here else hosts_host.host_called(target, settings)
    route = hosts_move.plan_route(name, place, settings, repository)
    text = hosts_move.move_session(name, route, repository)
    return {"name": name, "from": route.source.name, "host": place.name, "message": text}


def stop_idle_machines(
    only: str, agrees: bool, how: tuple[bool, bool], settings: Settings, repository: Repository
) -> None:
    """Stop those of the hosts, or the host *only*, that nobody uses; *how*: dry run, JSON."""
    dry, json = how
    places = stop_idle.stoppable_hosts(only, settings)
    records, failures = [], []
    for look in stop_idle.look_at_hosts(places, agrees, repository):
        if not (look.reasons or dry):  # those before it may have taken minutes to stop
            (look,) = stop_idle.look_at_hosts([look.place], agrees, repository)
        stops = not (look.reasons or dry)
        try:
            if stops:
                with signals.signals_raised():
                    stop_idle.stop_machine(look, repository)
        except SessionError as error:
            failures.append(f"{look.place.name} couldn't be stopped: {error}")
            continue
        records.append(look.record(stops))
        if not json:
            (answer_done if stops else answer)(stop_idle.told_look(look, dry))
    if json:
        answer(as_json(records))
    fail_with(failures)
