"""What a new session needs on the host that gets it: the commit that it starts from."""

from __future__ import annotations

from typing import Any

from .. import git, narration
from ..errors import SessionError
from ..history import upstream
from ..machine import signals
from ..model import Repository
from ..planning import names
from ..settings import Settings
from . import branches, room
from .machine import Host


def prepare(asked: dict[str, Any], settings: Settings, repository: Repository, only: str) -> Host:
    """Return the host for what is *asked*, which gets the base, and by that name asks it of the host.

    Raises `SessionError` when no host can take it. With `dry_run` nothing is sent.
    """
    if asked.get("name"):
        names.check(asked["name"])
    host = room.for_new(asked.get("name", ""), settings, repository, only)
    if asked.get("dry_run"):
        narration.notice(f"on {host.name}")
        return host
    base = _base(asked.get("base", ""), settings, repository)
    with signals.raised(), narration.step("base", f"{base} to {host.name}"):
        asked["base"] = branches.send_base(repository, host, base)
        _send_own(asked.get("name", ""), settings, repository, host)
    return host


def _base(given: str, settings: Settings, repository: Repository) -> str:
    """Return what `session.add` here would begin at: the host has no remote to fetch it from."""
    if settings.fetch:
        upstream.fetch(given or settings.base, repository)
    if given or git.commit(repository, settings.base):
        return given or settings.base
    return upstream.default(repository)[0]


def _send_own(name: str, settings: Settings, repository: Repository, host: Host) -> None:
    """A branch that is here already is gone on with, as `session.add` would."""
    branch = settings.branch.replace("{name}", name)
    commit = git.commit(repository, f"refs/heads/{branch}") if name and "{" not in branch else ""
    if commit and branches.send(repository, host, branch, commit)["state"] == "diverged":
        raise SessionError(f"the branch {branch} on {host.name} has commits that are not here; choose another NAME")


def tell(asked: dict[str, Any], host: Host) -> None:
    """Tell where the session is and how to get there."""
    name = asked.get("name", "")
    if name and not asked.get("dry_run"):
        narration.notice(f"on {host.name}: inv fleet.attach {name}, inv fleet.forward {name}")
