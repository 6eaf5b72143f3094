"""The pairs of commands that are compared, and how much slower the project may be."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import NAMESPACE_URL, uuid5

from invoke.exceptions import Exit

from develop.bench.measure import Command, Step, process
from develop.bench.repository import Repository, write_database, write_file
from tasks.config import settings
from tasks.plan import contents
from tasks.status import session_status
from tasks.store import registry
from tasks.store import rows as store_rows
from tasks.system import copy
from tasks.tools import git

# The one beside the interpreter: with a version manager's shim its time would be measured, too.
INV = Path(sys.executable).with_name("inv")
SCRIPT = Path(__file__).with_name("script.sh")
TRIVIAL = """\
from invoke import task


@task
def hello(c):
    \"\"\"Say hello.\"\"\"
    print("hello")
"""


def inv_step(repository: Repository, *words: str) -> Step:
    """Return `inv` on the embedded project."""
    return process([INV, *words], repository.main, repository.environment)


def trivial_step(repository: Repository, *words: str) -> Step:
    """`inv` with a task that does nothing, to measure Invoke itself."""
    directory = repository.home / "trivial"
    write_file(directory / "tasks.py", TRIVIAL)
    return process([INV, *words], directory, repository.environment)


def script_step(repository: Repository, *words: str) -> Step:
    """Return the plain script on the same repository."""
    environment = {**repository.environment, "MAIN": str(repository.main)}
    return process([SCRIPT, *words], repository.main, environment)


def database_copier(source: Path, target: Path) -> Step:
    """Return the project's copying of *source* to *target*."""
    return lambda: copy.copy_file(source, target)


def status_reader(repository: Repository) -> Step:
    """Return what `session.list` does between reading the registry and printing."""
    here = git.find_repository(repository.main)
    rows = registry.read_registry(here)
    sessions = [
        store_rows.session_from_row(name, row, here, partial(contents.complete_row, settings.parse_settings({})))
        for name, row in rows.items()
    ]

    def read() -> None:
        # Otherwise its children would use the developer's own tmux server.
        with mock.patch.dict(os.environ, repository.environment, clear=True):
            session_status.session_statuses(sessions, here)

    return read


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


WINDOWS = 5
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.02
END_OF_PANE = "\x1eend of pane"


def wait_until_ready(repository: Repository, registry: str, name: str, label: str) -> None:
    """Return when the tmux session `label`, the row `name` of `registry`, is usable."""
    row = json.loads((repository.main / registry).read_text())[name]
    servers = [
        (row["backend_port"], Path(row["worktree"], "backend")),
        (row["frontend_port"], Path(row["worktree"], "frontend")),
    ]
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not (all(_answers(*server) for server in servers) and _prompts(repository, label)):
        if time.monotonic() > give_up:
            screens = "\n----\n".join(_screens(repository, label))
            raise Exit(f"{label} is not usable after {PATIENCE_SECONDS:.0f} s:\n{screens}", code=1)
        time.sleep(PAUSE_SECONDS)


def _answers(port: int, directory: Path) -> bool:
    """Return whether the session's own server answers; another one on the port names another directory."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as server:
            server.sendall(b"GET / HTTP/1.0\r\n\r\n")
            said = b"".join(iter(lambda: server.recv(4096), b""))
    except OSError:
        return False
    return said.endswith(str(directory).encode())


def _prompts(repository: Repository, label: str) -> bool:
    screens = _screens(repository, label)
    return len(screens) == WINDOWS and all(_usable(screen) for screen in screens)


def _usable(screen: str) -> bool:
    """Return whether the shell is at its prompt, or its program has printed that it is ready."""
    last = screen.strip().rpartition("\n")[2]
    return last.startswith(("$", "ready"))


def _screens(repository: Repository, label: str) -> list[str]:
    panes = _tmux(repository, ["list-panes", "-s", "-t", f"={label}:", "-F", "#{pane_id}"])
    words: list[str] = []
    for pane in panes.split():
        words += ["capture-pane", "-p", "-t", pane, ";", "display-message", "-p", END_OF_PANE, ";"]
    return _tmux(repository, words).split(END_OF_PANE)[:-1] if words else []


def _tmux(repository: Repository, words: Sequence[str]) -> str:
    done = subprocess.run(
        ["tmux", *words],
        env=repository.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


NAME = "timed"
CLONE = ["cp", "-c"] if sys.platform == "darwin" else ["cp", "--reflink=auto"]
STATUS_LOOP = 'for tree; do git -C "$tree" status --porcelain; done'


@dataclass(frozen=True)
class Case:
    """Two commands, and the highest acceptable ratio of their times, if there is one."""

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
    """Return the cases of `add` and `remove`."""
    ours = inv_step(repository, "session.add", NAME)
    undo = inv_step(repository, "session.remove", NAME, "--force")
    other = script_step(repository, "add", NAME)
    undo_other = script_step(repository, "remove", NAME)
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
    """Return the case that measures until prompts and servers are ready, not until the command ends."""

    def ours() -> None:
        inv_step(repository, "session.add", NAME)()
        wait_until_ready(repository, REGISTRY, NAME, f"tally-{NAME}")

    def other() -> None:
        script_step(repository, "add", NAME)()
        wait_until_ready(repository, ".script-sessions", NAME, f"script-{NAME}")

    yield Case(
        "add until all is usable ÷ script",
        Command(ours, after=inv_step(repository, "session.remove", NAME, "--force")),
        Command(other, after=script_step(repository, "remove", NAME)),
        1.3,
    )


def copying(repository: Repository) -> Iterator[Case]:
    """Return the copy of the database by itself."""
    source = repository.main / "backend/db.sqlite3"
    target = repository.home / "copy.sqlite3"
    copy = database_copier(source, target)

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
    """Return the cases of start-up and completion, which every command and every Tab pay."""
    words = ("--complete", "--", "x")
    ours = Command(inv_step(repository, *words))
    yield Case("completion ÷ trivial", ours, Command(trivial_step(repository, *words)), 1.15)
    yield _listing(repository, 0, 1.25)


def many_sessions(repository: Repository) -> Iterator[Case]:
    """Cases with more and more sessions, which are added when they are needed."""
    write_database(repository.main / "backend/db.sqlite3", 1)
    add_sessions(repository, range(20))
    yield _listing(repository, 20, 1.25)
    imitate_sessions(repository, range(20, 50))
    yield _status(repository)
    imitate_sessions(repository, range(50, 100))
    yield _listing(repository, 100, None)


def _listing(repository: Repository, count: int, gate: float | None) -> Case:
    return Case(
        f"list of {count} ÷ trivial inv --list",
        Command(inv_step(repository, "session.list")),
        Command(trivial_step(repository, "--list")),
        gate,
    )


def _status(repository: Repository) -> Case:
    trees = list_worktrees(repository)
    loop = process(["sh", "-c", STATUS_LOOP, "sh", *trees], repository.main, repository.environment)
    ours = status_reader(repository)
    return Case(f"status of {len(trees)} ÷ git status in each", Command(ours), Command(loop), 0.7)
