"""A worktree that somebody made by hand, and everything that is in the way of making it a session."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

from ..config.settings import Settings
from ..errors import SessionError
from ..model import Repository, Request
from ..store import registry
from ..system import files
from ..tools import git, worktree_status, worktrees
from . import branch as plan_branch


def request_taken(request: Request, path: str, repository: Repository) -> Request:
    """Return *request* for the session of the worktree at *path*; without a name it is called like its branch.

    Raises `SessionError` for anything that is not a worktree of *repository* on a branch, or is a session's.
    """
    if request.branch:
        raise SessionError("The worktree is on its own branch. Leave out --branch, or --worktree.")
    place = find_place(path, repository, request.name)
    entry = git.own_admin_dir(repository, place)
    assert entry is not None  # it is in the list of worktrees, and there
    if operation := worktree_status.name_operation(worktree_status.list_operations_in(entry)):
        raise SessionError(f"A {operation} is in progress in {place}. Finish or abort it first.")
    head = git.read_git_file(entry / "HEAD")
    if not head.startswith("ref: refs/heads/"):
        create = shlex.join(["git", "-C", str(place), "checkout", "-b", "NAME"])
        raise SessionError(f"{place} is on no branch (detached HEAD), and a session has one.\nRun: {create}")
    name = head.removeprefix("ref: refs/heads/").strip()
    return request._replace(name=request.name or name, branch=name, worktree=str(place))


def find_place(path: str, repository: Repository, name: str = "") -> Path:
    """Return the worktree of *repository* that *path* is, or is in, as git calls it; not one that is a session's.

    That of an `add` of the same *name* that was interrupted is none: `add` undoes that first.
    """
    wanted = Path(os.path.realpath(os.path.expanduser(path)))
    if not wanted.is_dir():
        raise SessionError(f"{wanted} is not a directory.\nList the worktrees: git worktree list")
    _refuse_taken(wanted, name, repository)
    around = [place for _entry, place in worktrees.linked_worktrees(repository) if place.is_dir()]
    around = [place for place in around if wanted.is_relative_to(os.path.realpath(place))]
    if around:
        found = max(around, key=lambda place: len(place.parts))
        if git.own_admin_dir(repository, found) is not None:
            return found
        repair = shlex.join(["git", "-C", str(repository.main), "worktree", "repair", str(found)])
        raise SessionError(f"{found} has lost its link to git.\nRun: {repair}")
    if wanted.is_relative_to(repository.main):
        raise SessionError(
            f"{wanted} is in the main checkout, which can't be a session. Move the work in it into a new one.\n"
            "Run: inv session.adopt NAME"
        )
    repair = shlex.join(["git", "worktree", "repair", str(wanted)])
    raise SessionError(
        f"{wanted} is not a worktree of {repository.main}. If it was one and was moved, link it again.\nRun: {repair}"
    )


def _refuse_taken(wanted: Path, name: str, repository: Repository) -> None:
    for other, row in registry.read_registry(repository).items():
        if row.get("taken") and row.get("state") == "adding" and other == (name or row["branch"]):
            continue
        if wanted.is_relative_to(os.path.realpath(row["worktree"])):
            raise SessionError(
                f"{wanted} is in the worktree of session {other} already.\nRun: inv session.show {other}"
            )


def decide_taken(request: Request, settings: Settings, repository: Repository) -> dict[str, Any]:
    """Return the base, start and tip of the branch that the worktree of *request* is on."""
    branches = git.list_branches(repository)
    ref = branches.get(f"refs/heads/{request.branch}")
    if ref is None:
        commit = shlex.join(["git", "-C", request.worktree, "commit", "--allow-empty", "-m", "Begin"])
        raise SessionError(f"Branch {request.branch} has no commits yet.\nRun: {commit}")
    if not files.is_same_place(Path(ref.checkout or os.devnull), Path(request.worktree)):
        raise SessionError(f"{request.worktree} is no longer on branch {request.branch}. Run the command again.")
    base = plan_branch.decide_base(request.base, settings.base, repository, branches)
    lacks = plan_branch.find_lacking(ref.commit, branches, repository)
    return {"base": base, "start": ref.commit, "tip": ref.commit, "creates_branch": False, "lacks": lacks}
