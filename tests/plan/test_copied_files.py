"""Patterns in `copy`, `.worktreeinclude`, and databases whatever they are called."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from testing.project import Project


def _write(project: Project, *paths: str) -> None:
    for path in paths:
        (project.main / path).parent.mkdir(parents=True, exist_ok=True)
        (project.main / path).write_text(path)


def _configure(project: Project, copy: str) -> None:
    project.configure(f"session: {{windows: [], link: [], env: {{}}, copy: {copy}}}\n")


def _tracked(project: Project, *directories: str) -> None:
    _write(project, *(f"{each}/code.py" for each in directories))
    project.git("add", "--all")
    project.git("commit", "--quiet", "-m", "code")


def test_patterns_stand_for_untracked_files_and_their_session_keeps_what_they_were(project: Project) -> None:
    _tracked(project, "apps/a", "apps/b")
    _write(project, "apps/a/.env", "apps/b/.env", "apps/b/.env.test")
    _configure(project, "['apps/*/.env', backend/.env, 'none/*.x']")

    project.inv("session.add", "x")

    assert project.row("x")["copy"] == ["backend/.env", "apps/a/.env", "apps/b/.env"]
    assert (project.worktree("x") / "apps" / "b" / ".env").read_text() == "apps/b/.env"
    assert not (project.worktree("x") / "apps" / "b" / ".env.test").exists()


def test_the_committed_worktreeinclude_names_ignored_files(project: Project) -> None:
    _tracked(project, "apps/a")
    _write(project, "apps/a/.env", "apps/a/notes.txt", "certs/own.key", "apps/a/later.pem")
    with (project.main / ".gitignore").open("a") as file:
        file.write("certs/\n*.pem\n")
    (project.main / ".worktreeinclude").write_text("# what a session needs\n**/.env\ncerts/\n*.txt\n")
    project.git("add", ".gitignore", ".worktreeinclude")
    _configure(project, "[]")
    with (project.main / ".worktreeinclude").open("a") as file:
        file.write("*.pem\n")  # which nobody approved

    project.inv("session.add", "x")

    assert sorted(project.row("x")["copy"]) == ["apps/a/.env", "backend/.env", "certs", "frontend/.env"]
    assert (project.worktree("x") / "certs" / "own.key").read_text() == "certs/own.key"
    assert project.git("status", "--porcelain", cwd=project.worktree("x")) == ""


@pytest.mark.parametrize("copied", ["[data]", "['data/*']"])
def test_a_database_is_known_by_its_header_and_comes_with_what_its_log_has(project: Project, copied: str) -> None:
    _tracked(project, "data" if "*" in copied else "other")
    (project.main / "data").mkdir(exist_ok=True)
    with (project.main / ".gitignore").open("a") as file:
        file.write("data/store*\n" if "*" in copied else "data/\n")
    project.git("commit", "--quiet", "-am", "ignored")
    _configure(project, copied)
    with closing(sqlite3.connect(project.main / "data" / "store")) as database:
        database.executescript("pragma journal_mode=wal; pragma wal_autocheckpoint=0; create table t (n integer);")
        database.execute("insert into t values (7)")
        database.commit()
        assert (project.main / "data" / "store-wal").stat().st_size > 0

        project.inv("session.add", "x")

    assert _rows(project.worktree("x") / "data" / "store") == [(7,)]
    assert [each.name for each in (project.worktree("x") / "data").iterdir() if each.name != "code.py"] == ["store"]


def _rows(database: Path) -> list[tuple[int]]:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        return connection.execute("select n from t").fetchall()


def test_a_match_without_a_plain_name_is_left_out(project: Project) -> None:
    _tracked(project, "apps/a")
    for name in (".env", os.fsdecode(b"caf\xe9.env"), "two\nlines.env"):
        (project.main / "apps" / "a" / name).touch()
    _configure(project, "['apps/a/*.env']")

    said = project.inv("session.add", "x").err

    assert said.count("its name is not plain text") == 2
    assert project.row("x")["copy"] == ["apps/a/.env"]


def test_no_pattern_copies_worktrees_into_a_worktree_or_the_registry(project: Project) -> None:
    with (project.main / ".gitignore").open("a") as file:
        file.write(".worktrees/\n")
    (project.main / ".worktrees").mkdir()
    (project.main / ".worktrees" / "note").touch()
    (project.main / ".worktreeinclude").write_text("*\n")
    project.git("add", "--all")
    own = "session: {windows: [], link: [], env: {}, worktree: '.worktrees/{slug}', copy: ['*']}\n"
    project.configure(own)

    project.inv("session.add", "a")
    project.inv("session.add", "x")

    for name in ("a", "x"):
        assert not {".worktrees", ".tally-sessions"} & {*project.row(name)["copy"]}
        assert (project.main / ".worktrees" / name / "backend" / ".env").exists()
    project.configure(own.replace("'*'", ".worktrees"))
    assert ".worktrees was left out: the session's worktree is in it." in project.inv("session.add", "y").err


@pytest.mark.slow
def test_very_many_patterns_and_files_are_no_argument_that_is_too_long(project: Project) -> None:
    names = [f"{number:04}-{'n' * 180}.env" for number in range(1200)]
    with (project.main / ".gitignore").open("a") as file:
        file.write("*.env\n")
    for name in names:
        (project.main / name).write_text(name)
    many = [f"{'never' * 400}{number}" for number in range(2_000)]
    (project.main / ".worktreeinclude").write_text("\n".join([*many, *names]))
    project.git("add", "--all")
    project.configure("session: {windows: [], link: [], env: {}, copy: []}\n")

    said = project.inv("session.add", "x").err

    assert "1188 more" in said
    tree = project.worktree("x")
    assert all((tree / name).read_text() == name for name in names)
    (tree / "new").write_text("new\n")
    project.inv("session.add", "y")
    (project.worktree("y") / "new").write_text("other\n")
    assert "both add, with different content" in project.inv("session.conflicts", code=1).out
    project.inv("session.remove", "x", "--force")
    project.inv("session.restore", "x")
    assert (tree / names[-1]).read_text() == names[-1] and (tree / "new").read_text() == "new\n"
    project.inv("session.add", "z", "--fork", "y")
    assert (project.worktree("z") / "new").read_text() == "other\n"
