"""What is compared with what, and how much slower the project may be."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from develop.bench import project, ready, sessions
from develop.bench.commands import inv, script, trivial_inv
from develop.bench.measure import Command, process
from develop.bench.repository import Repository, database

NAME = "timed"
CLONE = ["cp", "-c"] if sys.platform == "darwin" else ["cp", "--reflink=auto"]
STATUS_LOOP = 'for tree; do git -C "$tree" status --porcelain; done'


@dataclass(frozen=True)
class Case:
    """Two commands, and the ratio of their times that is still good enough, where there is one."""

    what: str
    ours: Command
    other: Command
    gate: float | None = None


@dataclass(frozen=True)
class Gates:
    """What depends on the size of the repository."""

    add: float
    remove: float


SMALL = Gates(add=1.35, remove=1.9)
LARGE = Gates(add=1.2, remove=1.4)


def add_and_remove(repository: Repository, gates: Gates) -> Iterator[Case]:
    """Return the whole job and its undoing."""
    ours = inv(repository, "session.add", NAME)
    undo = inv(repository, "session.remove", NAME, "--force")
    other = script(repository, "add", NAME)
    undo_other = script(repository, "remove", NAME)
    yield Case(
        "add ÷ script",
        Command(ours, after=undo),
        Command(other, after=undo_other),
        gates.add,
    )
    yield Case(
        "remove ÷ script",
        Command(undo, before=ours),
        Command(undo_other, before=other),
        gates.remove,
    )


def windows(repository: Repository) -> Iterator[Case]:
    """Return what the person waits for: not the end of the command, but prompts and servers."""

    def ours() -> None:
        inv(repository, "session.add", NAME)()
        ready.wait(repository, sessions.REGISTRY, NAME, f"tally-{NAME}")

    def other() -> None:
        script(repository, "add", NAME)()
        ready.wait(repository, ".script-sessions", NAME, f"script-{NAME}")

    yield Case(
        "add until all is usable ÷ script",
        Command(ours, after=inv(repository, "session.remove", NAME, "--force")),
        Command(other, after=script(repository, "remove", NAME)),
        1.3,
    )


def copying(repository: Repository) -> Iterator[Case]:
    """Return the copy of the database by itself."""
    source = repository.main / "backend/db.sqlite3"
    target = repository.home / "copy.sqlite3"
    copy = project.database_copier(source, target)

    def clear() -> None:
        target.unlink(missing_ok=True)

    plain = process([*CLONE, source, target], repository.main, repository.environment)
    yield Case(
        "database copy ÷ cp",
        Command(copy, before=clear),
        Command(plain, before=clear),
        1.15,
    )


def start_up(repository: Repository) -> Iterator[Case]:
    """Return what every command and every Tab pays."""
    words = ("--complete", "--", "x")
    ours = Command(inv(repository, *words))
    yield Case("completion ÷ trivial", ours, Command(trivial_inv(repository, *words)), 1.15)
    yield _listing(repository, 0, 1.25)


def many_sessions(repository: Repository) -> Iterator[Case]:
    """Cases that need more and more sessions, made as they are asked for."""
    database(repository.main / "backend/db.sqlite3", 1)
    sessions.add(repository, range(20))
    yield _listing(repository, 20, 1.25)
    sessions.imitate(repository, range(20, 50))
    yield _status(repository)
    sessions.imitate(repository, range(50, 100))
    yield _listing(repository, 100, None)


def _listing(repository: Repository, count: int, gate: float | None) -> Case:
    return Case(
        f"list of {count} ÷ trivial inv --list",
        Command(inv(repository, "session.list")),
        Command(trivial_inv(repository, "--list")),
        gate,
    )


def _status(repository: Repository) -> Case:
    trees = sessions.worktrees(repository)
    loop = process(["sh", "-c", STATUS_LOOP, "sh", *trees], repository.main, repository.environment)
    ours = project.status_reader(repository)
    return Case(f"status of {len(trees)} ÷ git status in each", Command(ours), Command(loop), 0.7)
