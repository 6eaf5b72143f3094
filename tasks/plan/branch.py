"""Which branch a session is on, and what it starts from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import SessionError
from ..model import Repository
from ..system import files, terminal
from ..system.progress import notice
from ..tools import git

# What `inv` in a worktree needs. A branch from before these were committed gets links to the main checkout's.
FRONT_DOOR = ("tasks.py", "tasks", "invoke.yaml")


def decide_branch(branch: str, configured: str, repository: Repository, elsewhere: bool = False) -> dict[str, Any]:
    """Return the session's base, start, tip and tracked branch, and what it *lacks* of the front door.

    *branch* is created unless it exists.
    With *elsewhere* a base that does not exist gives way to the remote's default branch, or HEAD, with a note.
    Raises `SessionError` when it is checked out, cannot be made, or the *configured* base names no commit.
    """
    branches = git.list_branches(repository)
    if elsewhere and configured != "HEAD" and not git.resolve_commit(repository, configured):
        from ..tools import fetch

        missing, (configured, why) = configured, fetch.default_base(repository)
        notice(f"No such branch: {missing}. The branch starts from {configured}, because {why}.")
    base, start = _base(configured, repository, branches)
    local = branches.get(f"refs/heads/{branch}")
    if local is not None and local.checkout:
        hint = "" if Path(local.checkout).exists() else ", which no longer exists.\nRun: git worktree prune"
        advice = hint or ". Choose another NAME, or another --branch."
        raise SessionError(f"Branch {branch} is checked out at {local.checkout}{advice}")
    if local is not None:
        lacks = _lacking(local.commit, branches, repository)
        return {"base": base, "start": local.commit, "tip": local.commit, "creates_branch": False, "lacks": lacks}
    refuse_beside(branch, branches, repository)
    remote = [ref for ref in branches.values() if _of_remote(ref, branch)]
    remote.sort(key=lambda ref: (ref.name != f"refs/remotes/origin/{branch}", ref.name))
    tracks = remote[0].name.removeprefix("refs/remotes/") if remote else ""
    start = remote[0].commit if remote else start
    lacks = _lacking(start, branches, repository)
    return {"base": base, "start": start, "tip": start, "creates_branch": True, "tracks": tracks, "lacks": lacks}


def _lacking(start: str, refs: Mapping[str, git.Ref], repository: Repository) -> tuple[str, ...]:
    """Return what the main checkout's commit has of the front door, where the commit *start* has no tasks.py."""
    if any(ref.current and ref.commit == start for ref in refs.values()):
        return ()

    def names(commit: str) -> list[str]:
        return git.read_git(repository.main, "ls-tree", "--name-only", commit, "--", *FRONT_DOOR, check=False).split()

    there = names(start)
    return () if "tasks.py" in there else tuple(name for name in names("HEAD") if name not in there)


def decide_base(asked: str, configured: str, repository: Repository, refs: Mapping[str, git.Ref]) -> str:
    """Return the base that was *asked* for, or is *configured*: where that doesn't exist, another, with a note."""
    if not asked and configured != "HEAD" and not git.resolve_commit(repository, configured):
        from ..tools import fetch

        missing, (configured, why) = configured, fetch.default_base(repository)
        notice(f"No such branch: {missing}. It is compared with {configured}, because {why}.")
    return _base(asked or configured, repository, refs)[0]


def called_facts() -> dict[str, str]:
    """Return what only the machine knows from which `fleet.add` called us: whose session it is, what its base is."""
    if terminal.CALLED not in os.environ:
        return {}
    from ..system import caller

    called = caller.find_caller()
    return {"based": called.base, "owner": called.owner}


def refuse_present(branch: str, refs: Mapping[str, git.Ref], repository: Repository) -> None:
    """Raise `SessionError` when *branch* is among *refs*, here or on a remote, or cannot be beside them."""
    for ref in refs.values():
        if ref.name == f"refs/heads/{branch}" or _of_remote(ref, branch):
            raise SessionError(f"Branch {branch} already exists. To use it, give its NAME or --branch.")
    refuse_beside(branch, refs, repository)


def refuse_beside(branch: str, refs: Mapping[str, git.Ref], repository: Repository) -> None:
    """Raise `SessionError` when *branch*, which is none of *refs*, would be the file or directory of one."""
    key = files.place_key(repository)
    new = f"{key(branch)}/"
    for other in refs:
        short = other.removeprefix("refs/heads/")
        old = f"{key(short)}/"
        if short != other and (old.startswith(new) or new.startswith(old)):
            raise SessionError(f"Git can't have both branches {short} and {branch}. Choose another NAME.")


def _of_remote(ref: git.Ref, branch: str) -> bool:
    return ref.name.startswith("refs/remotes/") and ref.name.split("/", 3)[3] == branch


def _base(configured: str, repository: Repository, refs: Mapping[str, git.Ref]) -> tuple[str, str]:
    """Return the ref that *configured* means, by the name that stays valid, and its commit."""
    current = next((ref for ref in refs.values() if ref.current), None)
    if configured == "HEAD" and current is not None:
        return current.name.removeprefix("refs/heads/"), current.commit
    commit = git.resolve_commit(repository, configured)
    if not commit and not refs and not git.resolve_commit(repository, "HEAD"):
        raise SessionError(f'{repository.main} has no commits.\nRun: git commit --allow-empty -m "Begin"')
    if not commit:
        raise SessionError(f"No such branch or commit: {configured}\nList them: git branch --all")
    return (commit if configured == "HEAD" else configured), commit
