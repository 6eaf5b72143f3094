"""What sessions that are gone left on the machine: tmux sessions, processes, and deletions that never ended."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from . import ports, registry
from .machine import deletion, panes
from .model import Problem, Repository
from .planning import names

if TYPE_CHECKING:
    import psutil

_MEND = "inv session.doctor --fix"


def problems(repository: Repository) -> list[Problem]:
    """Return what is left of sessions of *repository* that are in its registry no longer."""
    found = [
        Problem(f"tmux session {name} belongs to no session", f"its worktree {mark} is gone", _MEND)
        for name, mark in _tmux_sessions(repository)
    ]
    for process in _processes(repository):
        found.append(Problem(f"process {process.pid} belongs to no session", "it may hold a port", _MEND))
    with ExitStack() as until:
        left = _unfinished(repository, until)
    if left:
        found.append(Problem("a deletion did not end", "it holds disk space", _MEND))
    return found


def end(repository: Repository) -> None:
    """End and delete what `problems` finds."""
    steps = [("kill-session", "-t", f"={name}") for name, _mark in _tmux_sessions(repository)]
    if steps:
        panes.step(steps)
    for process in _processes(repository):
        _kill(process)
    with ExitStack() as until:
        deletion.now(_unfinished(repository, until))


def _kill(process: psutil.Process) -> None:
    import psutil

    try:
        process.kill()
    except psutil.Error:
        pass  # it has just ended by itself


def _gone(repository: Repository, mark: str) -> bool:
    """Return whether *mark* is a worktree of *repository* that does not exist and that no registry here names."""
    if not mark or os.path.lexists(mark):
        return False
    own = registry.rows(repository).values()
    # What another repository left elsewhere is its own doctor's: it knows whether that is just being removed.
    near = {repository.main.parent, *(Path(row["worktree"]).parent for row in own)}
    known = {row["worktree"] for row in (*own, *ports.rows_elsewhere(repository))}
    return mark not in known and not near.isdisjoint(Path(mark).parents)


def _tmux_sessions(repository: Repository) -> list[tuple[str, str]]:
    return sorted({(pane.tmux, pane.worktree) for pane in panes.observe() if _gone(repository, pane.worktree)})


def _processes(repository: Repository) -> list[psutil.Process]:
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            mark = process.environ().get("TALLY_SESSION", "")
            if process.pid != os.getpid() and process.uids().real == os.getuid() and _gone(repository, mark):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def _unfinished(repository: Repository, until: ExitStack) -> list[Path]:
    """Return deletions and archives that were cut off, whose sessions nobody is at *until* that is left."""
    halves = [each for each in (repository.private / "removed").glob("*/*") if not (each / "row.json").exists()]
    slugs = {each.parent.name for each in halves}
    near = [name for name in registry.rows(repository) if names.slug(name) in slugs]
    busy = {names.slug(name) for name in near if not registry.alone_at_once(repository, name, until)}
    # Whoever filled one when we looked first has finished it since, or has the lock still.
    cut = [each for each in halves if each.parent.name not in busy and not (each / "row.json").exists()]
    return [*(repository.private / "trash").glob("*"), *cut]
