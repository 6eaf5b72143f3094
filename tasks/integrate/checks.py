"""What must be so before a session's commits move."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import SessionError
from ..model import Session
from ..resources import worktree
from ..store import rows
from ..system import session_command
from ..system.progress import say
from ..tools import git, stale_locks, worktree_status
from . import interrupted_sync, merge_tree, merged_checkout, own_code


def find_obstacle(place: Path, path: str) -> str:
    """Return what is at *path*, or stands where a directory has to lead to it; empty when nothing does."""
    above = [str(parent) for parent in reversed(Path(path).parents)][1:]
    for parent in above:
        if (place / parent).is_symlink() or (place / parent).is_file():
            return parent
    return path if os.path.lexists(place / path) else ""


def move_away_advice(file: Path) -> str:
    """Return the line that says how to move *file* out of the way, and to nothing that exists."""
    return f"Run: mv -i {shlex.quote(str(file))} {shlex.quote(f'{file}.mine')}"


def split_paths(output: str) -> list[str]:
    """Return the paths that git printed with `-z`."""
    return [path for path in output.split("\0") if path]


def changed_paths(place: Path, old: str, new: str, kinds: str = "") -> list[str]:
    """Return the paths that differ between two commits, of all *kinds* or those that `--diff-filter` knows."""
    only = (f"--diff-filter={kinds}",) if kinds else ()
    return split_paths(git.read_git(place, "diff-tree", "-r", "--name-only", "-z", "--no-renames", *only, old, new))


def passing_paths(place: Path, old: str, new: str) -> list[str]:
    """Return the paths that come or go in a commit between *old* and *new*: a rebase checks each of them out."""
    words = ("log", "-z", "--format=", "--name-only", "--no-renames", "--diff-filter=AD", f"{old}...{new}", "--")
    return split_paths(git.read_git(place, *words))


def refuse_covered(place: Path, coming: Iterable[str]) -> None:
    """Raise `SessionError` when the checkout *place* has a file at a path that is *coming* and that it does not track.

    One that is tracked is none of ours: git refuses to overwrite what was changed there. A directory may give way to a
    file, with all that is tracked in it; git would delete what it ignores there as well.
    """
    tracked = set(split_paths(git.read_git(place, "ls-files", "-z")))
    for path in sorted({*coming} - tracked):
        obstacle = find_obstacle(place, path)
        if not obstacle or tracked & {str(parent) for parent in Path(path).parents}:
            continue
        if _is_link_to_main(place, obstacle):  # of a branch from before: with these commits it has its own
            continue
        for file in _untracked(place, obstacle, tracked):
            raise SessionError(
                f"{place / file} is in the way: it is untracked or ignored, and would be overwritten."
                f"\n{move_away_advice(place / file)}"
            )


def _is_link_to_main(place: Path, path: str) -> bool:
    """Return whether *path* is only a link to what the main checkout has there."""
    return os.path.islink(place / path) and os.readlink(place / path) == str(git.find_repository(place).main / path)


def _untracked(place: Path, path: str, tracked: set[str]) -> Iterator[str]:
    """Yield what git does not track at *path*, or below it where that is a directory."""
    if not (place / path).is_dir() or (place / path).is_symlink():
        yield path
        return
    for top, directories, files in os.walk(place / path):
        links = [name for name in directories if os.path.islink(os.path.join(top, name))]
        for name in (*files, *links):
            if (below := os.path.relpath(os.path.join(top, name), place)) not in tracked:
                yield below


def run_verification(session: Session, head: str, merged: str) -> None:
    """Run the commands in the worktree on the tree of the commit *merged*, which the branch at *head* comes to.

    What they print goes to stderr. The first that fails is a `SessionError`; so is Python that imports another
    checkout's code.
    """
    if not session.verify:
        return
    if merge_tree.read_tree(session.repository, head) == merge_tree.read_tree(session.repository, merged):
        _run_checks(session)
        return
    refuse_covered(session.worktree, changed_paths(session.worktree, head, merged, "A"))
    say(f"  verify     the merged result is in {session.worktree} until the checks end")
    with merged_checkout.merged_checkout(session, head, merged):
        _run_checks(session)


def _run_checks(session: Session) -> None:
    own_code.refuse_other_code(session)
    for command in session.verify:
        say(f"  verify     {command} …")
        if code := session_command.run_in_session(session, command).exit_code:
            raise SessionError(
                f"Verify failed (exit code {code}): {command}\nNothing was merged or pushed."
                f" Fix it in {session.worktree}, and commit that."
            )


def require_ready(session: Session) -> worktree_status.Work:
    """Return what was done in the worktree of *session*, which has its branch checked out and nothing in progress.

    What a sync, or checks, that were killed left there is taken back. Raises `SessionError` otherwise.
    """
    if (state := rows.current_session(session).state) != "ready":
        raise SessionError(f"Session {session.name} is {state}.\nRun: inv session.remove {session.name}")
    if worktree.worktree_admin_dir(session) is None:
        worktree.refuse_displaced(session)
        problem = worktree.problems(session)[0]
        fact = f"{problem.what[:1].upper()}{problem.what[1:]}"
        raise SessionError(f"{fact}. To remove the session and keep its branch, run this.\nRun: {problem.fix}")
    if interrupted_sync.is_noted(session):
        refuse_stale_locks(session)
        interrupted_sync.finish_step(session)
    merged_checkout.finish_checkout(session)
    refuse_in_progress(session)
    work = worktree_status.read_work(session)
    if not work.head:
        _refuse_unborn(session, work.branch)
    if work.branch != session.branch:
        on = "on no branch (a detached HEAD)" if work.branch == "(detached)" else f"on {work.branch}"
        back = f"git -C {shlex.quote(str(session.worktree))} {checkout_hint(session)}"
        raise SessionError(f"{session.worktree} is {on}, not on {session.branch}.\nRun: {back}")
    return work


def _refuse_unborn(session: Session, branch: str) -> None:
    """Raise `SessionError` for a HEAD on a branch that is gone: a commit there would have no past."""
    data = git.find_admin_dir(session.worktree)
    reflog = (data / "logs" / "HEAD").read_text(errors="replace") if data and (data / "logs" / "HEAD").exists() else ""
    commits = (line.split(" ", 2)[1] for line in reversed(reflog.splitlines()) if line.count(" ") > 1)
    last = next((each for each in commits if each.strip("0") and git.resolve_commit(session.repository, each)), "")
    if last:
        back = f"git branch {branch} {last}"
        raise SessionError(f"The branch {branch} is gone. {session.worktree} was last at {last[:10]}.\nRun: {back}")
    raise SessionError(f"The branch {branch} of {session.worktree} has no commits.\nRun: git log --all")


def checkout_hint(session: Session) -> str:
    """Return the git command that checks out its branch, and creates it again if it was deleted."""
    new = "" if git.resolve_commit(session.repository, f"refs/heads/{session.branch}") else "-b "
    return f"checkout {new}{session.branch}"


def refuse_in_progress(session: Session) -> None:
    """Raise `SessionError` when a merge, rebase or the like is in progress in the worktree."""
    operation = worktree_status.name_operation(worktree_status.list_git_operations(session))
    if not operation:
        return
    advice = f"inv session.sync {session.name} --abort"
    if operation not in ("rebase", "merge"):
        undo = worktree_status.operation_ends(operation)[-1]
        advice = f"git -C {shlex.quote(str(session.worktree))} {undo}"
    raise SessionError(
        f"A {operation} is in progress in {session.worktree}. Finish it there, or abort it.\nRun: {advice}"
    )


def refuse_stale_locks(session: Session) -> None:
    """Raise `SessionError` for a lock that a killed git left: git does some of its work all the same, not all of it."""
    mine, all_trees = git.find_admin_dir(session.worktree), session.repository.common / "worktrees"
    for lock in stale_locks.stale_locks(session.repository):
        if mine in lock.path.parents or all_trees not in lock.path.parents:
            raise SessionError(f"A git that was killed left the lock {lock.path}.\nRun: inv session.doctor --fix")


def refuse_dirty(session: Session, work: worktree_status.Work, untracked: bool = True) -> None:
    """Raise `SessionError` naming what is not committed; *untracked* files count as well."""
    if work.dirty if untracked else work.changed:
        place = shlex.quote(str(session.worktree))
        raise SessionError(
            f"Session {session.name} has uncommitted changes in"
            f" {session.worktree}:\n{worktree_status.list_uncommitted(work)}\n"
            f"Commit them: cd {place} && git add --all && git commit\n"
            f"Or stash them: git -C {place} stash push --include-untracked -m {shlex.quote(session.name)}"
        )


def refuse_unrelated(session: Session, head: str, other: str, name: str) -> None:
    """Raise `SessionError` when *head* and the commit *other*, called *name*, have no commit in common."""
    if git.read_git(session.repository.main, "merge-base", head, other, check=False).strip():
        return
    if (session.repository.common / "shallow").exists():
        raise SessionError(
            f"This clone is shallow: it doesn't have the commit where {session.branch} left {name}."
            "\nRun: git fetch --unshallow"
        )
    raise SessionError(f"{session.branch} and {name} have no commit in common. Check the setting base.")
