"""A repository to measure in: always the same one for the same sizes."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

from develop.bench import stubs

TASKS = Path(__file__).resolve().parents[2] / "tasks"
SEED = 20251025
PACKAGES, FILES_IN_PACKAGE = 400, 50
CLAUDE_PROJECTS, CLAUDE_PROMPTS = 50, 16
WORDS = "amount author ballot branch column count points report result session tally total".split()
IGNORED = ".env\n*.sqlite3\nnode_modules\n__pycache__/\n.tally-sessions*\n.script-sessions*\n"
FRONT_DOOR = """\
import sys
del sys.modules[__name__]
from tasks import ns  # noqa
"""


@dataclass(frozen=True)
class Repository:
    """The *main* checkout, the *home* of its owner and the *environment* of whoever is measured in it."""

    main: Path
    home: Path
    environment: dict[str, str]


def make(directory: Path, files: int, database_mb: int, tasks: Path = TASKS) -> Repository:
    """Make the repository with `tasks` embedded, and the home of somebody who works in it."""
    random = Random(SEED)  # noqa: S311
    main, home, programs = directory / "tally", directory / "home", directory / "bin"
    environment = stubs.environment(directory, programs, home)
    (directory / "tmux").mkdir(parents=True)
    stubs.install(programs, home)
    _tracked(main, files, random)
    _embed(main, tasks)
    _ignored(main, random)
    database(main / "backend/db.sqlite3", database_mb)
    write(home / ".claude.json", _claude_json(main, random))
    _commit(main, environment)
    return Repository(main, home, environment)


def database(path: Path, megabytes: int) -> None:
    """Write a new SQLite database of about this size."""
    path.unlink(missing_ok=True)
    random = Random(SEED)  # noqa: S311
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table ballot (id integer primary key, points blob)")
        for _ in range(megabytes):
            rows = [(random.randbytes(3900),) for _ in range(256)]
            connection.executemany("insert into ballot (points) values (?)", rows)


def write(path: Path, text: str) -> None:
    """Write a file, and the directories that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _tracked(main: Path, files: int, random: Random) -> None:
    write(main / ".gitignore", IGNORED)
    write(main / "backend/manage.py", stubs.SERVER)
    write(main / "frontend/package.json", '{"name": "tally", "scripts": {"dev": "vite"}}\n')
    for number in range(files // 2):
        place = f"{number // 800:02}/{number // 32 % 25:02}/part{number:05}"
        write(main / f"backend/points/{place}.py", _prose(random, random.randrange(10, 45)))
        write(main / f"frontend/src/{place}.ts", _prose(random, random.randrange(10, 45)))


def _embed(main: Path, tasks: Path) -> None:
    shutil.copytree(tasks, main / "tasks", ignore=shutil.ignore_patterns("__pycache__"))
    write(main / "tasks.py", FRONT_DOOR)


def _ignored(main: Path, random: Random) -> None:
    write(main / "backend/.env", "SECRET_KEY=made-up\nDEBUG=true\n")
    write(main / "frontend/.env", "VITE_TITLE=Tally\nVITE_API_URL=http://localhost:8000\n")
    text = _prose(random, 8)
    for package in range(PACKAGES):
        for number in range(FILES_IN_PACKAGE):
            write(main / f"frontend/node_modules/package{package}/lib/{number}.js", text)


def _claude_json(main: Path, random: Random) -> str:
    """About 180 KB: what Claude Code keeps for fifty projects, the main checkout among them."""
    paths = [f"/somewhere/else/project{number}" for number in range(CLAUDE_PROJECTS - 1)]
    projects = {
        path: {
            "allowedTools": [f"Bash({random.choice(WORDS)}:*)" for _ in range(12)],
            "hasTrustDialogAccepted": True,
            "history": [{"display": _prose(random, 2)} for _ in range(CLAUDE_PROMPTS)],
        }
        for path in [*paths, str(main)]
    }
    return json.dumps({"numStartups": 41, "projects": projects}, indent=2)


def _prose(random: Random, lines: int) -> str:
    return "".join(f"# {' '.join(random.choices(WORDS, k=8))} {random.getrandbits(40):x}\n" for _ in range(lines))


def _commit(main: Path, environment: dict[str, str]) -> None:
    steps = ("init --quiet", "add --all", "commit --quiet -m Generated", "gc --quiet")
    for step in steps:
        subprocess.run(["git", *step.split()], cwd=main, env=environment, check=True)
