"""The pairs of commands that are compared, and how much slower the project may be."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from develop.bench import ready
from develop.bench.measure import Command, Step, process
from develop.bench.repository import Repository, with_virtualenvwrapper, write_database, write_file
from develop.bench.steps import database_copier, inv_step, script_step, status_reader, trivial_step

_TRUSTED = 1.1  # seconds after which git believes that a file was not changed since it looked
REGISTRY = ".tally-sessions"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def session_name(number: int) -> str:
    """Return the name of the session with this number; none is a prefix of another."""
    return f"many-{number:03}"


def add_sessions(repository: Repository, numbers: range) -> None:
    """Add and stop real sessions."""
    for number in numbers:
        inv_step(repository, "session.add", session_name(number))()
        inv_step(repository, "session.stop", session_name(number))()


def imitate_sessions(repository: Repository, numbers: range) -> None:
    """Make worktrees, and rows in the form of the first real one's."""
    registry = repository.main / REGISTRY
    rows = json.loads(registry.read_text())
    for number in numbers:
        row = _likeness(rows[session_name(0)], number)
        rows[session_name(number)] = row
        words = ["git", "worktree", "add", "--quiet", "-b", session_name(number), row["worktree"]]
        process(words, repository.main, repository.environment)()
        # The first `git status` updates the index, so whichever side ran first would pay for both.
        process(["git", "-C", row["worktree"], "status"], repository.main, repository.environment)()
    registry.write_text(json.dumps(rows, indent=2))


def list_worktrees(repository: Repository) -> list[Path]:
    """Return where the sessions in the registry are."""
    rows = json.loads((repository.main / REGISTRY).read_text())
    return [Path(row["worktree"]) for row in rows.values()]


def _likeness(row: dict[str, Any], number: int) -> dict[str, Any]:
    text = json.dumps(row).replace(session_name(0), session_name(number))
    copy: dict[str, Any] = json.loads(UUID.sub(str(uuid5(NAMESPACE_URL, str(number))), text))
    ports = {key: value + number for key, value in copy.items() if key.endswith("_port")}
    return {**copy, **ports}


NAME = "timed"
CLONE = ["cp", "-c"] if sys.platform == "darwin" else ["cp", "--reflink=auto"]
STATUS_LOOP = 'for tree; do git -C "$tree" status --porcelain; done'


@dataclass(frozen=True)
class Case:
    """Two commands, how they are compared in two sentences, and the ratios of their times to stay below."""

    what: str
    ours: Command
    other: Command
    gate: float | None
    goal: float | None
    way: str


@dataclass(frozen=True)
class Bounds:
    """Gate and goal of what depends on the size of the repository."""

    add: tuple[float, float]
    remove: tuple[float, float]


SMALL = Bounds(add=(1.2, 1.0), remove=(1.9, 1.6))
LARGE = Bounds(add=(0.9, 0.75), remove=(0.8, 0.5))


def add_and_remove(repository: Repository, bounds: Bounds) -> Iterator[Case]:
    """Return the cases of `add`, `remove` and `restore`."""
    ours = inv_step(repository, "session.add", NAME)
    undo = inv_step(repository, "session.remove", NAME, "--force")
    prune = _pruned(repository)
    undo_and_prune = _both(undo, prune)
    other = script_step(repository, "add", NAME)
    undo_other = script_step(repository, "remove", NAME)
    yield Case(
        "add ÷ script", Command(ours, after=undo_and_prune), Command(other, after=undo_other), *bounds.add,
        "Both make a worktree on a new branch, ports, a copy of the database, `.env` files, Claude Code's permissions"
        " and five windows. The clock stops when the command ends.",
    )  # fmt: skip
    yield Case(
        "remove ÷ script", Command(undo, before=ours, after=prune), Command(undo_other, before=other), *bounds.remove,
        "Both end the windows and take away the worktree, the branch and the entries; ours first looks for work that"
        " would be lost, and keeps everything for `restore`. What ours deletes later, in the background, is not"
        " counted.",
    )  # fmt: skip
    yield Case(
        "remove of a session in use ÷ script",
        Command(undo, before=_both(ours, _looked_at(repository, repository.main.name)), after=prune),
        Command(undo_other, before=_both(other, _looked_at(repository, "script"))), None, None,
        "As before, but there was a `git status` in the worktree, as any prompt or editor asks for it. The first one"
        " after a checkout reads every file.",
    )  # fmt: skip
    yield Case(
        "restore ÷ add",
        Command(inv_step(repository, "session.restore", NAME), before=_both(ours, undo), after=undo_and_prune),
        Command(ours, after=undo_and_prune), 0.8, 0.6,
        "A session that was just removed comes back with everything that was in it. It is compared with adding one.",
    )  # fmt: skip


