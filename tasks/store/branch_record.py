"""A session's branch while the session is removed: its commit, its reflog and its part of git's configuration."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import CommandError, SessionError
from ..model import Repository, Session
from ..system.progress import notice
from ..tools import git, worktrees
from .archive import Archive


def let_go(session: Session, saved: Archive) -> None:
    """Make the ref of *saved* that holds its commits, and delete its branch if that goes, in one transaction of git's.

    Raises `SessionError` when the branch has other commits than were checked.
    """
    repository, branch, lines = session.repository, session.branch, []
    if commit := saved.facts["held"]:
        lines.append(f"update {saved.reference} {commit}")
    if session.creates_branch and saved.facts["deletes_branch"] and not is_gone(repository, saved):
        if _is_used_elsewhere(repository, saved):
            notice(f"Kept the branch {branch}: it is checked out elsewhere.\nRun: git worktree list")
        else:
            lines.append(f"delete refs/heads/{branch} {saved.facts['tip']}")
    if not lines:
        return
    try:
        git.settle_git(repository.main, "update-ref", "--stdin", given="".join(f"{line}\n" for line in lines))
    except CommandError as error:
        if "but expected" not in error.stderr:
            raise
        raise SessionError(f"Kept the branch {branch}: it has new commits since it was checked.") from None


def _is_used_elsewhere(repository: Repository, saved: Archive) -> bool:
    """Return whether another worktree than those of *saved* has its branch: moved by hand, or checked out again."""
    own = {saved.facts["admin"], *saved.facts["nested"]}
    reference = f"ref: refs/heads/{saved.facts['row']['branch']}"
    others = [each for each in worktrees.admin_dirs(repository) if each == repository.common or each.name not in own]
    return reference in [git.read_git_file(directory / "HEAD") for directory in others]


def is_gone(repository: Repository, saved: Archive) -> bool:
    """Return whether the branch, which goes with the session, is deleted already."""
    if not saved.facts["deletes_branch"]:
        return False
    reference = f"refs/heads/{saved.facts['row']['branch']}"
    return not (repository.common / reference).is_file() and not git.resolve_commit(repository, reference)


def bring_back(session: Session, saved: Archive) -> None:
    """Make the branch again as it was, unless it is there."""
    repository, branch = session.repository, session.branch
    tip = str(saved.facts["tip"])
    if not tip:
        return
    try:
        git.run_git(repository.main, "update-ref", f"refs/heads/{branch}", tip, "")
    except CommandError:
        if git.resolve_commit(repository, f"refs/heads/{branch}"):
            return
        raise
    log = saved.directory / "branch-log"
    if log.is_file():
        target = _log(repository, branch)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(log, target)
    for key, value in saved.facts["branch_config"]:
        git.run_git(repository.main, "config", "--add", key, value)


def keep_log(repository: Repository, branch: str, directory: Path) -> list[Path]:
    """Copy the reflog of *branch*, which git deletes with it, into *directory*; return the copy, if there is one."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return [Path(shutil.copy2(_log(repository, branch), directory / "branch-log"))]
    return []


def _log(repository: Repository, branch: str) -> Path:
    return repository.common / "logs" / "refs" / "heads" / branch


def branch_config(repository: Repository, branch: str) -> Sequence[Sequence[str]]:
    """Return what git's configuration says of *branch*, pairs of key and value."""
    if not _has_section(repository, branch):
        return []
    listed = git.read_git(repository.main, "config", "--local", "--list", "-z", check=False).split("\0")
    pairs = [entry.split("\n", 1) for entry in listed if entry.startswith(f"branch.{branch}.")]
    return [pair for pair in pairs if len(pair) == 2]


def forget_config(repository: Repository, saved: Archive) -> None:
    """Remove the section of a deleted branch from git's configuration."""
    branch = str(saved.facts["row"]["branch"])
    if saved.facts["branch_config"] and _has_section(repository, branch) and is_gone(repository, saved):
        git.run_git(repository.main, "config", "--remove-section", f"branch.{branch}")


def _has_section(repository: Repository, branch: str) -> bool:
    return f'[branch "{branch}"]' in (repository.common / "config").read_text(errors="replace")
