"""Moving a worktree into an archive, with git's directory for it, and back.

`row.json` is written first and names what is moved. Each move is a rename; after a kill the next command does those
that are missing.
"""

from __future__ import annotations

import errno
import json
import os
import shlex
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import SessionError
from ..model import Repository, Session
from ..system import files, progress, shell
from ..system.rooted import LeadsOutError, Root
from ..tools import git, worktrees
from . import branch_record, held, registry, rows
from .archive import FORM, Archive, archives_directory, drop_archive, read_archive


class Move(NamedTuple):
    """A directory of a session, and where it is while the session is removed."""

    live: Path
    kept: Path


def new_directory(session: Session) -> Path:
    """Return where the archive of a removal that begins now will be."""
    return archives_directory(session.repository) / session.slug / datetime.now().strftime(FORM)


def choose_directory(session: Session, untouched: bool) -> Path | None:
    """Return the archive's directory for *session*; None if it was *untouched*, or all of it is in an archive."""
    directory = Path(session.archive) if session.archive else None
    if directory and (session.state == "removing" or begun_archive(directory)):
        return directory
    if directory:
        from . import old_archive

        if not old_archive.is_complete(session):  # a restore from an archive of files was interrupted
            return None
    is_there = git.own_admin_dir(session.repository, session.worktree) is not None
    if session.state == "adding" and not directory and (untouched or not is_there):
        return None
    return new_directory(session)


def move_aside(session: Session, directory: Path, uncommitted: bool = False) -> Archive:
    """Move the worktree of *session* into the archive *directory*, and delete its branch if it goes.

    What an earlier attempt moved stays there. A failure moves everything back.
    """
    saved = begun_archive(directory)
    try:
        if saved is None or _is_out(saved, session):
            saved = describe_worktree(session, directory, uncommitted)
        _go(session, saved)
    except BaseException:
        _undo(session, saved or Archive(directory, {"name": session.name}))
        raise
    with suppress(OSError):  # it has others
        (session.repository.common / "worktrees").rmdir()
    branch_record.forget_config(session.repository, saved)
    return saved


def move_back(session: Session, saved: Archive) -> None:
    """Put the worktree of the archive *saved* back where *session* has it, with its branch and git's directories."""
    repository = session.repository
    if session.creates_branch:
        branch_record.bring_back(session, saved)
    *admins, tree = _moves(repository, saved)
    if os.path.lexists(tree.kept) and not os.path.lexists(session.worktree):
        session.worktree.parent.mkdir(parents=True, exist_ok=True)
        shell.echo_command(shlex.join(["mv", str(tree.kept), str(session.worktree)]))
        tree.kept.rename(session.worktree)
    from . import links

    for move in admins:
        if os.path.lexists(move.kept):
            place = session.worktree if move.kept == saved.admin else None
            links.give_back(repository, move.kept, move.live.name, place)
    if not os.path.lexists(session.worktree / ".git"):
        progress.notice(f"{session.worktree} was missing, so its files are those of the last git add.")
        _fill(session, saved)
    if saved.facts["held"] not in ("", saved.facts["tip"], saved.facts["head"]):
        from . import held_tags

        held_tags.bring_back_tags(repository, saved.facts["held"])
    with suppress(OSError):
        saved.beside.rmdir()


def is_own_worktree(saved: Archive, repository: Repository, place: Path) -> bool:
    """Return whether *place* is the worktree of *saved*, which wasn't there at the removal: moved, or not mounted."""
    entry = git.find_admin_dir(place)
    if place.is_symlink() or not saved.is_whole or not saved.facts["admin"] or os.path.lexists(saved.tree):
        return False
    recorded = (repository.common / "worktrees" / saved.facts["admin"]).resolve()
    return entry == recorded and not recorded.exists()


def _fill(session: Session, saved: Archive) -> None:
    """Make the files of a worktree that somebody had deleted, as they were staged."""
    admin = session.repository.common / "worktrees" / saved.facts["admin"]
    session.worktree.mkdir(parents=True, exist_ok=True)
    Root(session.worktree, follows=False).write(".git", f"gitdir: {admin}\n".encode(errors="surrogateescape"))
    git.run_git(session.worktree, "checkout-index", "--all", "--quiet")


def begun_archive(directory: Path) -> Archive | None:
    """Return the archive in *directory*, which may be empty; None without a `row.json` that names a worktree."""
    try:
        archive = read_archive(directory)
    except FileNotFoundError:
        return None
    return archive if archive is not None and archive.is_whole else None


def _moves(repository: Repository, saved: Archive) -> Iterator[Move]:
    """Yield what is moved, in the order of going: git's directories of nested worktrees, of this one, the files."""
    worktrees = repository.common / "worktrees"
    for name in saved.facts["nested"]:
        yield Move(worktrees / name, saved.directory / "nested" / name)
    if saved.facts["admin"]:
        yield Move(worktrees / saved.facts["admin"], saved.admin)
    yield Move(Path(saved.facts["row"]["worktree"]).expanduser(), saved.tree)


def _is_out(saved: Archive, session: Session) -> bool:
    """Return whether everything of *saved* is back in its place, where somebody may have worked since."""
    return (
        (saved.is_hollow or not saved.facts["tree"])
        and admin_of(session) is not None
        and not branch_record.is_gone(session.repository, saved)
    )


