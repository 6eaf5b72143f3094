"""What is printed about sessions that would be removed, or are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..model import Session
from ..store.archive import Archive


class Removed(NamedTuple):
    """What was removed, or would be: for people, and for programs."""

    text: str
    record: dict[str, Any]


def planned_removal(session: Session) -> Removed:
    """Return what `remove` would take away."""
    has_branch = session.creates_branch
    branch = f"and the branch {session.branch} at {session.tip[:12]}" if has_branch else "(the branch stays)"
    inside = ""
    if session.compose is not None:
        volumes = "" if session.compose.keeps_volumes else " and volumes"
        inside = f"the containers, networks{volumes} of {session.compose.project}, "
    first = f"Would run {', then '.join(session.teardown)}.\n" if session.teardown else ""
    text = f"{first}Would end tmux session {session.tmux}, and delete {inside}{session.worktree} {branch}."
    places = {"tmux": session.tmux, "worktree": str(session.worktree)}
    return Removed(text, {"name": session.name, **places, "branch": session.branch, "removes_branch": has_branch})


def describe_removed(session: Session, archive: Archive | None, volumes: Sequence[str]) -> Removed:
    """Return the answer of `remove`: what was saved, and how to restore it; which *volumes* were kept."""
    stay = f"\nKept volumes: {', '.join(volumes)}\nDelete them: docker volume rm {' '.join(volumes)}"
    record: dict[str, Any] = {"name": session.name, "branch": session.branch, "saved": None, "kept_volumes": [*volumes]}
    if archive is not None:
        contents = {"uncommitted": bool(archive.facts["work"]), "files": archive.facts["files"]}
        record["saved"] = {"directory": str(archive.directory), **contents}
    return Removed(_summary(session, archive) + (stay if volumes else ""), record)


def _summary(session: Session, archive: Archive | None) -> str:
    if archive is None:
        return f"Removed {session.name}."
    parts = [*(["its uncommitted work"] if archive.facts["work"] else []), *archive.facts["files"]]
    names = f"{', '.join(parts[:5])}{' …' if len(parts) > 5 else ''}"
    if "windows" not in archive.facts["row"]:  # another tool's, with other ports than the windows of today
        return f"Removed {session.name}. Saved in {archive.directory}{f': {names}' if parts else ''}"
    fact = f"Removed {session.name}.{f' Saved {names}.' if parts else ''}"
    return f"{fact}\nUndo: inv session.restore {session.name}"


def removed_table(archives: Sequence[Archive]) -> str:
    """Return what can be restored as a table for people."""
    if not archives:
        return "No removed session can be restored."
    rows = []
    from ..system import table
    from .details import format_age

    for each in archives:
        when, size = each.directory.name[:15], table.format_size(each.size)
        rows.append([each.name, each.facts["row"]["branch"], when, format_age(each.removed), size])
    return table.format_table(rows, ["name", "branch", "at", "age", "size"])