def _both(first: Step, second: Step) -> Step:
    def run() -> None:
        first()
        second()

    return run


def _looked_at(repository: Repository, label: str) -> Step:
    """Return `git status` in the new worktree of that *label*, once git trusts the times of its files."""
    status = process(
        ["git", "-C", repository.main.with_name(f"{label}-{NAME}"), "status"], repository.main, repository.environment
    )
    return _both(lambda: time.sleep(_TRUSTED), status)


def _pruned(repository: Repository) -> Step:
    """Forget what `remove` has kept: each round would leave a database in memory."""
    return inv_step(repository, "session.prune", "--days", "0", "--yes")


def windows(repository: Repository, what: str, gate: float, goal: float, way: str) -> Iterator[Case]:
    """Return the case that measures until prompts and servers are ready, not until the command ends."""

    def ours() -> None:
        inv_step(repository, "session.add", NAME)()
        ready.wait_until_ready(repository, REGISTRY, NAME, f"tally-{NAME}")

    def other() -> None:
        script_step(repository, "add", NAME)()
        ready.wait_until_ready(repository, ".script-sessions", NAME, f"script-{NAME}")

    yield Case(
        what,
        Command(ours, after=_both(inv_step(repository, "session.remove", NAME, "--force"), _pruned(repository))),
        Command(other, after=script_step(repository, "remove", NAME)),
        gate,
        goal,
        way,
    )


def usable(repository: Repository) -> Iterator[Case]:
    """Return the case with shells that start at once, and the one with real virtualenvwrapper where it is installed."""
    yield from windows(
        repository, "add until all is usable ÷ script", 1.2, 1.0,
        "The clock stops when all five windows show their prompt or run their program, and both servers answer. In the"
        " shells `workon` does nothing, so this is what the tools themselves take.",
    )  # fmt: skip
    if wrapped := with_virtualenvwrapper(repository):
        yield from windows(
            wrapped, "the same with real virtualenvwrapper", 0.4, 0.25,
            "As before, but each shell loads virtualenvwrapper, and the script types `workon tally` as people do. Ours"
            " sources the environment's `activate` where its hooks are empty, which does the same.",
        )  # fmt: skip


def copying(repository: Repository) -> Iterator[Case]:
    """Return the copy of the database by itself."""
    source = repository.main / "backend/db.sqlite3"
    target = repository.home / "copy.sqlite3"
    copy = database_copier(source, target)

    def clear() -> None:
        target.unlink(missing_ok=True)

    plain = process([*CLONE, source, target], repository.main, repository.environment)
    yield Case(
        "database copy ÷ cp", Command(copy, before=clear), Command(plain, before=clear), 1.15, 1.0,
        "A consistent copy of a SQLite database, made while its write lock is held. `cp` copies the file as it is.",
    )  # fmt: skip


def start_up(repository: Repository) -> Iterator[Case]:
    """Return the cases of start-up and completion, which every command and every Tab pay."""
    words = ("--complete", "--", "x")
    yield Case(
        "completion ÷ trivial", Command(inv_step(repository, *words)), Command(trivial_step(repository, *words)),
        1.1, 1.05,
        "What a Tab takes with the sessions in `tasks.py`. It is compared with a `tasks.py` of one empty task.",
    )  # fmt: skip
    yield _listing(repository, 0, 1.4, 1.25)


