"""Sessions on hosts whose work is merged: each host says which, once it knows what their bases are here by now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..config.settings import Settings
from ..model import Repository
from ..system import progress, signals
from ..tools import fetch, git
from . import based, move
from .host import Host


def list_merged(place: Host, rows: Mapping[str, Any], settings: Settings, repository: Repository) -> list[str]:
    """Return which of the sessions on *place*, whose *rows* it registered, it can prove to be merged."""
    if not rows:
        return []
    with signals.signals_raised(), progress.tell_step("bases", f"to {place.name}"):
        commits = _bring_bases(place, rows, settings, repository)
        for name, row in rows.items():
            commit = commits.get(row.get("based", ""), "")
            if commit and row.get("base") != commit:
                based.send_base(name, place, commit)
    names: list[str] = move.call_handover(place, "merged")["names"]
    return [name for name in names if name in rows]


def _bring_bases(place: Host, rows: Mapping[str, Any], settings: Settings, repository: Repository) -> dict[str, str]:
    """Return the commits here of the bases of *rows*, by their names, once *place* has them."""
    names = sorted({called for row in rows.values() if (called := str(row.get("based", "")))})
    if settings.fetch and names:
        fetch.fetch_remotes(names, repository)
    found = {name: git.resolve_commit(repository, name) for name in names}
    for name in (name for name, commit in found.items() if not commit):
        progress.notice(f"The base {name} of a session on {place.name} doesn't exist here.\nRun: git branch --all")
    commits = {name: commit for name, commit in found.items() if commit}
    for commit in sorted(set(commits.values())):
        based.bring_commit(place, commit, repository)
    return commits
