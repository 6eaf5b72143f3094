"""The archives of removed sessions: what each says of itself in `row.json`, where its parts are, and their end.

An archive has the worktree as it was (`tree`), git's directory for it (`admin`) and for those inside it (`nested`),
and a ref that holds their commits; `aside` moves them there and back.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import CommandError, SessionError
from ..model import Repository
from ..system import files, rooted, shape
from ..system.progress import notice
from ..system.shape import NAME, SWITCH, TEXT, TEXTS
from ..tools import git
from . import registry

# Where the worktree of an archive is: in its directory; beside its old place, on another file system; or nowhere.
_PLACES = ("tree", "beside", "")


# What git gets as an argument: never one of its options, nor another section of its configuration.
_ID = shape.plain_form(
    "the id of a commit, or empty text", lambda value: isinstance(value, str) and not re.search("[^0-9a-f]", value)
)
_OF_BRANCH = shape.plain_form(
    "a key of branch.… and its value",
    lambda value: shape.fits(value, TEXTS) and len(value) == 2 and value[0].startswith("branch."),
)
_TEXTS = {**dict.fromkeys(("name", "head_branch"), TEXT), **dict.fromkeys(("tip", "head", "work"), _ID)}
_COMMON = {**_TEXTS, "files": TEXTS, "row": registry.ROW}
_PATH = shape.plain_form("a path inside the worktree", lambda value: isinstance(value, str) and rooted.is_inside(value))
_PATHS = shape.list_form(_PATH)  # only we write them, but anybody could
# Earlier versions kept chosen files of a worktree; now it is moved here as a whole.
_CHOSEN = shape.fields_form(
    {**_COMMON, "hidden": shape.table_form(TEXT, keys=_PATH), **dict.fromkeys(("same", "raw", "files"), _PATHS)},
    {"empty": _PATHS},
)
_ADMIN = shape.plain_form("a name, or empty text", lambda value: value == "" or shape.fits(value, NAME))
_WHOLE = shape.fields_form({
    **_COMMON, "tree": shape.choice_form(*_PLACES), "admin": _ADMIN, "nested": shape.list_form(NAME), "held": _ID,
    "deletes_branch": SWITCH, "branch_config": shape.list_form(_OF_BRANCH),
})  # fmt: skip
FORM = "%Y%m%dT%H%M%S.%f"


class Archive(NamedTuple):
    """The archive of one removal, in *directory*, which has `row.json`."""

    directory: Path
    facts: dict[str, Any]

    @property
    def name(self) -> str:
        """The removed session's name."""
        return str(self.facts["name"])

    @property
    def removed(self) -> datetime:
        """When it was removed."""
        return datetime.strptime(self.directory.name, FORM).astimezone()

    @property
    def reference(self) -> str:
        """The git ref of its commit."""
        return f"refs/tally/removed/{self.directory.parent.name}/{self.directory.name}"

    @property
    def size(self) -> int:
        """The bytes of its files, as they were counted last."""
        try:
            return int((self.directory / "size").read_text())
        except (OSError, ValueError):
            from . import thinning

            places = [self.directory, *([self.beside] if self.is_whole else [])]
            return sum(thinning.measure_files(str(place)) for place in places)

    @property
    def is_whole(self) -> bool:
        """Whether the worktree was moved here as it was."""
        return "tree" in self.facts

    @property
    def tree(self) -> Path:
        """Where the worktree is, or would be."""
        return self.beside / "tree" if self.facts["tree"] == "beside" else self.directory / "tree"

    @property
    def beside(self) -> Path:
        """The private directory beside where the worktree was."""
        worktree = Path(self.facts["row"]["worktree"])
        return worktree.with_name(f".{worktree.name}.{self.directory.name}.removed")

    @property
    def admin(self) -> Path:
        """Where git's directory for the worktree is, or would be."""
        return self.directory / "admin"

    @property
    def is_hollow(self) -> bool:
        """Whether nothing is in it: not yet, or not any more."""
        places = (self.tree, self.admin) if self.is_whole and self.facts["tree"] else ()
        return bool(places) and not any(map(os.path.lexists, places))

    @property
    def unconfirmed(self) -> bool:
        """Whether the session was never made completely."""
        return bool(self.facts["row"].get("unconfirmed"))

    def record(self) -> dict[str, Any]:
        """Return it as `list --removed --json` shows it."""
        row = self.facts["row"]
        return {
            "name": self.name, "branch": row["branch"], "removed": self.removed.isoformat(timespec="seconds"),
            "bytes": self.size, "commit": self.facts["work"] or self.facts["tip"], "files": self.facts["files"],
        }  # fmt: skip


