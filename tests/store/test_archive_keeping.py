"""Archives: private, listed, forgotten in time; nothing is removed that could not be kept."""

import re

import pytest

from testing import dirty
from testing.project import Project, eventually


@pytest.fixture
def worked(project: Project) -> Project:
    return dirty.worked(project)


def test_an_archive_is_private(worked: Project) -> None:
    worked.inv("session.remove", "x", "--force")

    [archive] = dirty.archives(worked)
    assert archive.stat().st_mode & 0o077 == 0
    assert (archive / "row.json").stat().st_mode & 0o077 == 0
    assert "SECRET_KEY" not in (archive / "row.json").read_text()


def test_restoring_leaves_no_archive_and_no_ref(worked: Project) -> None:
    worked.inv("session.remove", "x", "--force")
    worked.inv("session.restore", "x")

    assert worked.git("for-each-ref", "refs/tally") == ""
    assert not (worked.main / ".git" / "tally-sessions" / "removed").exists()
    assert "Known: none" in worked.inv("session.restore", "y", code=1).err


def test_remove_says_what_it_kept_and_the_command_that_brings_it_back(worked: Project) -> None:
    said = worked.inv("session.remove", "x", "--force")

    assert "its uncommitted work, backend/.env" in said.out
    assert "inv session.restore x" in said.out


def test_the_list_of_removed_sessions(worked: Project) -> None:
    assert worked.inv("session.list", "--removed", "--json").json == []
    worked.inv("session.remove", "x", "--force")

    [record] = worked.inv("session.list", "--removed", "--json").json
    lines = worked.inv("session.list", "--removed").out.splitlines()

    assert (record["name"], record["branch"]) == ("x", "x")
    assert record["files"] == ["backend/.env", "backend/db.sqlite3", "frontend/.env"]
    assert record["bytes"] > 0
    assert re.fullmatch(r"[0-9a-f]{40}", record["commit"])
    assert re.fullmatch(r"x +x +\d{8}T\d{6} +0m +\d+ kB", lines[-1])


@pytest.mark.parametrize("word", ["name", "directory", "branch", "other branch"])
def test_restore_is_refused_when_something_is_taken_and_changes_nothing(worked: Project, word: str) -> None:
    worked.inv("session.remove", "x", "--force")
    if word == "name":
        worked.inv("session.add", "x")
        eventually(lambda: worked.world()["processes"])
    elif word == "directory":
        worked.worktree("x").mkdir()
    elif word == "branch":
        worked.git("worktree", "add", "--quiet", "-b", "x", str(worked.top / "elsewhere"))
    else:
        worked.git("branch", "x")
    before = worked.world()

    said = worked.inv("session.restore", "x", code=1)

    assert said.out == ""
    assert worked.world() == before
    assert len(dirty.archives(worked)) == 1
