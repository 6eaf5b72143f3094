"""What a session would adopt from the main checkout: every decision and refusal, before any effect."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import SessionError
from ..model import Repository, Session
from ..store import snapshot
from ..system.progress import notice
from ..tools import git, worktree_status
from . import checks


class Haul(NamedTuple):
    """What is moved: the main checkout goes from the commit *head* to *to* and loses the uncommitted *work*."""

    head: str
    to: str
    work: str = ""  # a commit, on no branch
    paths: tuple[str, ...] = ()  # what is different in it
    without: tuple[str, ...] = ()  # what is not in it
    log: str = ""  # the work log, if the commits change it


def plan_haul(main: Session, count: int) -> Haul:
    """Return the last *count* commits of *main*, which stands for the main checkout, or its uncommitted work.

    Raises `SessionError` for what cannot be moved without losing something.
    """
    if operation := worktree_status.name_operation(worktree_status.list_operations_in(main.repository.common)):
        raise SessionError(f"A {operation} is in progress in {main.worktree}. Finish or abort it first.")
    return _commits(main, count) if count else _changes(main)


def _changes(main: Session) -> Haul:
    place = main.worktree
    if git.read_git(place, "ls-files", "--unmerged"):
        raise SessionError(f"{place} has unresolved conflicts. Resolve them first.\nRun: git status")
    work = worktree_status.read_work(main, ignored=True)
    without = _staying(main, work)
    content = snapshot.take_snapshot(main, work.head, without, staged_too=False)
    differing = _differing(place, f"{content}^1", content)
    changed = {**_differing(place, f"{content}^1", f"{content}^2"), **differing}
    if not changed:
        raise SessionError(f"{place} has no uncommitted changes to adopt. To move commits, give --commits N.")
    for path, (_status, modes) in changed.items():
        if "160000" in modes:
            raise SessionError(f"{path} is a repository of its own, or a submodule that moved. Move it by hand first.")
    _refuse_covered(place, differing)
    return Haul(work.head, work.head, content, tuple(differing), without)


def _staying(main: Session, work: worktree_status.Work) -> tuple[str, ...]:
    """Return what stays in the main checkout, with notes; everybody can read what git checks out."""
    own = {*main.copy, *main.link, *main.env, *([main.work_log["file"]] if main.work_log else [])}
    private = {path for path in work.untracked if _is_private(main.worktree / path)}
    for path in (*work.changed, *work.untracked, *work.own):
        if path in private:
            notice(f"{path} stays in the main checkout, because only you may read it. Move it with mv.")
        elif path.rstrip("/") in own:
            notice(f"{path} stays in the main checkout: it belongs to all sessions.")
    unfinished = [
        path for path in work.own if worktree_status.UNFINISHED.search(path)
    ]  # of a command that runs, or was killed
    return (*sorted(own), *sorted(private), *unfinished)


def _is_private(file: Path) -> bool:
    """Return whether *file* is private; git would make it readable for everybody."""
    return file.is_file() and not file.lstat().st_mode & (stat.S_IRGRP | stat.S_IROTH)


def _differing(place: Path, one: str, other: str) -> dict[str, tuple[str, str]]:
    """Return for each path that differs between two commits its status and both modes."""
    fields = git.read_git(place, "diff-tree", "-r", "--raw", "-z", "--no-renames", one, other).split("\0")
    return {path: (head.rpartition(" ")[2], head[1:14]) for head, path in zip(fields[::2], fields[1::2], strict=False)}


def _refuse_covered(place: Path, differing: dict[str, tuple[str, str]]) -> None:
    """Refuse what git ignores, or no longer tracks, and would overwrite when it brings back what was deleted."""
    for path, (status, _modes) in differing.items():
        if status == "D" and (obstacle := checks.find_obstacle(place, path)):
            advice = checks.move_away_advice(place / obstacle)
            raise SessionError(
                f"{place / obstacle} is in the way: going back to the last commit would overwrite it.\n{advice}"
            )


def _commits(main: Session, count: int) -> Haul:
    place, repository = main.worktree, main.repository
    branch = next((ref for ref in git.list_branches(repository).values() if ref.current), None)
    if branch is None:
        raise SessionError(f"{place} is on no branch (detached HEAD).\nRun: git checkout BRANCH")
    short = branch.name.removeprefix("refs/heads/")
    to = _fork(repository, branch.commit, count, short)
    differing = _differing(place, to, branch.commit)
    back = _differing(place, branch.commit, to)
    _refuse_touched(place, differing)
    _refuse_covered(place, {path: ("D", modes) for path, (status, modes) in back.items() if status == "A"})
    log = main.work_log["file"] if main.work_log else ""
    return Haul(branch.commit, to, log=log if differing.get(log, "D")[0] != "D" else "")


def _fork(repository: Repository, head: str, count: int, short: str) -> str:
    """Return the commit before the last *count* ones, none of which may be a merge or pushed."""
    last = "the last commit" if count == 1 else f"the last {count} commits"
    to = git.resolve_commit(repository, f"{head}~{count}")
    if not to:
        shallow = ", because this clone is shallow" if (repository.common / "shallow").exists() else ""
        raise SessionError(f"{short} has too few commits to move {count}{shallow}. Give a smaller --commits.")
    if git.count_beyond(repository, head, to) != count:
        raise SessionError(
            f"There is a merge in {last} of {short}. Only commits without merges can be moved.\nRun: git log --graph"
        )
    own = git.count_unmerged(repository, [head], [to])
    are = "is" if count - own == 1 else "are"
    if own < count:
        raise SessionError(
            f"{count - own} of {last} of {short} {are} pushed, and moving them would rewrite what others have."
            f" Not pushed: {own}."
        )
    return to


def _refuse_touched(place: Path, differing: Iterable[str]) -> None:
    """Refuse uncommitted changes in the same files; git leaves those in others where they are."""
    output = git.read_git(place, "diff-index", "--name-only", "-z", "--no-renames", "HEAD")
    touched: Sequence[str] = sorted({*output.split("\0")} & {*differing})
    if touched:
        names = worktree_status.list_paths(touched)
        raise SessionError(
            f"{place} has uncommitted changes in {names}, which these commits also change."
            " Commit or stash them.\nRun: git stash"
        )
