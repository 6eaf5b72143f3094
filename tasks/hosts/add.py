"""What a new session needs on the host that gets it: the commit that it starts from, and what only we know."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from ..config.settings import Settings
from ..errors import SessionError
from ..model import Repository
from ..store import names, registry
from ..system import progress, signals
from ..system.caller import Caller
from ..tools import fetch, git
from . import branches, choose, find, remote_run
from .host import Host

Words = Callable[[dict[str, Any]], list[str]]  # the request as the command for a host


def add_session(
    request: dict[str, Any], words: Words, wish: choose.Wish, settings: Settings, repository: Repository
) -> tuple[Host, int]:
    """Add the session of *request* to a host, the next one where one fails before anything is made there.

    Return the host, and the exit code there. Raises `SessionError` when no host can take it.
    """
    with ExitStack() as held:
        if wish.name:
            names.check_name(wish.name)
            if not registry.try_session_lock(repository, wish.name, held):
                raise SessionError(f"Another command is busy with {wish.name}.\nRun: inv fleet.list")
        choice = choose.choose_hosts(wish, settings, repository)
        for place in choice.hosts:
            is_last = place == choice.hosts[-1]
            code = _tried(request, words, place, choice.ports, (settings, repository, is_last))
            if code is not None:
                return place, code
    raise SessionError("No host could take the session.\nRun: inv fleet.list")


def _tried(
    request: dict[str, Any], words: Words, place: Host, ports: tuple[int, ...],
    rest: tuple[Settings, Repository, bool],
) -> int | None:  # fmt: skip
    """Return the exit code of the add on *place*; None where nothing was made and another host can be tried."""
    settings, repository, is_last = rest
    asked = dict(request)
    base = _base(request.get("base", ""), settings, repository)
    if asked.get("dry_run"):
        progress.notice(f"The session would be on {place.name}.")
    else:
        try:
            with signals.signals_raised(), progress.tell_step("base", f"{base} to {place.name}"):
                asked["base"] = branches.send_base(repository, place, base)
                _send_own(request.get("name", ""), settings, repository, place)
        except SessionError as error:
            if is_last or isinstance(error, DivergedError):
                raise
            progress.notice(f"{error}\nTrying the next host.")
            return None
    caller = Caller(place.name, branches.name_of_base(repository, base), choose.owner_name(repository), ports)
    code = remote_run.run_on_host(place, words(asked), caller=caller)
    return None if code == remote_run.NOT_BEGUN and not is_last else code


class DivergedError(SessionError):
    """A branch on a host has commits that would be lost."""


def _base(name: str, settings: Settings, repository: Repository) -> str:
    """Return what `session.add` here would begin at: the host has no remote to fetch it from."""
    if settings.fetch:
        fetch.fetch_base(name or settings.base, repository)
    if name or git.resolve_commit(repository, settings.base):
        return name or settings.base
    return fetch.default_base(repository)[0]


def _send_own(name: str, settings: Settings, repository: Repository, host: Host) -> None:
    """A branch that is here already is gone on with, as `session.add` would."""
    branch = settings.branch.replace("{name}", name)
    commit = git.resolve_commit(repository, f"refs/heads/{branch}") if name and "{" not in branch else ""
    if commit and branches.send_branch(repository, host, branch, commit)["state"] == "diverged":
        raise DivergedError(f"{branch} on {host.name} has commits that you don't have. Choose another NAME.")


def finish_add(request: dict[str, Any], host: Host, settings: Settings, repository: Repository) -> None:
    """Remember what the session got there, and tell where it is and how to get there."""
    name = request.get("name", "")
    if name and not request.get("dry_run"):
        find.survey_hosts([host], settings, repository)
        progress.notice(
            f"{name} is on {host.name}.\nAttach: inv fleet.attach {name}\nForward: inv fleet.forward {name}"
        )
