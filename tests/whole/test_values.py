"""The values in `.env` files: they appear with the copy, `doctor` compares them, and what was killed leaves nothing."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.system import envfile
from tasks.system.rooted import Root
from testing.project import Project

_ENV = "env: {frontend/.env: {VITE_API_URL: 'http://localhost:{backend_port}'}}"


@pytest.fixture
def added(project: Project) -> Project:
    """Return the project with the session x, in which nothing runs."""
    project.configure(f"session: {{windows: [], copy: [frontend/.env], {_ENV}}}\n")
    project.inv("session.add", "x")
    return project


def _dead() -> int:
    """Return the number of a process that ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    return ended.pid


# Kills itself at the first rename of the .env file, or before its values are set where that is a step of its own.
_KILLED = """
import os, signal, sys
from invoke.main import program
really = os.replace
def replace(old, new, **places):
    moment = sys.argv[1]
    if str(new).endswith(".tmp" if moment == "in the copy" else ".env"):
        really(old, new, **places) if moment == "after" else None
        os.kill(os.getpid(), signal.SIGKILL)
    really(old, new, **places)
os.replace = replace
program.run(["inv", "session.resume", "x"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["in the copy", "before", "after"])
def test_a_resume_that_is_killed_never_leaves_the_values_of_the_main_checkout(added: Project, moment: str) -> None:
    file = added.worktree("x") / "frontend" / ".env"
    wanted = file.read_text()
    file.unlink()

    killed = subprocess.run([sys.executable, "-c", _KILLED, moment], cwd=added.main, capture_output=True, check=False)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert file.exists() == (moment == "after")
    added.inv("session.resume", "x")
    assert file.read_text() == wanted
    assert [path.name for path in file.parent.iterdir() if path.name.endswith(".tmp")] == []


@pytest.mark.slow
def test_doctor_names_the_values_that_differ_without_showing_them_and_sets_them(added: Project) -> None:
    file = added.worktree("x") / "frontend" / ".env"
    wanted = file.read_text()
    shutil.copy(added.main / "frontend" / ".env", file)

    said = added.inv("session.doctor", code=1).out

    assert "frontend/.env has another value for VITE_API_URL" in said
    assert "inv session.doctor --fix" in said
    added.inv("session.doctor", "--fix")
    assert file.read_text() == wanted
    added.inv("session.doctor")


@pytest.mark.slow
@pytest.mark.parametrize("task", ["resume", "doctor --fix", "remove"])
def test_what_a_killed_command_left_is_named_and_cleared(added: Project, task: str) -> None:
    place = added.worktree("x") / "frontend"
    left = [place / f"..env.{_dead()}.0123abcd.tmp{suffix}" for suffix in ("", "-wal")]
    going_on = place / f"..env.{os.getpid()}.0123abcd.tmp"
    for path in (*left, going_on):
        path.write_text("SECRET=1\n")

    said = added.inv("session.doctor", code=1).out

    assert f"frontend/{left[0].name} is left over" in said
    assert going_on.name not in said.replace(left[0].name, "")
    command, *flags = task.split()
    added.inv(f"session.{command}", *flags, *(["x"] if command != "doctor" else []))
    assert [path for path in left if path.exists()] == []
    assert going_on.exists() == (command != "remove")


def test_a_copied_directory_appears_with_the_values_of_its_files(project: Project, sandbox: Path) -> None:
    (project.main / "conf").mkdir()
    (project.main / "conf" / ".env").write_text("A=main\nB=kept\n")
    (project.main / ".gitignore").write_text("conf\n")
    project.configure("session: {windows: [], copy: [conf], env: {conf/.env: {A: own}}}\n")

    project.inv("session.add", "x")

    assert (project.worktree("x") / "conf" / ".env").read_text() == "A=own\nB=kept\n"


@pytest.mark.parametrize(
    "value", ["a b", "it's", 'a"b', "$HOME", "${A}", "a\nb", "#x", "C:\\x", "\\", "", "é", "'\"`$"]
)
def test_what_is_set_does_not_differ(sandbox: Path, value: str) -> None:
    root = Root(sandbox)
    (sandbox / "f").write_text("B=1\n")

    assert envfile.differing_keys(root, "f", {"A": value}) == ["A"]
    envfile.put_values(root, "f", {"A": value})
    assert envfile.differing_keys(root, "f", {"A": value}) == []


def test_the_registry_has_no_temporary_file_where_people_look(added: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.model import Repository
    from tasks.store import registry

    repository = Repository(added.main, added.main / ".git")
    really, made = os.replace, list[str]()

    def spy(old: str, new: str) -> None:
        made.append(os.path.dirname(old))
        really(old, new)

    monkeypatch.setattr(os, "replace", spy)
    registry.note_facts(repository, "x", eta="soon")

    assert made == [str(repository.private)]


def test_adopt_leaves_the_temporary_files_of_other_commands(added: Project) -> None:
    left = added.main / f"..tally-sessions.{os.getpid()}.0123abcd.tmp"
    left.write_text("{}")
    (added.main / "mine").write_text("1")

    added.inv("session.adopt", "y")

    assert left.exists()
    assert not (added.worktree("y") / left.name).exists()
    assert (added.worktree("y") / "mine").exists()
