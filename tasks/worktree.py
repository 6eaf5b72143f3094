"""The resource of the git worktree and its branch."""

import os
import shlex
import shutil
from contextlib import suppress
from pathlib import Path

from . import astray, git, linked, shell
from .errors import CommandError, SessionError
from .machine import deletion, imports, places
from .model import Problem, Session


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    if session.tracks:
        return f"{session.worktree} on new branch {session.branch}, tracking {session.tracks}"
    if session.creates_branch:
        return f"{session.worktree} on new branch {session.branch} from {session.base}"
    return f"{session.worktree} on existing branch {session.branch}"


def create(session: Session) -> None:
    """Check the branch out; a complete session that lost its worktree is an error: git decides what mends it."""
    if administration(session) is not None:
        return
    if session.state != "adding":
        refuse_displaced(session)
        raise SessionError(
            f"the worktree {session.worktree} is gone, its branch {session.branch} is not. To begin again on it:"
            f" inv session.remove {session.name} --keep-branch, then inv session.add {session.name}"
        )
    # --no-track: writing the configuration is what fails when several are made at once.
    new = ("--no-track", "-b", session.branch) if session.creates_branch else ()
    onto = session.tip if session.creates_branch else session.branch
    arguments = ("worktree", "add", "--quiet", *new, "--", str(session.worktree), onto)
    quick = ("-c", f"checkout.workers={os.cpu_count() or 1}")
    bare = ("-c", f"core.hooksPath={os.devnull}") if session.archive else ()  # what hooks make is in what comes back
    git.run(session.repository.main, *quick, *bare, *arguments)
    if session.tracks:
        git.run(session.repository.main, "branch", "--quiet", f"--set-upstream-to={session.tracks}", session.branch)


def remove(session: Session) -> None:
    """Take the worktree away; delete the branch if the session made it and it still has the commit that was checked."""
    if (entry := administration(session)) is not None:
        _discard(session)
        _drop(entry)
    else:
        with suppress(OSError):  # a `git worktree add` that was killed left it empty
            session.worktree.rmdir()
        _forget_missing(session)
    parent = session.worktree.parent
    if parent != session.repository.main.parent:
        with suppress(OSError):  # somebody's, or a mount point
            parent.rmdir()
    if session.creates_branch and session.tip:
        _delete_branch(session)


def problems(session: Session) -> list[Problem]:
    """Return whether the worktree or its branch is gone."""
    if administration(session) is not None:
        return _branch_gone(session)
    if away := astray.displaced(session):
        return [Problem(away[0], "nothing can run or be kept", away[1])]
    mend = f"inv session.remove {session.name} --keep-branch"
    return [Problem(f"the worktree {session.worktree} is gone", "nothing of the session can run", mend)]


def _branch_gone(session: Session) -> list[Problem]:
    if git.commit(session.repository, f"refs/heads/{session.branch}"):
        return []
    mend = shlex.join(["git", "-C", str(session.worktree), "checkout", "-b", session.branch])
    return [Problem(f"the branch {session.branch} is gone", "nothing keeps what is committed there", mend)]


def administration(session: Session) -> Path | None:
    """Return git's own directory for the session's worktree; None unless that is a worktree of this repository."""
    entry = git.data_of(session.worktree)
    ours = entry is not None and places.same(entry.parent, session.repository.common / "worktrees")
    return entry if entry and ours and entry.is_dir() else None


def refuse_displaced(session: Session) -> None:
    """Raise `SessionError` when the worktree has lost its link to git, or is elsewhere; a deleted one passes."""
    if administration(session) is None and (away := astray.displaced(session)):
        raise SessionError(f"{away[0]}; to mend that: {away[1]}")


def _discard(session: Session) -> None:
    """Move the worktree out of the way at once and delete it afterwards, in the background."""
    trash = session.repository.private / "trash"
    trash.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        session.worktree.rename(trash / os.urandom(16).hex())
    except OSError:  # another file system
        aside = session.worktree.with_name(f".{session.worktree.name}.{os.urandom(16).hex()}.removed")
        session.worktree.rename(aside)
        shell.run("rm", "-rf", "--", str(aside))
    compiled = imports.directory() / str(session.worktree).lstrip("/")
    deletion.behind([*trash.iterdir(), compiled])


def _forget_missing(session: Session) -> None:
    """Drop git's record of a worktree whose directory somebody deleted, and of no other."""
    for entry, recorded in linked.worktrees(session.repository):
        if places.same(recorded, session.worktree) and not recorded.exists() and not (entry / "locked").exists():
            _drop(entry)
    with suppress(OSError):  # not there, or not empty
        (session.repository.common / "worktrees").rmdir()


def _drop(entry: Path) -> None:
    """Delete git's record of a worktree, and as git does the directory of such records with its last one."""
    shutil.rmtree(entry, ignore_errors=True)
    with suppress(OSError):  # it has others, or one that went at the same time took it along
        entry.parent.rmdir()


def _delete_branch(session: Session) -> None:
    reference = f"refs/heads/{session.branch}"
    heads = [linked.text(directory / "HEAD") for directory in linked.directories(session.repository)]
    if f"ref: {reference}" in heads:  # moved by hand, or taken up elsewhere
        raise SessionError(f"the branch {session.branch} is checked out elsewhere; it is kept: git worktree list")
    try:
        git.run(session.repository.main, "update-ref", "-d", reference, session.tip)
    except CommandError as error:
        if not git.read(session.repository.main, "for-each-ref", reference):
            return
        if "expected" in error.stderr:
            raise SessionError(
                f"the branch {session.branch} has new commits since it was checked; it is kept"
            ) from None
        raise
    if f'[branch "{session.branch}"]' in (session.repository.common / "config").read_text(errors="replace"):
        git.run(session.repository.main, "config", "--remove-section", f"branch.{session.branch}")
