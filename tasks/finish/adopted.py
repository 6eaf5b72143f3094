"""One `session.adopt` at a time, and the copies of the work that one left which was killed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from .. import git
from ..archives import snapshot
from ..archives.archive import FORM
from ..errors import SessionError
from ..machine import locks
from ..model import Problem, Repository, Session

_PLACE = "refs/tally/adopted"


@contextmanager
def alone(repository: Repository) -> Iterator[None]:
    """Let nobody else adopt meanwhile; raises `SessionError` at once when somebody does: the work will be his."""
    with ExitStack() as until:
        if not locks.attempt(_lock(repository), until):
            raise SessionError(
                f"another session.adopt is taking work from {repository.main};"
                " when it is done, look what is left: git status"
            )
        yield


def reference(repository: Repository, slug: str, commit: str) -> str:
    """Keep *commit*, which the session with *slug* adopts, and return the name of the copy."""
    name = f"{_PLACE}/{slug}/{datetime.now().strftime(FORM)}"
    git.run(repository.main, "update-ref", name, commit)
    return name


def drop(repository: Repository, name: str) -> None:
    """Forget a copy."""
    git.run(repository.main, "update-ref", "-d", name)


def problems(repository: Repository, sessions: Sequence[Session]) -> list[Problem]:
    """Return the copies that were left: what is in none of the places where it belongs is for a person to look at."""
    return [
        Problem(f"a copy of what {slug} was to adopt is left", f"session.adopt was interrupted; {place}", mend)
        for _name, slug, place, mend in _left(repository, sessions)
    ]


def clear(repository: Repository, sessions: Sequence[Session]) -> None:
    """Drop the copies of what is where it belongs."""
    for name, _slug, _place, mend in _left(repository, sessions):
        if mend.startswith("inv "):
            drop(repository, name)


def _left(repository: Repository, sessions: Sequence[Session]) -> list[tuple[str, str, str, str]]:
    """Return the name of each copy, whose it was, where that work is now, and what mends it."""
    with ExitStack() as until:
        if not (repository.private.is_dir() and locks.attempt(_lock(repository), until)):
            return []  # one is going on, and has its copy
        said = git.read(repository.main, "for-each-ref", "--format=%(refname) %(objectname)", _PLACE)
        found = (line.split() for line in said.splitlines())
        return [(name, name.split("/")[-2], *_standing(repository, sessions, name, commit)) for name, commit in found]


def _standing(repository: Repository, sessions: Sequence[Session], name: str, commit: str) -> tuple[str, str]:
    mend = "inv session.doctor --fix"
    for session in sessions:
        if session.state == "ready" and session.adopts == commit:  # it had all of it before it was ready
            return f"session {session.name} has it, and some may be in {repository.main} as well: git status", mend
    if not git.beyond(repository, commit, "--branches"):
        return "a branch has its commits", mend
    if git.commit(repository, f"{commit}^2") and snapshot.holds(repository.main, commit):
        return f"all of it is still in {repository.main}", mend
    return f"it may be nowhere else: {name}", f"git stash apply {name}, look, and then: git update-ref -d {name}"


def _lock(repository: Repository) -> Path:
    return repository.private / "adopting.lock"