def archives_directory(repository: Repository) -> Path:
    """Return the directory of all archives."""
    return repository.private / "removed"


def list_archives(repository: Repository) -> list[Archive]:
    """Return every complete archive, the newest first; print a note about a damaged one."""
    archives = []
    for directory, archive in _read_all(repository):
        if isinstance(archive, SessionError):
            notice(f"Skipped a damaged archive. {archive}. What was removed is still in {directory}.")
        elif not archive.is_hollow:
            archives.append(archive)
    return sorted(archives, key=lambda archive: archive.directory.name, reverse=True)


def _read_all(repository: Repository) -> Iterator[tuple[Path, Archive | SessionError]]:
    """Yield the directory of each archive with the archive, or the error that makes it unusable."""
    for directory in files.list_grandchildren(archives_directory(repository)):
        with suppress(FileNotFoundError, NotADirectoryError):  # another command has just restored or deleted it
            try:
                yield directory, load_archive(directory)
            except SessionError as error:
                yield directory, error


def load_archive(directory: Path) -> Archive:
    """Return the archive in *directory*.

    Raises `SessionError` with the file and the key that is wrong, and `FileNotFoundError` when there is none.
    """
    file = directory / "row.json"
    facts = shape.read_json(file, shape.fields_form({}))
    if parse_time(directory.name) == datetime.max:
        raise SessionError(f"{directory} is not named after the time of a removal")
    if fault := (_WHOLE if "tree" in facts else _CHOSEN)(facts, ""):
        raise shape.ShapeError(f"{file}: {fault}")
    return Archive(directory, facts)


def read_archive(directory: Path) -> Archive | None:
    """Return the archive in *directory*; None when it is damaged. Raises `FileNotFoundError` when there is none."""
    try:
        return load_archive(directory)
    except SessionError:
        return None


def drop_archive(repository: Repository, archive: Archive) -> None:
    """Delete *archive*: its ref and its files."""
    archives = rooted.Root(archives_directory(repository), follows=False)
    place = f"{archive.directory.parent.name}/{archive.directory.name}"
    away = _renamed(archive) if archive.is_whole and archive.beside.is_dir() else ""
    archives.delete(f"{place}/row.json")
    try:
        git.run_git(repository.main, "update-ref", "-d", archive.reference)
    except CommandError:
        if git.resolve_commit(repository, archive.reference):
            raise
    with suppress(OSError):
        if away:
            rooted.Root(archive.beside.parent, follows=False).remove_tree(away)
    with suppress(OSError):  # not ours to delete, not empty, or already deleted
        archives.remove_tree(place)
        archives.remove_directory(archive.directory.parent.name)
        rooted.Root(repository.private).remove_directory(archives_directory(repository).name)


def _renamed(archive: Archive) -> str:
    """Rename what is kept beside the worktree to a name that tells doctor to delete it; return the name."""
    name = f".{Path(archive.facts['row']['worktree']).name}.{os.urandom(16).hex()}.removed"
    rooted.Root(archive.beside.parent, follows=False).move(archive.beside.name, name)
    return name


def moment_before(days: float) -> datetime:
    """Return the time *days* ago; `datetime.min` when that is before any date."""
    try:
        return datetime.now() - timedelta(days=days)
    except OverflowError:
        return datetime.min


def parse_time(written: str) -> datetime:
    """Return the time in the name of an archive or a ref; `datetime.max` for any other name."""
    try:
        return datetime.strptime(written, FORM)
    except ValueError:
        return datetime.max


def list_older_archives(repository: Repository, days: float) -> list[Archive]:
    """Return the archives that are older than *days*."""
    limit = moment_before(days)
    return [archive for archive in list_archives(repository) if parse_time(archive.directory.name) < limit]
