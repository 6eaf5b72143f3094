"""Which branch a session is on, and what it starts from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import git
from ..errors import SessionError
from ..history import upstream
from ..machine import places
from ..model import Repository
from ..narration import notice


def decide(branch: str, configured: str, repository: Repository, elsewhere: bool = False) -> dict[str, Any]:
    """Return the session's base, start, tip and tracked branch; *branch* is created unless it exists.

    With *elsewhere* a base that is not there gives way to the remote's default branch, or HEAD, which is told.
    Raises `SessionError` when it is checked out, cannot be made, or the *configured* base names no commit.
    """
    known = git.branches(repository)
    if elsewhere and configured != "HEAD" and not git.commit(repository, configured):
        missing, (configured, why) = configured, upstream.default(repository)
        notice(f"there is no {missing}; the branch starts from {configured}, because {why}")
    base, start = _base(configured, repository, known)
    local = known.get(f"refs/heads/{branch}")
    if local is not None and local.checkout:
        gone = "" if Path(local.checkout).exists() else ", which is gone; to forget it: git worktree prune"
        where = f"{local.checkout}{gone}"
        raise SessionError(f"the branch {branch} is checked out at {where}; choose another NAME or --branch")
    if local is not None:
        return {"base": base, "start": local.commit, "tip": local.commit, "creates_branch": False}
    refuse_beside(branch, known, repository)
    remote = [ref for ref in known.values() if _of_remote(ref, branch)]
    remote.sort(key=lambda ref: (ref.name != f"refs/remotes/origin/{branch}", ref.name))
    tracks = remote[0].name.removeprefix("refs/remotes/") if remote else ""
    start = remote[0].commit if remote else start
    return {"base": base, "start": start, "tip": start, "creates_branch": True, "tracks": tracks}


def refuse_present(branch: str, known: Mapping[str, git.Ref], repository: Repository) -> None:
    """Raise `SessionError` when *branch* is among the *known* ones, here or on a remote, or cannot be beside them."""
    for ref in known.values():
        if ref.name == f"refs/heads/{branch}" or _of_remote(ref, branch):
            raise SessionError(f"the branch {branch} exists; to take it up give the NAME that it belongs to")
    refuse_beside(branch, known, repository)


def refuse_beside(branch: str, known: Mapping[str, git.Ref], repository: Repository) -> None:
    """Raise `SessionError` when *branch*, which is none of the *known* ones, would be the file or directory of one."""
    key = places.key(repository)
    new = f"{key(branch)}/"
    for other in known:
        short = other.removeprefix("refs/heads/")
        old = f"{key(short)}/"
        if short != other and (old.startswith(new) or new.startswith(old)):
            raise SessionError(f"git cannot hold the branches {short} and {branch} together; choose another NAME")


def _of_remote(ref: git.Ref, branch: str) -> bool:
    return ref.name.startswith("refs/remotes/") and ref.name.split("/", 3)[3] == branch


def _base(configured: str, repository: Repository, known: Mapping[str, git.Ref]) -> tuple[str, str]:
    """Return the ref that *configured* means, by the name that stays valid, and its commit."""
    current = next((ref for ref in known.values() if ref.current), None)
    if configured == "HEAD" and current is not None:
        return current.name.removeprefix("refs/heads/"), current.commit
    commit = git.commit(repository, configured)
    if not commit and not known and not git.commit(repository, "HEAD"):
        raise SessionError(f'{repository.main} has no commits; make the first: git commit --allow-empty -m "Begin"')
    if not commit:
        raise SessionError(f"the base {configured!r} names no commit; to see what there is: git branch --all")
    return (commit if configured == "HEAD" else configured), commit
