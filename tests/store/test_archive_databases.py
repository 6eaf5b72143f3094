"""Databases, `.env` files and ports of a session that is removed and restored."""

import os
import socket
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest

from testing import dirty
from testing.project import Project, eventually

_WRITER = """
import os, sqlite3, sys
base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.execute("pragma journal_mode=wal")
base.execute("pragma wal_autocheckpoint=0")
while True:
    base.execute("insert into points values (7)")
    open(sys.argv[2], "a").write(f"{base.execute('select count(*) from points').fetchone()[0]}\\n")
"""


@pytest.fixture
def added(project: Project) -> Project:
    """Return the project with the session x, in which only `sleep` runs."""
    project.configure(dirty.LIGHT)
    project.inv("session.add", "x")
    return project


def _points(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("select count(*) from points").fetchone()[0])


def _counted(backend: Path) -> int:
    lines = (backend / "counter").read_text().split("\n")[:-1] if (backend / "counter").exists() else []
    return int(lines[-1]) if lines else 0


def test_a_database_and_env_files_with_their_modes(added: Project) -> None:
    database, env = (added.worktree("x") / "backend" / name for name in ("db.sqlite3", ".env"))
    with closing(sqlite3.connect(database)) as connection:
        connection.executemany("insert into points values (?)", [(n,) for n in range(500)])
        connection.commit()
    database.chmod(0o640)
    env.write_text("SECRET_KEY=own\n")

    dirty.there_and_back(added)

    assert (_points(database), stat.S_IMODE(database.stat().st_mode)) == (501, 0o640)
    assert (env.read_text(), stat.S_IMODE(env.stat().st_mode)) == ("SECRET_KEY=own\n", 0o600)


def test_a_database_that_a_server_writes_until_the_removal(project: Project) -> None:
    (project.main / "backend" / "manage.py").write_text(_WRITER)
    with (project.main / ".gitignore").open("a") as ignored:
        ignored.write("*.sqlite3-*\ncounter\n")
    project.git("add", "--all")
    run = f"{sys.executable} manage.py db.sqlite3 counter"
    project.configure(f"session: {{windows: [{{name: server, dir: backend, run: {run}}}]}}\n")
    project.inv("session.add", "x")
    backend = project.worktree("x") / "backend"
    eventually(lambda: _counted(backend) > 50)

    project.inv("session.remove", "x", "--force")
    before = _counted(next(project.main.glob(".git/tally-sessions/removed/x/*/tree/backend")))
    project.inv("session.restore", "x")
    eventually(lambda: _counted(backend) > before)  # the server goes on
    project.inv("session.stop", "x")

    with closing(sqlite3.connect(backend / "db.sqlite3")) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    assert _points(backend / "db.sqlite3") >= _counted(backend) > before


def test_ports_and_conversation_are_the_old_ones_and_moved_when_taken(added: Project) -> None:
    row = added.row("x")
    dirty.there_and_back(added)
    again = added.row("x")
    assert {**again, "start": "", "tip": ""} == {**row, "start": "", "tip": ""}
    added.inv("session.remove", "x", "--force")

    with socket.create_server(("127.0.0.1", row["backend_port"])):
        said = added.inv("session.restore", "x")

    moved = added.row("x")
    assert f"backend_port {row['backend_port']} is taken by process {os.getpid()} (" in said.err
    assert f"). It is {moved['backend_port']} now." in " ".join(said.err.split())
    assert moved["backend_port"] != row["backend_port"]
    assert moved["conversation"] == row["conversation"]
    value = (added.worktree("x") / "frontend" / ".env").read_text()
    assert f"http://localhost:{moved['backend_port']}\n" in value
