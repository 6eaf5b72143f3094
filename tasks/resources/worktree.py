"""The resource of the git worktree and its branch."""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CommandError, SessionError
from ..model import Problem, Repository, Session
from ..system import files, shell, startup, terminal
from ..tools import git

if TYPE_CHECKING:
    from ..store import archive

LABEL = "worktree"


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    place = terminal.home_path(str(session.worktree))
    if session.tracks:
        return f"{place} on new branch {session.branch}, tracking {session.tracks}"
    if session.creates_branch and session.archive:
        return f"{place} on branch {session.branch}, as it was"
    if session.creates_branch:
        return f"{place} on new branch {session.branch} from {session.base or session.tip[:12]}"
    return f"{place} on existing branch {session.branch}"


# Given what waits until git is at the files of a worktree, and returns whether it is, and whether git has ended; it
# makes what else it can.
Meanwhile = Callable[[Callable[[], bool], Callable[[], bool]], None]


def create(session: Session, meanwhile: Meanwhile | None = None) -> None:
    """Check the branch out, and call *meanwhile* while git writes the files, if git does.

    Raises `SessionError` for a complete session whose worktree is gone.
    """
    if session.is_taken:
        from ..store import taken

        taken.note_found(session)
    if worktree_admin_dir(session) is not None:
        return
    if (saved := _removed(session)) and saved.facts["tree"]:
        from ..store import exclude

        exclude.refresh_exclude(session.repository)  # before git sees its links
        from ..store import refilling

        with refilling.thinning_ended(saved.directory):
            refilling.refill_archive(session.repository, saved)
            from ..store import aside

            aside.move_back(session, saved)
        return
    if session.state != "adding":
        refuse_displaced(session)
        raise SessionError(
            f"The worktree {session.worktree} is gone, but its branch {session.branch} exists.\n"
            f"Run: inv session.remove {session.name} --keep-branch && inv session.add {session.name}"
        )
    _check_out(session, meanwhile)


def _check_out(session: Session, meanwhile: Meanwhile | None) -> None:
    # --no-track: several at once would fail to write the configuration.
    new = ("--no-track", "-b", session.branch) if session.creates_branch else ()
    onto = session.tip if session.creates_branch else session.branch
    arguments = ("worktree", "add", "--quiet", *new, "--", str(session.worktree), onto)
    quick = ("-c", f"checkout.workers={os.cpu_count() or 1}")
    bare = ("-c", f"core.hooksPath={os.devnull}") if session.archive else ()  # what hooks make is in the archive
    step = git.GitStep(session.repository.main, *quick, *bare, *arguments)
    try:
        if meanwhile is not None:
            meanwhile(partial(_wait_for_files, session, step), step.has_ended)
    except OSError:
        step.finish()  # if git failed, it took the worktree away, and its reason is the one to say
        raise
    except BaseException:
        with suppress(SessionError):  # what is undone next must not be made at the same time
            step.finish()
        raise
    step.finish()
    _unlock(session)
    if (session.worktree / ".gitmodules").is_file():
        from . import submodules

        submodules.fill_submodules(session)
    if session.tracks:
        git.run_git(session.repository.main, "branch", "--quiet", f"--set-upstream-to={session.tracks}", session.branch)


def _wait_for_files(session: Session, step: git.GitStep) -> bool:
    """Wait until git is at the files, with its index locked: no shell's prompt can be in its way; False if it ended."""
    while not step.has_ended():
        if (entry := worktree_admin_dir(session)) is not None and (entry / "index.lock").exists():
            return True
        time.sleep(0.001)
    return False


def _unlock(session: Session) -> None:
    """Delete the lock that git has on a worktree while it makes it: git succeeds where it couldn't."""
    entry = worktree_admin_dir(session)
    if entry and git.read_git_file(entry / "locked") == "initializing":
        (entry / "locked").unlink()


def remove(session: Session) -> None:
    """Remove the worktree; delete the branch if the session made it and it still has the commit that was checked.

    A worktree that was being restored goes back into its archive.
    """
    if session.is_taken:
        from ..store import taken

        taken.give_back(session)
        return
    from ..store import aside  # our own code may be in the worktree

    is_there = os.path.lexists(session.worktree)
    if _removed(session):
        aside.move_aside(session, Path(session.archive))
        session = session._replace(creates_branch=False)
    elif (entry := worktree_admin_dir(session)) is not None:
        drop_record(session.repository, entry)
        _discard(session)
    else:
        clear_half_made(session)
        with suppress(OSError):  # a `git worktree add` that was killed left it empty
            session.worktree.rmdir()
        if session.state == "adding" and (entry := aside.admin_of(session)) is not None:
            drop_record(session.repository, entry)
    if is_there:
        aside.drop_parent(session)
    if session.creates_branch and session.tip:
        _delete_branch(session)


def clear_half_made(session: Session) -> None:
    """Clear what a killed git left of the worktree of a *session* that was interrupted."""
    if session.state != "ready":
        from . import half_worktree

        half_worktree.clear_half_made(session)


def _removed(session: Session) -> archive.Archive | None:
    """Return the archive that a session is restored from, if it is one of a whole worktree."""
    if not session.archive or session.state != "adding":
        return None
    from ..store import aside

    return aside.begun_archive(Path(session.archive))


