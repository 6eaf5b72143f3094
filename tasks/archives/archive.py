"""What removed sessions leave behind, so that their removal can be undone: a commit, and the files git ignores."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from .. import forms, git
from ..model import Repository
from ..narration import notice

_FORMS: dict[str, forms.Form] = {
    **dict.fromkeys(("name", "tip", "head", "head_branch", "work"), forms.text), "hidden": forms.table,
    **dict.fromkeys(("same", "raw", "files"), forms.texts),
    "row": lambda row: isinstance(row, dict) and forms.text(row.get("worktree")) and forms.text(row.get("branch")),
}  # fmt: skip
_GOING_ON = 1.0  # days; a removal makes the ref before its archive is complete
FORM = "%Y%m%dT%H%M%S.%f"


@dataclass(frozen=True)
class Archive:
    """What is kept of one removal, in *directory*: `row.json` and `files/`."""

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
        """The bytes of its files."""
        return sum(path.lstat().st_size for path in self.directory.rglob("*") if path.is_file())

    def record(self) -> dict[str, Any]:
        """Return it as `list --removed --json` shows it."""
        row = self.facts["row"]
        return {
            "name": self.name, "branch": row["branch"], "removed": self.removed.isoformat(timespec="seconds"),
            "bytes": self.size, "commit": self.facts["work"] or self.facts["tip"], "files": self.facts["files"],
        }  # fmt: skip


def top(repository: Repository) -> Path:
    """Return the directory of all archives."""
    return repository.private / "removed"


def all_of(repository: Repository) -> list[Archive]:
    """Return every archive, the newest first; one that was not finished is none."""
    found = []
    for row in top(repository).glob("*/*/row.json"):
        with suppress(FileNotFoundError):  # another command has just restored or forgotten it
            if archive := _read(row):
                found.append(archive)
            else:
                notice(f"{row} is left out: it is damaged")
    return sorted(found, key=lambda archive: archive.directory.name, reverse=True)


def _read(row: Path) -> Archive | None:
    try:
        facts = json.loads(row.read_text())
        datetime.strptime(row.parent.name, FORM)
    except (ValueError, RecursionError):
        return None
    return Archive(row.parent, facts) if forms.whole(facts, _FORMS) else None


def drop(repository: Repository, archive: Archive) -> None:
    """Forget *archive*: its commit and its files."""
    (archive.directory / "row.json").unlink(missing_ok=True)
    if git.commit(repository, archive.reference):
        git.run(repository.main, "update-ref", "-d", archive.reference)
    shutil.rmtree(archive.directory, ignore_errors=True)
    with suppress(OSError):  # not empty, or gone with another's
        archive.directory.parent.rmdir()
        top(repository).rmdir()


def stray(repository: Repository, days: float) -> list[str]:
    """Return the refs older than *days*, and than any removal takes, that a killed move left without an archive."""
    limit = _before(max(days, _GOING_ON))
    listed = git.read(repository.main, "for-each-ref", "--format=%(refname:lstrip=3)", "refs/tally/removed").split()
    old = [each for each in listed if _time(each.rpartition("/")[2]) < limit]
    return [f"refs/tally/removed/{each}" for each in old if not (top(repository) / each / "row.json").exists()]


def _before(days: float) -> datetime:
    """Return the time so many *days* ago; the first of all when that is before it, as for whoever keeps everything."""
    try:
        return datetime.now() - timedelta(days=days)
    except OverflowError:
        return datetime.min


def _time(written: str) -> datetime:
    try:
        return datetime.strptime(written, FORM)
    except ValueError:
        return datetime.max


def older(repository: Repository, days: float) -> list[Archive]:
    """Return the archives that are older than *days*."""
    limit = _before(days)
    return [archive for archive in all_of(repository) if _time(archive.directory.name) < limit]
