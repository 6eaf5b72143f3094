"""What git does not carry into a worktree: copies, links, values, permissions."""

import json
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import dotenv

from testing.project import Project


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _points(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("select count(*) from points").fetchone()[0])


def test_copies_are_the_sessions_own_with_their_modes(project: Project) -> None:
    (project.main / "backend" / "db.sqlite3").chmod(0o640)

    project.inv("session.add", "x")

    worktree = project.worktree("x")
    for path, mode in (("backend/.env", 0o600), ("frontend/.env", 0o600), ("backend/db.sqlite3", 0o640)):
        assert not (worktree / path).is_symlink()
        assert _mode(worktree / path) == mode
    assert (worktree / "backend" / ".env").read_bytes() == (project.main / "backend" / ".env").read_bytes()
    with closing(sqlite3.connect(worktree / "backend" / "db.sqlite3")) as connection:
        connection.execute("insert into points values (2)")
        connection.commit()
    assert (_points(worktree / "backend" / "db.sqlite3"), _points(project.main / "backend" / "db.sqlite3")) == (2, 1)


def test_values_are_set_and_the_rest_of_the_file_is_kept(project: Project) -> None:
    before = (project.main / "frontend" / ".env").read_text()

    project.inv("session.add", "x")

    file = project.worktree("x") / "frontend" / ".env"
    url = f"http://localhost:{project.row('x')['backend_port']}"
    assert dotenv.dotenv_values(file) == {"VITE_TITLE": "T", "VITE_API_URL": url}
    assert file.read_text().startswith("# kept\nexport VITE_TITLE='T'\n")
    assert (project.main / "frontend" / ".env").read_text() == before


def test_secrets_are_not_told(project: Project) -> None:
    said = project.inv("session.add", "x")

    assert "SECRET_KEY" not in said.out + said.err
    assert "a # " not in said.out + said.err
    assert "SECRET_KEY" not in (project.main / ".tally-sessions").read_text()


def test_a_link_is_excluded_although_gitignore_names_directories_only(project: Project) -> None:
    project.inv("session.add", "x")

    worktree = project.worktree("x")
    assert (worktree / "frontend" / "node_modules").readlink() == project.main / "frontend" / "node_modules"
    assert "/frontend/node_modules\n" in (project.main / ".git" / "info" / "exclude").read_text()
    assert project.git("status", "--porcelain", cwd=worktree) == ""
    assert project.git("status", "--porcelain") == ""


def test_the_exclusion_stays_while_another_session_needs_it(project: Project) -> None:
    project.inv("session.add", "x")
    project.inv("session.add", "y")

    project.inv("session.remove", "x")

    assert project.git("status", "--porcelain", cwd=project.worktree("y")) == ""


def test_what_the_main_checkout_lacks_is_left_out_and_said(project: Project) -> None:
    (project.main / "backend" / ".env").unlink()

    said = project.inv("session.add", "x")

    assert "backend/.env" in next(line for line in said.err.splitlines() if "note" in line)
    assert not os.path.lexists(project.worktree("x") / "backend" / ".env")


def test_the_worktree_is_allowed_what_the_main_checkout_is(project: Project, sandbox: Path) -> None:
    file = sandbox / "home" / ".claude.json"
    tools = ["Bash(npm install:*)", "Bash(python manage.py:*)"]
    content = {"theme": "dark ü", "projects": {str(project.main): {"allowedTools": tools}, "/other": {"x": 1}}}
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False))
    file.chmod(0o600)
    before = file.read_bytes()

    project.inv("session.add", "x")
    during = json.loads(file.read_text())
    project.inv("session.remove", "x")

    assert during["projects"].pop(str(project.worktree("x"))) == {"allowedTools": tools}
    assert during == content
    assert (file.read_bytes(), _mode(file)) == (before, 0o600)
    assert not Path(f"{file}.lock").exists()
