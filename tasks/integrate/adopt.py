"""Moving work that was begun in the main checkout into a new session, all of it."""

from __future__ import annotations

import filecmp
import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .. import lifecycle
from ..config.settings import Settings
from ..errors import SessionError
from ..model import Repository, Request, Session
from ..plan import add
from ..resources import worklog
from ..store import registry, rows, snapshot
from ..system import copies, progress, shell, signals
from ..system.rooted import Root
from ..tools import git
from . import adopt_backup, adopt_plan, checks
from .adopt_plan import Haul


def make_same(original: Session, copy: Session, paths: Iterable[str]) -> None:
    """Make each of *paths* in the worktree of *copy* what it is in that of *original*.

    Git's filters and attributes may change what they pass on, and git keeps of a mode one bit. Raises `SessionError`
    for what cannot be made the same.
    """
    for path in paths:
        one, other = original.worktree / path, copy.worktree / path
        files = all(each.is_file() and not each.is_symlink() for each in (one, other))
        if files and not (_same(one, other) and one.stat().st_mode == other.stat().st_mode):
            shell.echo_command(shlex.join(["cp", "-a", str(one), str(other)]))
            copies.copy_tree(Root(original.worktree), path, Root(copy.worktree), path)
        if not _same(one, other):
            raise SessionError(f"{other} differs from {one}.")


def are_same(original: Session, copy: Session, paths: Iterable[str]) -> bool:
    """Return whether both have the same at all of *paths*."""
    return all(_same(original.worktree / path, copy.worktree / path) for path in paths)


