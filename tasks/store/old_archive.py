"""Restoring what earlier versions kept of a removed session: chosen files, and a commit of its work."""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import SessionError, describe_error
from ..model import Repository, Session
from ..system import copies
from ..system.progress import notice
from ..system.rooted import LeadsOutError, Root
from ..tools import git
from . import archive, snapshot

LEFT = "left"  # the file in an archive that lists what was not put back


def restore_archive(session: Session) -> None:
    """Give the new worktree of *session* the work and the files of the archive that it is restored from."""
    directory = Path(session.archive)
    facts = archive.load_archive(directory).facts
    if facts["head"] and facts["head_branch"] != session.branch:
        git.run_git(session.worktree, "checkout", "--quiet", "--detach", facts["head"])
    if facts["work"]:
        snapshot.restore_snapshot(session, facts["work"])
    _restore_checkout(session, directory, facts)
    _restore_submodules(session, directory)
    main = Root(session.repository.main)
    missing = [path for path in facts["same"] if not _copy_back(main, path, session, path)]
    source = Root(directory, follows=False)
    for kind in ("files", "raw", "hidden"):
        missing += [path for path in facts[kind] if not _copy_back(source, f"{kind}/{path}", session, path)]
    if missing:
        source.write(LEFT, "".join(f"{path}\n" for path in missing).encode("utf-8", "surrogateescape"), 0o600)
    for path, flag in facts["hidden"].items():
        if flag in snapshot.FLAGS.values():
            git.run_git(session.worktree, "update-index", flag, "--", path)
    Root(_whole(session).parent).write(_whole(session).name, b"")


def _restore_checkout(session: Session, directory: Path, facts: dict[str, Any]) -> None:
    """Make the worktree, which has its commit and its index already, as sparse and as unfinished as it was."""
    source, tree = Root(directory, follows=False), Root(session.worktree)
    data = Root(git.find_admin_dir(session.worktree) or session.worktree)
    if source.is_directory("checkout"):
        copies.copy_tree(source, "checkout", data, "")
        git.read_git(session.worktree, "sparse-checkout", "reapply", check=False)  # git before 2.27 doesn't have it
    for path in facts.get("empty", ()):
        with suppress(LeadsOutError, FileExistsError, NotADirectoryError):
            tree.make_directory(path)
    if (directory / "git").is_dir() and not facts.get("heads"):
        notice(f"A merge or rebase was in progress. Git's notes of it were kept in {directory / 'git'}.")
    elif source.is_directory("git"):
        for name in source.names("git"):
            if name != "AUTO_MERGE":  # the tree that it names may be gone, and git does without
                copies.copy_tree(source, f"git/{name}", data, name)


def _restore_submodules(session: Session, directory: Path) -> None:
    """Restore the data of submodules into git's directory for the worktree, and delete their empty directories."""
    archive, tree = Root(directory, follows=False), Root(session.worktree)
    if not archive.is_directory("modules"):
        return
    copies.copy_tree(archive, "modules", Root(git.find_admin_dir(session.worktree) or session.worktree), "modules")
    for path in _submodule_paths(session):
        with suppress(LeadsOutError):
            if tree.is_directory(path) and not tree.names(path):
                tree.remove_directory(path)


def _submodule_paths(session: Session) -> list[str]:
    listed = git.read_git(session.worktree, "config", "--file", ".gitmodules", "--get-regexp", r"\.path$", check=False)
    return [line.split(" ", 1)[1] for line in listed.split("\n")[:-1]]


def _copy_back(source: Root, path: str, session: Session, to: str) -> bool:
    """Make *to* in the worktree a copy of *path*, which stays as it is, and return whether it is complete.

    Nothing is restored through a link: it would be outside of the worktree, or of the archive.
    """
    try:
        if source.lstat(path) is None:
            return True
    except LeadsOutError:
        return True
    try:
        copies.copy_tree(source, path, Root(session.worktree), to)
    except (LeadsOutError, IsADirectoryError, NotADirectoryError) as error:
        reason = error if isinstance(error, LeadsOutError) else "something else is there"
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
        reason = "a directory is there"
    else:
        return True
    notice(f"{session.name}: {to} was not restored and stays in {source.path / path}: {reason}")
    return False


def has_unrestorable(directory: Path, facts: dict[str, Any]) -> bool:
    """Return whether the archive in *directory* has something that cannot be put back."""
    return ((directory / "git").is_dir() and not facts.get("heads")) or (directory / LEFT).exists()


def is_complete(session: Session) -> bool:
    """Return whether everything of its archive was put back into the worktree of *session*."""
    return _whole(session).exists()


def _whole(session: Session) -> Path:
    """Return the file, removed with the worktree, that says that everything was restored and may be in use."""
    return (git.find_admin_dir(session.worktree) or session.worktree) / "tally-whole"


def drop_restored(repository: Repository, saved: archive.Archive) -> None:
    """Delete the archive *saved*, of which everything is back; a failure is no reason to undo that."""
    if not saved.is_whole and has_unrestorable(saved.directory, saved.facts):
        return
    try:
        archive.drop_archive(repository, saved)
    except (SessionError, OSError) as error:
        notice(
            f"Couldn't delete all of the saved copy of {saved.name}: {describe_error(error)}\n"
            "Everything in it is restored. Later, inv session.prune and inv session.doctor --fix delete the rest."
        )
