"""A merge that was killed: what it was about to do is noted, and the next command ends it.

The note is in the session's row; of a session on another machine, in a file of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ..model import Problem, Repository
from ..store import registry
from ..system import files, locks
from ..tools import git
from . import half_checkout

_KEY = "landing"
_LOCK = "landing.lock"
_FILE = "merging-"


class Landing(NamedTuple):
    """The branch that a merge moves, from which commit to which, and the session's own commit."""

    branch: str
    old: str
    new: str
    tip: str

    @property
    def into(self) -> str:
        """The branch as people call it."""
        return self.branch.removeprefix("refs/heads/")


def note_landing(repository: Repository, name: str, landing: Landing) -> None:
    """Note what is about to be done for the session *name*."""
    if not registry.note_facts(repository, name, **{_KEY: " ".join(landing)}):
        repository.private.mkdir(mode=0o700, exist_ok=True)
        files.write_whole(_file(repository, name), " ".join(landing), mode=0o600)


def _file(repository: Repository, name: str) -> Path:
    return repository.private / f"{_FILE}{name.replace('/', '%')}"


def forget_landing(repository: Repository, name: str) -> None:
    """Note that nothing is being done any more."""
    registry.note_facts(repository, name, **{_KEY: ""})
    _file(repository, name).unlink(missing_ok=True)


def confirm_landing(repository: Repository, name: str, landing: Landing) -> None:
    """Note that the session *name* is merged."""
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    merged = {"merged": now, "merged_tip": landing.tip, "merged_into": landing.into, "merged_as": landing.new}
    registry.note_facts(repository, name, **merged, **{_KEY: ""})
    _file(repository, name).unlink(missing_ok=True)


def finish_landing(repository: Repository, name: str) -> Landing | None:
    """Finish a merge of the session *name* that was killed; return what had landed, if it had.

    Else what git wrote of it is taken back. Nobody else may be at the session meanwhile.
    """
    if (landing := _noted(repository, name)) is None:
        return None
    now = git.resolve_commit(repository, landing.branch)
    if now and git.resolve_commit(repository, landing.new) and not git.count_beyond(repository, landing.new, now):
        confirm_landing(repository, name, landing)
        return landing
    branch = git.list_branches(repository).get(landing.branch)
    if branch and branch.commit == landing.old and branch.checkout and Path(branch.checkout).is_dir():
        with locks.file_lock(repository.private / _LOCK):
            half_checkout.take_back_killed_checkout(Path(branch.checkout), landing.old, landing.new)
    forget_landing(repository, name)
    return None


def finish_landings(repository: Repository) -> dict[str, Landing]:
    """Finish the merges of all sessions that were killed and return those that had landed, by session.

    What is going on is left to itself.
    """
    landed = {}
    for name in _interrupted_sessions(repository):
        with ExitStack() as until:
            if registry.try_session_lock(repository, name, until) and (landing := finish_landing(repository, name)):
                landed[name] = landing
    return landed


def landing_problems(repository: Repository) -> Iterator[tuple[str, Problem]]:
    """Yield the sessions whose merge was killed."""
    for name in _interrupted_sessions(repository):
        with ExitStack() as until:
            if registry.try_session_lock(repository, name, until):
                why = "files of it may be in the way where its base is checked out"
                yield name, Problem("session.merge was interrupted", why, "inv session.doctor --fix")


def _interrupted_sessions(repository: Repository) -> list[str]:
    elsewhere = [file.name.removeprefix(_FILE).replace("%", "/") for file in repository.private.glob(f"{_FILE}*")]
    return [name for name in (*registry.read_registry(repository), *elsewhere) if _noted(repository, name) is not None]


def _noted(repository: Repository, name: str) -> Landing | None:
    row = registry.read_registry(repository).get(name)
    words = str((row or {}).get(_KEY, "")).split(" ") if row is not None else _read(_file(repository, name))
    return Landing(*words) if len(words) == len(Landing._fields) else None


def _read(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").split(" ")
    except FileNotFoundError:
        return []