def _same(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and os.readlink(one) == os.readlink(other)
    if one.is_file():
        return other.is_file() and filecmp.cmp(one, other, shallow=False)
    return not other.is_file()


def adopt_work(request: Request, settings: Settings, repository: Repository, commits: int) -> Session:
    """Add the session of *request* with the last *commits* of the main checkout, or else its uncommitted changes.

    A failure, or ^C, leaves them in the main checkout.
    """
    with signals.signals_raised(), adopt_backup.adoption_lock(repository):
        _end_unfinished(request.name, settings, repository)
        if finished := _finish_move(request.name, settings, repository, commits):
            return finished
        planned = add.preview_add(request._replace(base="HEAD"), settings, repository, quiet=True)
        if not planned.creates_branch or planned.tracks:
            raise SessionError(
                f"Branch {planned.branch} already exists, and adopted work needs a new one. Choose another NAME."
            )
        main = planned._replace(worktree=repository.main, tip="")
        haul = adopt_plan.plan_haul(main, commits)
        reference = adopt_backup.keep_copy(repository, planned.slug, haul.work or haul.head)
        try:
            session = _add_session(request._replace(base="HEAD", start=haul.to, adopts=haul.work), settings, main)
            _move(main, session, haul)
        finally:
            _forget(repository, reference)
    return session


def _end_unfinished(name: str, settings: Settings, repository: Repository) -> None:
    """Wait for whoever adds or removes *name* now, and finish what was interrupted, as `session.add` does."""
    if registry.read_registry(repository).get(name, {}).get("state", "ready") == "ready":
        return
    with registry.session_lock(repository, name):
        row = registry.read_registry(repository).get(name, {})
    if row.get("state", "ready") != "ready":
        lifecycle.finish_session(_registered(name, row, settings, repository))


def _registered(name: str, row: dict[str, Any], settings: Settings, repository: Repository) -> Session:
    from functools import partial

    from ..plan import contents

    return rows.session_from_row(name, row, repository, partial(contents.complete_row, settings))


def _finish_move(name: str, settings: Settings, repository: Repository, commits: int) -> Session | None:
    """Take from the main checkout what an interrupted adopt gave to the session *name* as a whole, and return that.

    None when there is no such session, or the two differ: a person has changed files since then.
    """
    row = registry.read_registry(repository).get(name)
    session = _registered(name, row, settings, repository) if row else None
    if session is None:
        return None
    main = session._replace(worktree=repository.main, tip="")
    try:
        haul = adopt_plan.plan_haul(main, commits)
    except SessionError:  # nothing is left to take
        return None
    haul = haul._replace(paths=tuple(path for path in haul.paths if not _is_half_taken(main, haul, path)))
    if not _has_all(main, session, haul):
        return None
    checks.refuse_stale_locks(session)  # the index could not be put right beside one
    _move(main, session, haul)
    for reference in adopt_backup.list_copies(repository, session.slug):
        _forget(repository, reference)
    return session


def _is_half_taken(main: Session, haul: Haul, path: str) -> bool:
    """Return whether git had begun to write *path* of the last commit: it deletes a file first, and makes it empty."""
    file = main.worktree / path
    if os.path.lexists(file) and (file.is_symlink() or not file.is_file() or file.stat().st_size):
        return False
    return bool(git.read_git(main.worktree, "ls-tree", "-z", "--name-only", haul.head, "--", path))


def _has_all(main: Session, session: Session, haul: Haul) -> bool:
    """Return whether *session* already has everything that *haul* would move, unchanged since it started."""
    if git.resolve_commit(session.repository, f"refs/heads/{session.branch}") != haul.head:
        return False
    if not haul.work:
        return True
    questions = [("rev-parse", "--quiet", "--verify", f"{each}^2^{{tree}}") for each in (haul.work, session.adopts)]
    now, then = (git.read_git(main.worktree, *words, check=False) for words in questions)
    return bool(session.adopts) and now == then and are_same(main, session, haul.paths)


def _forget(repository: Repository, reference: str) -> None:
    with signals.signals_held():
        try:
            adopt_backup.drop_copy(repository, reference)
        except (SessionError, OSError) as error:
            progress.notice(f"Couldn't delete a copy of the work: {error}\nRun: git update-ref -d {reference}")


def _add_session(request: Request, settings: Settings, main: Session) -> Session:
    try:
        return lifecycle.add_session(request, settings, main.repository)
    except BaseException:
        progress.notice(f"Everything is still in the main checkout, {main.worktree}.")
        raise


def _move(main: Session, session: Session, haul: Haul) -> None:
    """Take the *haul* away from the main checkout, once the session has all of it."""
    complete = False
    try:
        _require_branch(session, haul)
        make_same(main, session, haul.paths)
        complete = True
        signals.ignore_signals()
        with progress.tell_step("adopted", f"{_describe_haul(haul)} from {main.worktree}"):
            _take(main, haul)
    except BaseException:
        if complete and not are_same(main, session, haul.paths):
            look = f"git -C {shlex.quote(str(main.worktree))} status"
            progress.notice(f"Session {session.name} has all of it. See what is left here.\nRun: {look}")
        else:
            again = f"inv session.remove {session.name} --force"
            progress.notice(f"Everything is still in the main checkout, {main.worktree}.")
            progress.notice(f"Session {session.name} has a copy of it. Remove that before you try again.\nRun: {again}")
        raise


def _describe_haul(haul: Haul) -> str:
    return (
        f"{len(haul.paths)} changed path{'' if len(haul.paths) == 1 else 's'}"
        if haul.work
        else f"the commits after {haul.to[:10]}"
    )


def _require_branch(session: Session, haul: Haul) -> None:
    if git.resolve_commit(session.repository, f"refs/heads/{session.branch}") != haul.head:
        raise SessionError(f"{session.branch} is not at {haul.head[:10]}, where the main checkout was.\nRun: git log")


def _take(main: Session, haul: Haul) -> None:
    """Take the *haul* away from the main checkout; raises `SessionError` before any effect when that is not safe."""
    if haul.work:
        snapshot.revert_to_parent(main, haul.work, haul.without)
        try:
            _unstage(main, haul)
        except (SessionError, OSError) as error:
            progress.notice(f"{error}\nThe files are as they should be, but git's index is not.\nRun: git reset")
        return
    _go_back(main, haul)


def _unstage(main: Session, haul: Haul) -> None:
    """Make git's index what the last commit is; what stays in the main checkout stays staged."""
    question = ("diff-index", "--cached", "--ita-visible-in-index", "--name-only", "-z", "--no-renames", "HEAD")
    staged = checks.split_paths(git.read_git(main.worktree, *question))
    adopted = [path for path in staged if not {path, *map(str, Path(path).parents)} & {*haul.without}]
    if len(adopted) == len(staged):
        git.run_git(main.worktree, "reset", "--quiet")
    elif adopted:
        pathspecs = "\0".join(f":(top,literal){path}" for path in adopted)
        git.read_git(
            main.worktree, "reset", "--quiet", "--pathspec-from-file=-", "--pathspec-file-nul", given=pathspecs
        )


def _go_back(main: Session, haul: Haul) -> None:
    """Take the commits of *haul* back; where they change the work log, its new entry is written again after that."""
    if haul.log:
        git.settle_git(main.worktree, "checkout", "--quiet", haul.head, "--", f":(literal){haul.log}")
    git.read_git(main.worktree, "update-index", "-q", "--refresh", check=False)
    git.settle_git(main.worktree, "update-ref", "-m", f"session.adopt {main.name}", "HEAD", haul.to, haul.head)
    try:
        git.settle_git(main.worktree, "read-tree", "-m", "-u", haul.head, haul.to)
    except (SessionError, OSError):
        git.settle_git(
            main.worktree, "update-ref", "-m", f"undone: session.adopt {main.name}", "HEAD", haul.head, haul.to
        )
        raise
    finally:
        if haul.log:
            worklog.refresh_logs(main.repository)
