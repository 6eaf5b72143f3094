"""What is told of sessions that would go, or are gone."""

from __future__ import annotations

from collections.abc import Sequence

from ..archives.archive import Archive
from ..machine import tables
from ..model import Session
from .display import age


def removal(session: Session) -> str:
    """Return what `remove` would take away."""
    branch = (
        f"and the branch {session.branch} at {session.tip[:12]}" if session.creates_branch else "(the branch stays)"
    )
    inside = ""
    if session.compose is not None:
        volumes = "" if session.compose.keeps_volumes else " and volumes"
        inside = f"the containers, networks{volumes} of {session.compose.project}, "
    return f"would end tmux session {session.tmux}, delete {inside}{session.worktree} {branch}"


def gone(session: Session, saved: Archive | None, volumes: Sequence[str]) -> str:
    """Return the answer of `remove`: what is kept, and how to bring it back; which *volumes* stay."""
    stay = f"\nvolumes that stay: {', '.join(volumes)}; to delete them: docker volume rm {' '.join(volumes)}"
    return _gone(session, saved) + (stay if volumes else "")


def _gone(session: Session, saved: Archive | None) -> str:
    if saved is None:
        return f"removed {session.name}"
    kept = [*(["its uncommitted work"] if saved.facts["work"] else []), *saved.facts["files"]]
    listed = f", {', '.join(kept[:5])}{' …' if len(kept) > 5 else ''} kept" if kept else ""
    if "windows" not in saved.facts["row"]:  # another tool's, with other ports than the windows of today
        return f"removed {session.name}{listed} in {saved.directory}"
    return f"removed {session.name}{listed}; to bring it back: inv session.restore {session.name}"


def removed(kept: Sequence[Archive]) -> str:
    """Return what can be restored as a table for people."""
    if not kept:
        return "nothing that was removed is kept"
    rows = []
    for each in kept:
        when, size = each.directory.name[:15], f"{each.size / 1e6:.1f} MB"
        rows.append([each.name, each.facts["row"]["branch"], when, age(each.removed), size])
    return tables.table(rows, ["name", "branch", "at", "age", "size"])