def admin_of(session: Session) -> Path | None:
    """Return git's directory for the worktree of *session*, also when its files are gone."""
    place = session.worktree
    if entry := git.own_admin_dir(session.repository, place):
        return entry
    for directory, recorded in worktrees.linked_worktrees(session.repository):
        if recorded == place or git.is_at_home(directory, place):
            return directory
    return None


def _is_own_file(session: Session, path: str) -> bool:
    """Return whether *path* is a file in the worktree; one behind a link out of it stays where it is."""
    try:
        status = Root(session.worktree).lstat(path)
    except LeadsOutError:
        return False
    return status is not None and (session.worktree / path).is_file()


def describe_worktree(session: Session, directory: Path, uncommitted: bool) -> Archive:
    """Write the archive's `row.json`, and make the commit that holds what git would forget; return the archive."""
    repository, admin = session.repository, admin_of(session)
    inside = f"{session.worktree}/"
    nested = [entry for entry, place in worktrees.linked_worktrees(repository) if str(place).startswith(inside)]
    directory.mkdir(parents=True, mode=0o700, exist_ok=True)
    row = registry.read_registry(repository).get(session.name, rows.session_row(session))
    if "windows" not in row and session.windows:  # another tool's: today's values for what it doesn't have
        row = {**rows.session_row(session), **row}
    head, branch = _head(session, admin)
    log = branch_record.keep_log(repository, session.branch, directory)
    commits = (session.tip or head, head)
    commit = held.hold_commits(repository, [*([admin] if admin else []), *nested, *log], commits, session.name)
    facts: dict[str, Any] = {
        "name": session.name, "row": row, "tip": session.tip, "head": head, "head_branch": branch,
        "work": commit if uncommitted else "", "held": commit,
        "files": sorted(path for path in {*session.copy, *session.env} if _is_own_file(session, path)),
        "tree": _place(session, directory, admin),
        "admin": admin.name if admin else "", "nested": [each.name for each in nested],
        "deletes_branch": session.creates_branch and bool(session.tip),
        "branch_config": branch_record.branch_config(repository, session.branch) if session.creates_branch else [],
    }  # fmt: skip
    saved = Archive(directory, facts)
    _write(saved)
    return saved


def _write(saved: Archive) -> None:
    files.write_whole(saved.directory / "row.json", json.dumps(saved.facts, indent=2) + "\n", mode=0o600)


def _head(session: Session, admin: Path | None) -> tuple[str, str]:
    """Return the commit and the branch of the worktree's HEAD; "(detached)" without one."""
    written = git.read_git_file(admin / "HEAD") if admin else f"ref: refs/heads/{session.branch}"
    if not written.startswith("ref:"):
        return written if written.strip("0") else "", "(detached)"
    reference = written.removeprefix("ref:").strip()
    branch = reference.removeprefix("refs/heads/")
    return session.tip if branch == session.branch else git.resolve_commit(session.repository, reference), branch


def _place(session: Session, directory: Path, admin: Path | None) -> str:
    """Return where the worktree goes: beside where it is when it is on another file system than *directory*."""
    try:
        return "tree" if session.worktree.lstat().st_dev == directory.lstat().st_dev else "beside"
    except OSError:  # somebody deleted it
        return "tree" if admin else ""


def _go(session: Session, saved: Archive) -> None:
    branch_record.let_go(session, saved)
    for live, _kept in _moves(session.repository, saved):  # git's directories first: one without a worktree is pruned
        if not os.path.lexists(live):
            continue
        try:
            _rename(live, _target(session.repository, saved, live))
        except OSError as error:
            if error.errno != errno.EXDEV or saved.facts["tree"] == "beside" or live != session.worktree:
                raise
            saved.facts["tree"] = "beside"  # two mounts of one file system
            _write(saved)
            _rename(live, saved.tree)
        if live == session.worktree:
            drop_parent(session)


def drop_parent(session: Session) -> None:
    """Delete the directory that the worktree was in if it is empty; only after it was there: an absent disk is, too."""
    if (parent := session.worktree.parent) != session.repository.main.parent:
        with suppress(OSError):  # it has others, or is a mount point
            parent.rmdir()


def _target(repository: Repository, saved: Archive, live: Path) -> Path:
    return next(move.kept for move in _moves(repository, saved) if move.live == live)


def _rename(source: Path, target: Path) -> None:
    if not os.path.lexists(target):
        target.parent.mkdir(mode=0o700, exist_ok=True)
        shell.echo_command(shlex.join(["mv", str(source), str(target)]))
        source.rename(target)


def _undo(session: Session, saved: Archive) -> None:
    """Move everything back and drop the archive, as far as possible: the caller raises the first failure."""
    with suppress(SessionError, OSError):
        if saved.is_whole:
            for live, kept in _moves(session.repository, saved):
                if os.path.lexists(kept) and not os.path.lexists(live):
                    live.parent.mkdir(exist_ok=True)
                    kept.rename(live)
            branch_record.bring_back(session, saved)
        if not saved.is_whole or saved.is_hollow:
            drop_archive(session.repository, saved)
