"""Locks that a killed git left are named and taken away; one that a git holds is left to it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tasks.store import registry
from tasks.system import locks
from tasks.tools import stale_locks
from testing import sessions
from testing.project import Project, eventually


@pytest.fixture
def locked(sandbox: Path) -> tuple[Project, list[Path]]:
    """Return a repository with the session x, and locks of long ago in its main checkout and its worktree."""
    project = sessions.repository(sandbox / "dev" / "tally", {"a": "1\n"})
    sessions.add(project, "x", {"b": "2\n"})
    data = project.main / ".git"
    left = [
        data / name
        for name in ("index.lock", "refs/heads/x.lock", "objects/maintenance.lock", "worktrees/tally-x/HEAD.lock")
    ]
    for lock in left:
        lock.touch()
        os.utime(lock, (0, 0))
    return project, left


def test_what_a_killed_git_left_is_named_and_taken_away(locked: tuple[Project, list[Path]]) -> None:
    project, left = locked
    (project.main / ".git" / "worktrees" / "tally-x" / "locked").touch()  # of `git worktree lock`
    new = project.main / ".git" / "config.lock"
    new.touch()
    os.utime(new, (time.time() + 3600, time.time() + 3600))  # of this moment, however long the test takes

    said = project.inv("session.doctor", code=1).out

    assert [f"Git's lock {lock} is stale" in said for lock in left] == [True] * 4
    assert "config.lock" not in said
    refused = project.inv("session.merge", "x", code=1).err
    assert "index.lock': File exists" in refused
    assert "Run: inv session.doctor --fix" in refused
    assert "remove the file manually" not in refused
    project.inv("session.doctor", "--fix", code=None)
    assert [lock.exists() for lock in left] == [False] * 4
    assert new.exists() and (project.main / ".git" / "worktrees" / "tally-x" / "locked").exists()
    project.inv("session.merge", "x")


def test_a_lock_that_a_git_holds_is_left_alone(locked: tuple[Project, list[Path]]) -> None:
    project, left = locked
    words = ["git", "-C", str(project.main), "hash-object", "--stdin"]  # it waits for its input
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as working:
        eventually(lambda: psutil.Process(working.pid).cwd() == str(project.main))
        eventually(lambda: time.time() > _after(working) + stale_locks._OLD)
        for lock in left:
            os.utime(lock, (_after(working), _after(working)))
        assert "Git's lock" not in project.inv("session.doctor", "--fix", code=None).out
        os.utime(left[0], (0, 0))  # it was there before that git
        assert str(left[0]) in project.inv("session.doctor", code=1).out
        assert working.stdin is not None
        working.stdin.close()
    assert all(lock.exists() for lock in left)


def _after(process: "subprocess.Popen[bytes]") -> float:
    """Return a time at which *process* was there, and which is past."""
    return psutil.Process(process.pid).create_time() + 0.5


def test_a_lock_that_another_program_has_open_is_left_alone(locked: tuple[Project, list[Path]]) -> None:
    project, left = locked
    code = "import sys; file = open(sys.argv[1], 'r+'); print('open', flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code, str(left[0])], stdin=pipe, stdout=pipe) as holding:
        assert holding.stdout is not None and holding.stdout.readline() == b"open\n"
        eventually(lambda: time.time() > _after(holding) + stale_locks._OLD)
        os.utime(left[0], (_after(holding), _after(holding)))
        said = project.inv("session.doctor", code=1).out
        assert str(left[0]) not in said and str(left[1]) in said
        assert holding.stdin is not None
        holding.stdin.close()


def test_an_add_that_is_going_on_is_not_called_interrupted(locked: tuple[Project, list[Path]]) -> None:
    project, _left = locked
    sessions.add(project, "y", state="adding")
    repository = sessions.all_of(project)[0].repository

    with locks.file_lock(registry._lock(repository, "y")):
        assert "it is adding" not in project.inv("session.doctor", "--fix", code=None).out
        assert project.row("y")["state"] == "adding"

    assert "y: it is adding: it was interrupted" in project.inv("session.doctor", code=1).out
