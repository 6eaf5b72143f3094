"""What removed sessions leave behind, so that their removal can be undone: a commit, and the files git ignores."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from . import atomic, git, keeping, records, registry, snapshot, work
from .model import Repository, Session
from .narration import notice

_FORM = "%Y%m%dT%H%M%S.%f"


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
        return datetime.strptime(self.directory.name, _FORM).astimezone()

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


def _top(repository: Repository) -> Path:
    return repository.private / "removed"


def all_of(repository: Repository) -> list[Archive]:
    """Return every archive, the newest first; one that was not finished is none."""
    found = []
    for row in _top(repository).glob("*/*/row.json"):
        try:
            found.append(Archive(row.parent, json.loads(row.read_text())))
        except ValueError as error:
            notice(f"{row} is left out: {error}")
    return sorted(found, key=lambda archive: archive.directory.name, reverse=True)


def keep(session: Session) -> Archive | None:
    """Keep what of *session* exists nowhere else and return it; None when its worktree is gone already.

    The files are linked, not copied, where the file system can: they are about to lose their other name.
    """
    if not (session.worktree / ".git").exists():
        return None
    if session.archive and (Path(session.archive) / "row.json").exists():  # half restored: that one is complete
        return Archive(Path(session.archive), json.loads((Path(session.archive) / "row.json").read_text()))
    if session.state == "adding" and not _begun(session):
        return None
    directory = _top(session.repository) / session.slug / datetime.now().strftime(_FORM)
    directory.mkdir(parents=True, mode=0o700)
    try:
        return _filled(session, directory)
    except BaseException:
        shutil.rmtree(directory)
        raise


def _begun(session: Session) -> bool:
    """Return whether somebody already worked in a session whose add was interrupted."""
    done = work.of(session)
    return done.dirty or done.head != session.start


def _filled(session: Session, directory: Path) -> Archive:
    done = work.of(session, ignored=True)
    nested = [path.rstrip("/") for path in done.untracked if path.endswith("/")]  # git would keep no file of these
    row = registry.rows(session.repository).get(session.name, records.row(session))
    apart = done.dirty or done.head != session.tip
    commit = snapshot.take(session, done.head, [*done.own, *nested]) if apart else ""
    paths = {*session.copy, *session.env, *nested, *done.own, *done.ignored, *keeping.submodules(session, directory)}
    hidden = snapshot.hidden(session)
    keeping.keep(session, directory / "hidden", set(hidden))
    same = {path for path in paths if keeping.is_same(session, path)}
    head = done.head or git.commit(session.repository, f"{commit}^1")
    facts = {"name": session.name, "row": row, "head": head, "head_branch": done.branch, "tip": session.tip}
    facts |= {"work": commit, "hidden": hidden, "same": sorted(same - {*session.copy})}
    facts |= {"modes": keeping.modes(session, done.untracked)}
    facts |= {"files": keeping.keep(session, directory / "files", keeping.unique(paths - same))}
    made = Archive(directory, facts)
    if at := commit or session.tip or done.head:
        git.run(session.repository.main, "update-ref", made.reference, at)
    atomic.write(directory / "row.json", json.dumps(facts, indent=2) + "\n", mode=0o600)  # last: now it is complete
    return made


def drop(repository: Repository, archive: Archive) -> None:
    """Forget *archive*: its commit and its files."""
    (archive.directory / "row.json").unlink(missing_ok=True)
    if git.commit(repository, archive.reference):
        git.run(repository.main, "update-ref", "-d", archive.reference)
    shutil.rmtree(archive.directory, ignore_errors=True)
    for parent in (archive.directory.parent, _top(repository)):
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()


def older(repository: Repository, days: float) -> list[Archive]:
    """Return the archives that are older than *days*."""
    limit = datetime.now().astimezone() - timedelta(days=days)
    return [archive for archive in all_of(repository) if archive.removed < limit]


def put_back(session: Session) -> None:
    """Give the new worktree of *session* the work and the files of the archive that it is restored from."""
    directory = Path(session.archive)
    facts = json.loads((directory / "row.json").read_text())
    if facts["head"] and facts["head_branch"] != session.branch:
        git.run(session.worktree, "checkout", "--quiet", "--detach", facts["head"])
    if facts["work"]:
        snapshot.put_back(session, facts["work"])
    keeping.give_back_submodules(session, directory)
    for path in facts["files"]:
        keeping.give_back(directory / "files" / path, session.worktree / path)
    for path in facts["same"]:  # the main checkout had it just so
        if (session.repository.main / path).exists():
            keeping.give_back(session.repository.main / path, session.worktree / path)
    for path, mode in facts["modes"].items():
        if (session.worktree / path).is_file():
            (session.worktree / path).chmod(mode)
    for path, flag in facts["hidden"].items():
        (session.worktree / path).unlink(missing_ok=True)
        keeping.give_back(directory / "hidden" / path, session.worktree / path)
        git.run(session.worktree, "update-index", flag, "--", path)
