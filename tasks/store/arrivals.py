"""What `fleet.move` brings to this machine: directories with drawn names, and locks that say they are arriving."""

from __future__ import annotations

from pathlib import Path

from ..model import Repository
from ..system import locks
from ..system.patterns import late_pattern

# On another file system it has the name of a worktree that is being deleted: after a kill it is one.
_MARK = late_pattern(r"(?:incoming-|\..+\.)([0-9a-f]{32})(?:\.removed)?")


def arrival_lock(repository: Repository, mark: str) -> Path:
    """Return the lock of the arriving session with the drawn name *mark*."""
    return repository.private / f"arriving-{mark}.lock"


def is_arriving(repository: Repository, place: Path) -> bool:
    """Return whether a move is filling *place* now."""
    mark = _MARK.fullmatch(place.name)
    return mark is not None and locks.is_held(arrival_lock(repository, mark[1]))


def cut_off_arrivals(repository: Repository) -> list[Path]:
    """Return what moves that were killed left in the git directory."""
    places = [each for each in repository.private.glob("incoming-*") if _MARK.fullmatch(each.name)]
    return [each for each in places if not is_arriving(repository, each)]