def problems(session: Session) -> list[Problem]:
    """Return whether the worktree or its branch is gone."""
    if worktree_admin_dir(session) is not None:
        return _branch_gone(session)
    from ..tools import worktrees

    if away := worktrees.find_displaced(session):
        return [Problem(away[0], "nothing can run or be kept", away[1])]
    fix = f"inv session.remove {session.name} --keep-branch"
    if absence := worktrees.describe_absence(session.worktree):
        fix = f"mount it; if the worktree was deleted: {fix} --force"
        return [Problem(absence, "its disk may not be mounted", fix)]
    return [Problem(f"the worktree {session.worktree} is gone", "nothing of the session can run", fix)]


def _branch_gone(session: Session) -> list[Problem]:
    written = git.read_git_file(session.repository.common / "refs" / "heads" / session.branch)
    if re.fullmatch(r"[0-9a-f]{40,64}", written):  # else it is packed, or broken: git is asked
        return []
    if git.resolve_commit(session.repository, f"refs/heads/{session.branch}"):
        return []
    entry = worktree_admin_dir(session)

    lines = git.read_git_file(entry / "logs" / "HEAD").splitlines() if entry else []
    last = lines[-1].split(" ", 2)[1] if lines else ""
    detached = entry is not None and not git.read_git_file(entry / "HEAD").startswith("ref:")
    if detached:
        fix = shlex.join(["git", "-C", str(session.worktree), "checkout", "-b", session.branch])
    elif git.resolve_commit(session.repository, last) if last else "":
        fix = shlex.join(["git", "-C", str(session.repository.main), "branch", session.branch, last])
    else:
        fix = shlex.join(["git", "-C", str(session.worktree), "commit"])
    return [Problem(f"the branch {session.branch} is gone", "nothing keeps what is committed there", fix)]


def worktree_admin_dir(session: Session) -> Path | None:
    """Return git's own directory for the session's worktree; None unless that is there, as `own_admin_dir` says."""
    return git.own_admin_dir(session.repository, session.worktree)


def find_own_worktree(session: Session) -> git.Worktree:
    """Return the session's worktree with git's own directory for it, as `worktree_admin_dir` finds it."""
    return git.Worktree(session.worktree, worktree_admin_dir(session))


def is_known(session: Session) -> bool:
    """Return whether git has a record of the worktree, whose directory may be gone."""
    from ..store import aside

    return aside.admin_of(session) is not None


def is_locked(session: Session, tree: git.Worktree) -> bool:
    """Return whether the worktree, found as *tree*, is locked in git: it may be on a disk that isn't mounted."""
    from ..store import aside

    entry = tree.admin_dir or aside.admin_of(session)
    return entry is not None and (entry / "locked").exists()


def refuse_displaced(session: Session) -> None:
    """Raise `SessionError` when the worktree has lost its link to git, or may be elsewhere; a deleted one passes."""
    from ..tools import worktrees

    if worktree_admin_dir(session) is not None:
        return
    if away := worktrees.find_displaced(session):
        raise SessionError(f"{away[0]}.\nFix: {away[1]}")
    refuse_absent(session)


def refuse_absent(session: Session) -> None:
    """Raise `SessionError` where the worktree may be on a disk that isn't mounted: nobody can tell what is in it."""
    from ..tools import worktrees

    if not os.path.lexists(session.worktree) and (absence := worktrees.describe_absence(session.worktree)):
        raise SessionError(
            f"{absence}, so the worktree of {session.name} may be on a disk that isn't mounted. Mount it. If the"
            " worktree was deleted, remove the rest of the session.\n"
            f"Run: inv session.remove {session.name} --keep-branch --force"
        )


def _discard(session: Session) -> None:
    """Move the worktree away at once, and delete it in the background."""
    trash = session.repository.private / "trash"
    trash.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        session.worktree.rename(trash / os.urandom(16).hex())
    except OSError:  # another file system
        away = session.worktree.with_name(f".{session.worktree.name}.{os.urandom(16).hex()}.removed")
        session.worktree.rename(away)
        shell.run_step("rm", "-rf", "--", str(away))
    compiled = startup.bytecode_directory() / str(session.worktree).lstrip("/")
    files.delete_in_background([*trash.iterdir(), compiled])


def drop_record(repository: Repository, entry: Path) -> None:
    """Delete git's record of a worktree; with the last one their directory, as git does."""
    trash = repository.private / "trash"
    trash.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileNotFoundError):
        entry.rename(trash / os.urandom(16).hex())  # at once: git takes a branch for used while half of a record exists
    with suppress(OSError):  # it has others, or another command deleted it
        entry.parent.rmdir()


def _delete_branch(session: Session) -> None:
    reference = f"refs/heads/{session.branch}"
    from ..tools import worktrees

    heads = [git.read_git_file(directory / "HEAD") for directory in worktrees.admin_dirs(session.repository)]
    if f"ref: {reference}" in heads:  # moved by hand, or taken up elsewhere
        raise SessionError(f"Kept the branch {session.branch}: it is checked out elsewhere.\nRun: git worktree list")
    try:
        git.run_git(session.repository.main, "update-ref", "-d", reference, session.tip)
    except CommandError as error:
        if not git.read_git(session.repository.main, "for-each-ref", reference):
            return
        if "expected" in error.stderr:
            raise SessionError(f"Kept the branch {session.branch}: it has new commits since it was checked.") from None
        raise
    if f'[branch "{session.branch}"]' in (session.repository.common / "config").read_text(errors="replace"):
        git.run_git(session.repository.main, "config", "--remove-section", f"branch.{session.branch}")
