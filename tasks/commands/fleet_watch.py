"""The screen of `fleet.watch`, and attaching to what was chosen there."""

from __future__ import annotations

from functools import partial

from invoke.context import Context

from ..config.settings import Settings
from ..hosts import find, remote_run, stop_idle
from ..hosts import host as hosts_host
from ..model import Repository
from ..system import progress, terminal
from ..tools import tmux_attach
from . import packages, selection
from .watch import require_terminal


def watch_fleet(c: Context, settings: Settings, repository: Repository, seconds: float) -> None:
    """Show the sessions of all machines until a person leaves, and attach to the one that is chosen."""
    require_terminal("watch", "inv fleet.list")
    packages.require_textual()
    from ..views.dashboard import fleet_list

    def ask() -> find.Answers:
        return find.survey_sessions(settings, repository)

    terminal.follow_size()
    with progress.muted_output():
        advise = partial(stop_idle.advise_stops, settings=settings)
        chosen = fleet_list.FleetList(ask, hosts_host.HERE, seconds, advise).run()
    if chosen is None:
        return
    if chosen.host == hosts_host.HERE:
        tmux_attach.attach_to_tmux(selection.select_session(c, chosen.name))
    else:
        place = hosts_host.host_called(chosen.host, settings)
        remote_run.become_remote(place, ["session.attach", f"--name={chosen.name}"])
