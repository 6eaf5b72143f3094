"""What a new session needs on the host that gets it: the commit that it starts from."""

from __future__ import annotations

from typing import Any

from ..config.settings import Settings
from ..errors import SessionError
from ..model import Repository
from ..store import names
from ..system import progress, signals
from ..tools import fetch, git
from . import branches, find
from .host import Host


def prepare_add(request: dict[str, Any], settings: Settings, repository: Repository, only: str) -> Host:
    """Return the host for the *request*, whose base is sent there and named as the host knows it.

    Raises `SessionError` when no host can take it. With `dry_run` nothing is sent.
    """
    if request.get("name"):
        names.check_name(request["name"])
    host = find.choose_host(request.get("name", ""), settings, repository, only)
    if request.get("dry_run"):
        progress.notice(f"The session would be on {host.name}.")
        return host
    base = _base(request.get("base", ""), settings, repository)
    with signals.signals_raised(), progress.tell_step("base", f"{base} to {host.name}"):
        request["base"] = branches.send_base(repository, host, base)
        _send_own(request.get("name", ""), settings, repository, host)
    return host


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
        raise SessionError(f"{branch} on {host.name} has commits that you don't have. Choose another NAME.")


def tell_added(request: dict[str, Any], host: Host) -> None:
    """Tell where the session is and how to get there."""
    name = request.get("name", "")
    if name and not request.get("dry_run"):
        progress.notice(
            f"{name} is on {host.name}.\nAttach: inv fleet.attach {name}\nForward: inv fleet.forward {name}"
        )
