"""What files of a worktree had before a command replaced them: copies in git's directory, which `prune` deletes."""

from __future__ import annotations

import os
import shlex
from datetime import datetime
from pathlib import Path

from ..errors import SessionError
from ..model import Repository, Session
from ..system import copy, files
from ..system.rooted import Root
from . import archive

_DIRECTORY = "refreshed"


def new_directory(repository: Repository, slug: str) -> Path:
    """Return where the copies go that are made now for the session with *slug*."""
    return repository.private / _DIRECTORY / slug / datetime.now().strftime(archive.FORM)


def keep_copy(session: Session, path: str, directory: Path) -> None:
    """Copy what *path* of the worktree has, or leads to, into *directory*, complete before anything is replaced."""
    old = session.worktree / path
    if not os.path.exists(old):
        return  # a link to nothing
    if not (old.is_file() or old.is_dir()):
        raise SessionError(f"{old} is neither a file nor a directory.\nRun: {shlex.join(['rm', str(old)])}")
    make_place(session.repository, directory)
    kept = Root(directory)
    kept.make_directory(str(Path(path).parent))
    copy.copy_into(old, kept, path)


def make_place(repository: Repository, directory: Path) -> None:
    """Make the *directory* for copies, which only its owner can read."""
    Root(repository.private).make_directory(str(directory.relative_to(repository.private)), 0o700)


def list_old_copies(repository_private: Path, older: float) -> list[Path]:
    """Return the directories of copies that are more than *older* days old."""
    limit = archive.moment_before(older)
    places = sorted(files.list_grandchildren(repository_private / _DIRECTORY))
    return [place for place in places if archive.parse_time(place.name) < limit]
