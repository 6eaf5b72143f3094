"""Removal is a rename: what comes back is what went, of every awkward kind of work."""

import os
from pathlib import Path

import pytest

from testing import dirty, full_state
from testing.awkward import WORK
from testing.project import Project, eventually


@pytest.fixture
def added(project: Project) -> Project:
    """Return the project with the session x, of files only, whose files are older than git's index."""
    project.configure("session: {windows: []}\n")
    (project.main / "both").write_text("begin\n")
    project.git("add", "both")
    project.git("commit", "--quiet", "-m", "both")
    project.inv("session.add", "x")
    return project


def _collect(project: Project) -> None:
    project.git("worktree", "prune")
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "--quiet", "--prune=now")


def _age(tree: Path) -> None:
    """Make the files older than git's index, which is written once more where it is as old as they are."""
    for place, directories, names in os.walk(tree):
        directories[:] = [each for each in directories if each != ".git"]
        for file in (Path(place, name) for name in names):
            if file.is_file() and not file.is_symlink():
                os.utime(file, (file.stat().st_atime, file.stat().st_mtime - 3))


@pytest.mark.parametrize("kind", WORK)
def test_what_comes_back_is_what_went(added: Project, kind: str) -> None:
    tree = added.worktree("x")
    WORK[kind](added, tree)
    _age(tree)
    added.git("status", cwd=tree)
    added.git("reflog", "expire", "--expire=now", "--all")  # that of what was there before, for all who look later
    before, main = full_state.of(tree), full_state.files(added.main / "frontend")

    dirty.there_and_back(added)

    assert full_state.differing(before, full_state.of(tree)) == {}
    assert full_state.files(added.main / "frontend") == main


@pytest.mark.parametrize("kind", WORK)
def test_no_garbage_collection_takes_what_is_kept(added: Project, kind: str) -> None:
    tree = added.worktree("x")
    WORK[kind](added, tree)
    added.git("status", cwd=tree)
    before = full_state.of(tree)

    added.inv("session.remove", "x", "--force")
    _collect(added)
    added.inv("session.restore", "x")

    after = full_state.of(tree)
    assert full_state.differing({"fsck": before["fsck"], "files": before["files"]}, after) == {}


def test_what_the_main_checkout_changed_or_deleted_meanwhile_comes_back_as_it_was(added: Project) -> None:
    tree = added.worktree("x")
    copied = ("backend/db.sqlite3", "backend/.env", "frontend/.env")
    before = {path: (tree / path).read_bytes() for path in copied}
    assert before["backend/.env"] == (added.main / "backend/.env").read_bytes()

    added.inv("session.remove", "x", "--force")
    (archive,) = dirty.archives(added)
    eventually((archive / "size").exists)  # so that what can be made again is thinned out
    (added.main / "backend/.env").write_text("OTHER=today\n")
    (added.main / "backend/db.sqlite3").write_bytes(b"other")
    (added.main / "frontend/.env").unlink()
    added.git("rm", "--quiet", "both")
    added.git("commit", "--quiet", "-m", "gone")
    _collect(added)
    added.inv("session.restore", "x")

    assert {path: (tree / path).read_bytes() for path in copied} == before
    assert (tree / "both").read_text() == "begin\n"
    assert (added.main / "backend/.env").read_text() == "OTHER=today\n"
