"""What `remove --force` takes away and `restore` gives back: everything, as it was."""

import os
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from tasks.model import Repository
from tasks.store import archive
from testing import dirty
from testing.project import Project

_NAMES = (
    "a b", "new\nline", "tab\t", "é\u0301 \U0001f600", "-dash", "quote'\"", "*", ":(top)x", "back\\slash", " lead",
)  # fmt: skip


@pytest.fixture
def added(project: Project) -> Project:
    """Return the project with the session x, in which only `sleep` runs."""
    project.configure(dirty.LIGHT)
    project.inv("session.add", "x")
    return project


def _status(project: Project) -> bytes:
    argv = ["git", "-C", str(project.worktree("x")), "status", "--porcelain", "-z", "--untracked-files=all"]
    return subprocess.run(argv, capture_output=True, check=True).stdout


def test_commits_index_changes_and_untracked_files(added: Project) -> None:
    worktree = added.worktree("x")
    dirty.make(added, worktree)
    (worktree / "gone").write_text("staged, then deleted\n")
    added.git("add", "gone", cwd=worktree)
    (worktree / "gone").unlink()
    added.git("mv", "frontend/server.py", "frontend/renamed.py", cwd=worktree)
    added.git("rm", "--quiet", "--cached", "frontend/package.json", cwd=worktree)
    (worktree / ".gitignore").unlink()
    before, log = dirty.of(worktree), added.git("log", "--format=%H", cwd=worktree)

    dirty.there_and_back(added)

    assert dirty.of(worktree) == before
    assert added.git("log", "--format=%H", "x") == log


def test_modes_links_and_odd_names(added: Project) -> None:
    worktree = added.worktree("x")
    for number, name in enumerate(_NAMES):
        (worktree / name).write_text(name)
        added.git(*(("add", "--", f":(literal){name}") if number % 2 else ("status",)), cwd=worktree)
    Path(os.fsdecode(os.fsencode(worktree) + b"/latin\xe9")).write_bytes(b"\xff")
    (worktree / "tool").write_text("#!/bin/sh\n")
    (worktree / "tool").chmod(0o755)
    (worktree / "backend" / "manage.py").chmod(0o755)
    (worktree / "link").symlink_to("nowhere/at all")
    (worktree / "backend" / "up").symlink_to("..")
    before = _status(added)

    dirty.there_and_back(added)

    assert _status(added) == before
    assert {name: (worktree / name).read_text() for name in _NAMES} == {name: name for name in _NAMES}
    assert all(os.access(worktree / path, os.X_OK) for path in ("tool", "backend/manage.py"))
    assert [os.readlink(worktree / path) for path in ("link", "backend/up")] == ["nowhere/at all", ".."]


def test_a_private_untracked_file_stays_private(added: Project) -> None:
    secret = added.worktree("x") / "secret"
    secret.write_text("token")
    secret.chmod(0o600)

    dirty.there_and_back(added)

    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


@pytest.mark.parametrize("same", [False, True], ids=["own", "as in the main checkout"])
def test_an_ignored_file_that_was_not_copied(added: Project, same: bool) -> None:
    for place in (added.main, *([added.worktree("x")] if same else [])):
        (place / ".env").write_text("A=1\n")
    if not same:
        (added.worktree("x") / ".env").write_text("A=2\n")

    dirty.there_and_back(added)

    assert (added.worktree("x") / ".env").read_text() == ("A=1\n" if same else "A=2\n")


def test_a_list_of_archives_stands_others_that_are_made_and_deleted_meanwhile(sandbox: Path) -> None:
    repository, ended = Repository(sandbox, sandbox / ".git"), threading.Event()

    def come_and_go() -> None:
        while not ended.is_set():
            for name in "abcdefgh":
                (archive.archives_directory(repository) / name / "20260101T000000.000000").mkdir(parents=True)
            for name in "abcdefgh":
                (archive.archives_directory(repository) / name / "20260101T000000.000000").rmdir()
                (archive.archives_directory(repository) / name).rmdir()

    other = threading.Thread(target=come_and_go)
    other.start()
    try:
        found = [archive.list_archives(repository) for _attempt in range(2000)]
    finally:
        ended.set()
        other.join()

    assert not any(found)
