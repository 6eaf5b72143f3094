"""What is done again, or taken back, for a session: setup, teardown, fresh copies, one command everywhere."""

import shlex
import sqlite3
import subprocess
from contextlib import closing

import pytest

from testing import traced
from testing.project import Project

_CONFIGURATION = """session:
  activate: ''
  windows: []
  ports: {app_port: 8100}
  copy: [backend/db.sqlite3, backend/.env, many]
  env: {backend/.env: {PORT: "{app_port}"}}
  setup: ['echo $APP_PORT >> ../{slug}.setup; test ! -e ../refuse']
  teardown: ['echo first >> ../{slug}.down', 'test -e file && test ! -e ../refuse && echo $APP_PORT >> ../{slug}.down']
"""


@pytest.fixture
def made(project: Project) -> Project:
    """Return a project with the sessions x and y, which have setup and teardown."""
    (project.main / "many").mkdir()
    (project.main / "many" / "one").write_text("1\n")
    (project.main / ".git" / "info" / "exclude").write_text("many\nfile\n")
    project.configure(_CONFIGURATION)
    for name in ("x", "y"):
        project.inv("session.add", name)
        (project.worktree(name) / "file").touch()
    return project


def _numbers(database: object) -> list[int]:
    with closing(sqlite3.connect(str(database))) as connection:
        return [number for (number,) in connection.execute("select number from points")]


def test_teardown_runs_before_anything_goes_and_refuses_unless_forced(made: Project) -> None:
    port, down = made.row("x")["app_port"], made.top / "x.down"
    (made.top / "refuse").touch()
    assert "Would run echo first >> ../x.down, then test -e file" in made.inv("session.remove", "x", "--dry-run").out

    said = made.inv("session.remove", "x", code=1).err

    assert "Teardown command failed: test -e file" in said
    assert "inv session.remove x --force" in said
    assert made.row("x")["state"] == "ready"
    assert (made.worktree("x") / "file").exists()
    (made.top / "refuse").unlink()
    down.unlink()
    made.inv("session.remove", "x")
    assert down.read_text() == f"first\n{port}\n"
    made.inv("session.restore", "x")
    assert (made.top / "x.setup").read_text() == f"{port}\n{port}\n"  # what was torn down is set up again
    (made.top / "refuse").touch()
    assert "Teardown command failed" in made.inv("session.remove", "x", "--force").err
    assert not made.worktree("x").exists()


def test_a_teardown_that_was_killed_is_continued(made: Project) -> None:
    rows = (made.main / ".tally-sessions").read_text()
    killing = rows.replace("echo first >> ../x.down", "kill -9 $(ps -o ppid= -p $$)")
    (made.main / ".tally-sessions").write_text(killing)
    assert "teardown" in made.inv("session.remove", "x", code=1).err  # nobody approved that
    made.inv("session.remove", "x", "--yes", code=None)
    assert made.listed("x")["status"] == "removing"
    (made.main / ".tally-sessions").write_text(
        (made.main / ".tally-sessions").read_text().replace("kill -9 $(ps -o ppid= -p $$)", "echo again >> ../x.down")
    )

    made.inv("session.remove", "x")

    assert (made.top / "x.down").read_text().startswith("again\n")
    assert not made.worktree("x").exists()


def test_setup_runs_again(made: Project) -> None:
    assert made.inv("session.setup", "x", "y").out == "Setup of x is done.\nSetup of y is done.\n"
    assert len((made.top / "y.setup").read_text().splitlines()) == 2
    (made.top / "refuse").touch()
    said = made.inv("session.setup", "--all", code=1).err
    assert said.count("Setup command failed") == 2  # once for each session
    assert said.endswith("Setup of x failed.\nSetup of y failed.\n") and "\n\n" not in said
    (made.top / "refuse").unlink()
    made.inv("session.start", "x")
    assert len(made.row("x")["setup_done"]) == 1