def many_sessions(repository: Repository) -> Iterator[Case]:
    """Cases with more and more sessions, which are added when they are needed."""
    write_database(repository.main / "backend/db.sqlite3", 1)
    alone = _without_sessions(repository)
    add_sessions(repository, range(20))
    yield _listing(repository, 20, 2.2, 1.8)
    yield _conflicts(repository)
    imitate_sessions(repository, range(20, 50))
    yield _status(repository)
    imitate_sessions(repository, range(50, 100))
    yield _listing(repository, 100, 5.0, 4.0)
    yield _doctor(repository)
    yield from _growth(repository, alone)


def _listing(repository: Repository, count: int, gate: float, goal: float) -> Case:
    return Case(
        f"list of {count} ÷ trivial inv --list", Command(inv_step(repository, "session.list")),
        Command(trivial_step(repository, "--list")), gate, goal,
        "The table with ports, state, work and Claude of each session, for which git looks at every worktree. It is"
        " compared with `inv --list` where `tasks.py` has one empty task.",
    )  # fmt: skip


def _status(repository: Repository) -> Case:
    trees = list_worktrees(repository)
    loop = process(["sh", "-c", STATUS_LOOP, "sh", *trees], repository.main, repository.environment)
    return Case(
        f"status of {len(trees)} ÷ git status in each", Command(status_reader(repository)), Command(loop), 0.7, 0.6,
        "What `list` does between reading the registry and printing. It is compared with a loop of `git status`.",
    )  # fmt: skip


def _doctor(repository: Repository) -> Case:
    doctor = inv_step(repository, "session.doctor", code=None)  # it exits with 1: imitated sessions lack their files
    return Case(
        "doctor of 100 ÷ list of 100", Command(doctor), Command(inv_step(repository, "session.list")), 2.0, 1.5,
        "Every check of every session, and what is left of sessions that are gone. It is compared with the table of"
        " the same sessions.",
    )  # fmt: skip


def _conflicts(repository: Repository) -> Case:
    for number, tree in enumerate(list_worktrees(repository)):
        write_file(tree / "backend/points/00/00/part00000.py", f"# changed {number}\n")
        write_file(tree / f"backend/new{number}.py", f"# new {number}\n")
    return Case(
        "conflicts of 20 dirty sessions ÷ list of them", Command(inv_step(repository, "session.conflicts", code=None)),
        Command(inv_step(repository, "session.list")), 4.0, 3.0,
        "Twenty sessions have changed the same file, so 190 pairs are merged on trial. It is compared with the table"
        " of the same sessions.",
    )  # fmt: skip


def _growth(repository: Repository, alone: Repository) -> Iterator[Case]:
    """Return `add` and `remove` beside 100 sessions ÷ the same in a repository without any."""
    sides = [
        (inv_step(each, "session.add", NAME), inv_step(each, "session.remove", NAME, "--force"))
        for each in (repository, alone)
    ]
    (add, undo), (add_alone, undo_alone) = sides
    way = (
        "The same command in two repositories of the same files, one with 100 sessions and one with none. What grows"
        " with the sessions shows as more than 1."
    )
    yield Case(
        "add beside 100 ÷ add alone", Command(add, after=undo), Command(add_alone, after=undo_alone), 1.15, 1.1, way
    )
    yield Case(
        "remove beside 100 ÷ remove alone",
        Command(undo, before=add),
        Command(undo_alone, before=add_alone),
        1.15,
        1.1,
        way,
    )


def _without_sessions(repository: Repository) -> Repository:
    """Return a repository of the same files without sessions, with the same home and the same permissions there."""
    main = repository.main.parent / "alone" / "tally"
    process(["git", "clone", "--quiet", repository.main, main], repository.home, repository.environment)()
    claude = repository.home / ".claude.json"
    content = json.loads(claude.read_text())
    content["projects"][str(main)] = content["projects"][str(repository.main)]
    claude.write_text(json.dumps(content, indent=2))
    write_database(main / "backend/db.sqlite3", 1)
    for path in ("backend/.env", "frontend/.env"):
        write_file(main / path, (repository.main / path).read_text())
    write_file(main / "frontend/node_modules/package0/lib/0.js", "")
    return Repository(main, repository.home, repository.environment)
