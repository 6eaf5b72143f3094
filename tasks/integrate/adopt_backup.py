"""One `session.adopt` at a time, and the copies of work that a killed one left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from ..errors import SessionError
from ..model import Problem, Repository, Session
from ..store import snapshot
from ..store.archive import FORM
from ..system import locks
from ..tools import git

_PLACE = "refs/tally/adopted"


@contextmanager
def adoption_lock(repository: Repository) -> Iterator[None]:
    """Hold the lock of adopt; raise `SessionError` at once if another adopt has it: it is taking the same work."""
    with ExitStack() as until:
        if not locks.try_file_lock(_lock(repository), until):
            raise SessionError(
                f"Another session.adopt is taking work from {repository.main}."
                " When it has finished, see what is left.\nRun: git status"
            )
        yield


def keep_copy(repository: Repository, slug: str, commit: str) -> str:
    """Keep *commit*, which the session with *slug* adopts, and return the name of the copy."""
    name = f"{_PLACE}/{slug}/{datetime.now().strftime(FORM)}"
    git.run_git(repository.main, "update-ref", name, commit)
    return name


def list_copies(repository: Repository, slug: str) -> list[str]:
    """Return the names of the copies of what the session with *slug* adopts."""
    return git.read_git(repository.main, "for-each-ref", "--format=%(refname)", f"{_PLACE}/{slug}/").splitlines()


def drop_copy(repository: Repository, name: str) -> None:
    """Forget a copy."""
    git.run_git(repository.main, "update-ref", "-d", name)


def copy_problems(repository: Repository, sessions: Sequence[Session]) -> list[Problem]:
    """Return the copies that were left; a person has to look at one whose work is nowhere else."""
    copies = [] if locks.is_held(_lock(repository)) else _list_standings(repository, sessions)
    if locks.is_held(_lock(repository)):  # an adopt is in progress, and has its copy
        return []
    return [
        Problem(f"a copy of the work for {slug} is left", f"session.adopt was interrupted; {place}", mend)
        for _name, slug, place, mend in copies
    ]


def clear_copies(repository: Repository, sessions: Sequence[Session]) -> None:
    """Drop the copies of work that is where it belongs."""
    with ExitStack() as until:
        if repository.private.is_dir() and locks.try_file_lock(_lock(repository), until):
            for name, _slug, _place, mend in _list_standings(repository, sessions):
                if mend.startswith("inv "):
                    drop_copy(repository, name)


def _list_standings(repository: Repository, sessions: Sequence[Session]) -> list[tuple[str, str, str, str]]:
    """Return the name of each copy, its session's slug, where that work is now, and what to run."""
    listing = git.read_git(repository.main, "for-each-ref", "--format=%(refname) %(objectname)", _PLACE)
    entries = (line.split() for line in listing.splitlines())
    return [(name, name.split("/")[-2], *_standing(repository, sessions, name, commit)) for name, commit in entries]


def _standing(repository: Repository, sessions: Sequence[Session], name: str, commit: str) -> tuple[str, str]:
    mend, slug = "inv session.doctor --fix", name.split("/")[-2]
    for session in sessions:
        # It had all of it before it was ready; an adopt that was repeated made another commit of the same work.
        repeated = session.slug == slug and session.adopts and _holds_same(repository, session.adopts, commit)
        if session.state == "ready" and (session.adopts == commit or repeated):
            return f"session {session.name} has it, and some may still be in {repository.main}", mend
    if not git.count_beyond(repository, commit, "--branches"):
        return "a branch has its commits", mend
    if git.resolve_commit(repository, f"{commit}^2") and snapshot.has_snapshot(repository.main, commit):
        return f"all of it is still in {repository.main}", mend
    return f"it may be nowhere else: {name}", f"git stash apply {name}, check it, then: git update-ref -d {name}"


def _holds_same(repository: Repository, one: str, other: str) -> bool:
    """Return whether two commits of work hold the same: their files, what they are based on, and what is staged."""
    questions = [(f"{each}^{{tree}}", f"{each}^1", f"{each}^2^{{tree}}") for each in (one, other)]
    mine, its = (git.read_git(repository.main, "rev-parse", "--quiet", *words, check=False) for words in questions)
    return mine == its


def _lock(repository: Repository) -> Path:
    return repository.private / "adopting.lock"
