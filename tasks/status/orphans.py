"""What sessions that are gone left on the machine: tmux sessions, processes, and deletions that never ended."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import SessionError
from ..model import Problem, Repository
from ..store import archive, arrivals, names, ports, registry, stray_refs
from ..system import files, processes
from ..tools import git, tmux

if TYPE_CHECKING:
    import psutil

_DOOMED = re.compile(r"\..+\.[0-9a-f]{32}\.removed")
_FIX = "inv session.doctor --fix"


class _Archives(NamedTuple):
    """What the archives of a repository say of themselves, read once."""

    rows: list[registry.Row]
    empty: list[Path]  # nothing can be restored from these: they were cut off, or restored since
    damaged: dict[Path, str]  # with what is wrong


def _read_archives(repository: Repository) -> _Archives:
    archives = _Archives([], [], {})
    for directory in sorted(files.list_grandchildren(archive.archives_directory(repository))):
        try:
            saved = archive.load_archive(directory)
        except FileNotFoundError:
            archives.empty.append(directory)
        except SessionError as error:
            archives.damaged[directory] = str(error).removeprefix(f"{directory / 'row.json'}: ")
        else:
            if saved.is_hollow:
                archives.empty.append(directory)
            else:
                archives.rows.append(saved.facts["row"])
    return archives


def orphan_problems(repository: Repository) -> list[Problem]:
    """Return what is left of sessions of *repository* that are not in its registry any more."""
    problems = [
        Problem(f"tmux session {name} belongs to no session", f"its worktree {mark} is gone", _FIX)
        for name, mark in _tmux_sessions(repository)
    ]
    for process in _processes(repository):
        problems.append(Problem(f"process {process.pid} belongs to no session", "it may hold a port", _FIX))
    archives = _read_archives(repository)
    # .git may be read-only, so no lock is taken.
    if _unfinished(repository, archives, lambda name: not registry.is_busy(repository, name)):
        problems.append(Problem("a deletion didn't finish", "it uses disk space", _FIX))
    for directory, fault in archives.damaged.items():
        why = f"the removed session cannot be restored ({fault}); its files are still there"
        look = shlex.join(["ls", str(directory)])
        problems.append(Problem(f"{directory / 'row.json'} is damaged", why, f"{look}, and move out what you need"))
    for reference in stray_refs.list_stray_refs(repository, 0):
        git_here = shlex.join(["git", "-C", str(repository.main)])
        fix = f"{git_here} show {reference}; then: {git_here} update-ref -d {reference}"
        problems.append(Problem(f"{reference} belongs to no session", "it keeps work, perhaps the only copy", fix))
    return problems


def end_orphans(repository: Repository) -> None:
    """End and delete what `orphan_problems` finds."""
    steps = [("kill-session", "-t", f"={name}") for name, _mark in _tmux_sessions(repository)]
    if steps:
        tmux.run_tmux(steps)
    for process in _processes(repository):
        _kill(process)
    archives = _read_archives(repository)
    with ExitStack() as until:
        rest = _unfinished(repository, archives, lambda name: registry.try_session_lock(repository, name, until))
        files.delete_now(rest)


def _kill(process: psutil.Process) -> None:
    import psutil

    try:
        process.kill()
    except psutil.Error:
        pass  # it has just ended by itself


def _is_gone(repository: Repository, mark: str) -> bool:
    """Return whether *mark* is a worktree of *repository* that does not exist and that no registry here names."""
    if not mark or os.path.lexists(mark):
        return False
    own = registry.read_registry(repository).values()
    # What another repository left elsewhere is its own doctor's: it knows whether that is just being removed.
    near = {repository.main.parent, *(Path(row["worktree"]).parent for row in own)}
    known = {row["worktree"] for row in (*own, *ports.rows_elsewhere(repository))}
    return mark not in known and not near.isdisjoint(Path(mark).parents)


def _tmux_sessions(repository: Repository) -> list[tuple[str, str]]:
    return sorted({(pane.tmux, pane.worktree) for pane in tmux.list_panes() if _is_gone(repository, pane.worktree)})


def _processes(repository: Repository) -> list[psutil.Process]:
    import psutil

    orphaned = []
    for process in processes.marked_processes():
        try:
            mark = processes.session_of(process) or ""
            if process.pid != os.getpid() and process.uids().real == os.getuid() and _is_gone(repository, mark):
                orphaned.append(process)
        except (psutil.Error, OSError):
            continue
    return orphaned


def _unfinished(repository: Repository, archives: _Archives, is_free: Callable[[str], bool]) -> list[Path]:
    """Return deletions and archives that were cut off and that no command is working on: their sessions are free."""
    rows = registry.read_registry(repository)
    needed = {str(row.get("archive", "")) for row in rows.values()}
    halves = [directory for directory in archives.empty if str(directory) not in needed]
    slugs = {directory.parent.name for directory in halves}
    busy = {names.slug_of(name) for name in rows if names.slug_of(name) in slugs and not is_free(name)}
    # Whoever was filling one at the first look has finished it since, or still has the lock.
    cut = [directory for directory in halves if directory.parent.name not in busy and _is_empty(directory)]
    worktrees = [Path(row["worktree"]).expanduser() for row in (*rows.values(), *archives.rows)]
    beside = [each for each in _beside_worktrees(repository, worktrees) if not arrivals.is_arriving(repository, each)]
    return [*(repository.private / "trash").glob("*"), *cut, *beside, *arrivals.cut_off_arrivals(repository)]


def _is_empty(directory: Path) -> bool:
    try:
        saved = archive.read_archive(directory)
    except FileNotFoundError:
        return True
    return saved is not None and saved.is_hollow


def _beside_worktrees(repository: Repository, worktrees: Sequence[Path]) -> list[Path]:
    """Return the worktrees on other file systems whose deletion was cut off: they were renamed before it began."""
    parents = {repository.main.parent, *(worktree.parent for worktree in worktrees)}
    doomed = [each for parent in parents for each in parent.glob(".*.removed") if _DOOMED.fullmatch(each.name)]
    return [each for each in doomed if each.is_dir() and not each.is_symlink() and _is_ours(repository, each)]


def _is_ours(repository: Repository, place: Path) -> bool:
    """Return whether *place*, or the worktree in it, was of *repository*, as far as its link is still there."""
    entries = [data for top in (place, place / "tree") if (data := git.find_admin_dir(top)) is not None]
    return all(files.is_same_place(entry.parent, repository.common / "worktrees") for entry in entries)