def test_fresh_copies_keep_the_old_ones_and_the_sessions_values(made: Project) -> None:
    tree, port = made.worktree("x"), made.row("x")["app_port"]
    (tree / "backend" / ".env").write_text(f"MINE=1\nPORT={port}\n")
    (tree / "many" / "two").write_text("2\n")
    reader = sqlite3.connect(tree / "backend" / "db.sqlite3")
    reader.execute("pragma journal_mode=wal")
    reader.execute("insert into points values (2)")
    reader.commit()
    with closing(sqlite3.connect(made.main / "backend" / "db.sqlite3")) as main, main:
        main.execute("insert into points values (3)")

    said = made.inv("session.refresh", "x", "--data").out

    assert [row[0] for row in reader.execute("select number from points")] == [1, 3]  # it was open all the time
    kept = said.splitlines()[1].removeprefix("The old ones are in ")
    assert _numbers(f"{kept}/backend/db.sqlite3") == [1, 2]
    assert "MINE" in (tree / "backend" / ".env").read_text()
    said = made.inv("session.refresh", "x", "--files").out
    assert "MINE" not in (text := (tree / "backend" / ".env").read_text())
    assert f"PORT={port}" in text
    assert not (tree / "many" / "two").exists()
    reader.execute("insert into points values (4)")
    reader.commit()
    made.inv("session.refresh", "y", "--data", "--from", "x")
    assert _numbers(made.worktree("y") / "backend" / "db.sqlite3") == [1, 3, 4]
    assert "which session.refresh or session.add replaced" in made.inv("session.prune", "--days", "0", "--yes").out
    assert not list((made.main / ".git" / "tally-sessions" / "refreshed").glob("*/*"))
    reader.close()


@pytest.mark.slow
def test_a_database_that_is_locked_stays_as_it_was(made: Project) -> None:
    tree = made.worktree("x")
    with closing(sqlite3.connect(tree / "backend" / "db.sqlite3", isolation_level=None)) as writer:
        writer.execute("begin")
        writer.execute("select * from points").fetchall()

        said = made.inv("session.refresh", "x", "--data", code=1).err
        assert "a program keeps the database locked." in said and "It was not changed." in said
        assert "Errno" not in said

        writer.execute("insert into points values (2)")
        writer.execute("commit")
    assert _numbers(tree / "backend" / "db.sqlite3") == [1, 2]


def test_a_session_is_not_refreshed_from_itself(made: Project) -> None:
    said = made.inv("session.refresh", "x", "--from", "x", code=1)

    assert "--from must be another session than x." in said.err and not said.out


def test_one_command_runs_in_every_session(made: Project) -> None:
    ports = [made.row(name)["app_port"] for name in ("x", "y")]
    assert made.inv("session.run", "--all", "echo $APP_PORT").out == f"x:\n{ports[0]}\ny:\n{ports[1]}\n"
    said = made.inv("session.run", "--all", "test -e only", code=1).err
    assert said == "x: exit code 1\ny: exit code 1\n"
    assert "there is no NAME" in made.inv("session.run", "x", "true", "--all", code=1).err


@pytest.mark.parametrize("how", ["all", *traced.ERRORS[:1]])
def test_a_directory_is_replaced_when_its_fresh_copy_is_complete(made: Project, how: str) -> None:
    mine = made.worktree("x") / "many" / "mine"
    mine.write_text("mine\n")
    place = f"openat {made.worktree('x').name}/.many. /one"

    ended = traced.run(made, ("session.refresh", "x", "--files"), traced.Attempt(0, how, place))

    assert ended.calls[-1].path.endswith("one") or "No space left" in ended.said
    assert mine.read_text() == "mine\n"
    made.inv("session.refresh", "x", "--files")
    assert not mine.exists()
    assert [each.name for each in mine.parent.iterdir()] == ["one"]
    assert made.inv("session.doctor", "--json").json == []


def test_what_could_not_be_copied_is_not_called_copied_and_links_are_replaced(made: Project) -> None:
    own = made.worktree("x") / "backend" / ".env"
    own.unlink()
    own.symlink_to("nowhere")  # a new file of the worktree, then
    (made.main / "many" / "one").unlink()
    (made.main / "many").rmdir()
    (made.main / "many").symlink_to("/etc")

    said = made.inv("session.refresh", "x", "--files")

    assert "many was left out" in said.err and "many" not in said.out
    assert "PORT=" in own.read_text() and own.resolve().name == "nowhere"
    assert (made.worktree("x") / "many" / "one").read_text() == "1\n"


def test_a_database_that_cannot_be_written_into_is_replaced_once_it_is_deleted(made: Project) -> None:
    own = made.worktree("x") / "backend" / "db.sqlite3"
    with closing(sqlite3.connect(own)) as connection:
        connection.executescript("pragma page_size=8192; vacuum; pragma journal_mode=wal;")

    said = made.inv("session.refresh", "x", "--data", code=1).err

    (line,) = [line for line in said.splitlines() if line.startswith("Run: rm ")]
    subprocess.run(shlex.split(line.removeprefix("Run: ")), check=True)
    made.inv("session.refresh", "x", "--data")
    assert _numbers(own) == [1]
