"""A rebase of `session.sync` that was killed as it began or ended is given up, and done again, without a loss."""

import os
from pathlib import Path

import pytest

from testing import sessions
from testing.project import Project


@pytest.fixture
def behind(sandbox: Path) -> Project:
    """Return a repository with the session x, whose base has one commit more."""
    project = sessions.repository(sandbox / "dev" / "tally", {"changed": "1\n", "deleted": "1\n"})
    sessions.add(project, "x", {"own": "mine\n"})
    (project.main / "deleted").unlink()
    sessions.commit(project, project.main, {"changed": "2\n", "further": "2\n"})
    return project


def _notes(project: Project, **notes: str) -> Path:
    """Leave what git has noted of a rebase so far; return git's directory for the worktree."""
    data = project.main / ".git" / "worktrees" / "tally-x"
    (data / "rebase-merge").mkdir()
    (data / "rebase-merge" / "interactive").touch()
    for name, text in notes.items():
        (data / "rebase-merge" / name.replace("_", "-")).write_text(text)
    return data


def _synced(project: Project) -> None:
    """Assert that x is whole, and can be synced."""
    tree = project.worktree("x")
    assert project.git("status", "--porcelain", cwd=tree) == ""
    project.inv("session.sync", "x")
    assert (tree / "own").read_text() == "mine\n"
    assert (tree / "further").read_text() == "2\n"
    assert project.git("symbolic-ref", "HEAD", cwd=tree) == "refs/heads/x"
    assert project.git("status", "--porcelain", cwd=tree) == ""


@pytest.mark.parametrize("notes", [{}, {"head_name": ""}, {"head_name": "refs/heads/x\n", "onto": ""}])
def test_notes_that_are_half_written_are_taken_away_and_edits_stay(behind: Project, notes: dict[str, str]) -> None:
    _notes(behind, **notes)
    tree, before = behind.worktree("x"), behind.git("rev-parse", "x")
    (tree / "changed").write_text("edited since\n")

    said = behind.inv("session.sync", "x", "--abort")

    assert f"x is at {before[:10]}" in said.out
    assert (tree / "changed").read_text() == "edited since\n"
    behind.git("checkout", "--", "changed", cwd=tree)
    _synced(behind)


def test_a_head_that_is_on_no_branch_goes_back_to_it_and_edits_are_kept(behind: Project) -> None:
    tree = behind.worktree("x")
    behind.git("checkout", "--quiet", "--detach", "main", cwd=tree)
    _notes(behind, head_name="refs/heads/x\n")
    (tree / "changed").write_text("edited since\n")

    said = behind.inv("session.sync", "x", "--abort")

    assert "Saved changed" in said.err
    [kept] = behind.git("for-each-ref", "--format=%(refname)", "refs/tally/kept").split()
    assert behind.git("show", f"{kept}:changed") == "edited since"
    _synced(behind)


@pytest.mark.parametrize("written", ["2\n", ""])
def test_a_checkout_that_was_cut_off_is_taken_back(behind: Project, written: str) -> None:
    tree, start, onto = behind.worktree("x"), behind.git("rev-parse", "x"), behind.git("rev-parse", "main")
    _notes(behind, head_name="refs/heads/x\n", orig_head=f"{start}\n", onto=f"{onto}\n")
    (tree / "deleted").unlink()
    (tree / "further").write_text(written)
    (tree / "changed").write_text("edited since\n")

    behind.inv("session.sync", "x", "--abort")

    assert (tree / "changed").read_text() == "edited since\n"
    behind.git("checkout", "--", "changed", cwd=tree)
    _synced(behind)


@pytest.mark.parametrize(("written", "is_saved"), [("mine\n", False), ("edited since\n", True)])
def test_a_file_of_the_branch_that_git_had_only_written_is_no_obstacle(
    behind: Project, written: str, is_saved: bool
) -> None:
    tree, start, onto = behind.worktree("x"), behind.git("rev-parse", "x"), behind.git("rev-parse", "main")
    behind.git("checkout", "--quiet", "--detach", onto, cwd=tree)
    _notes(behind, head_name="refs/heads/x\n", orig_head=f"{start}\n", onto=f"{onto}\n")
    (tree / "own").write_text(written)

    said = behind.inv("session.sync", "x", "--abort")

    assert ("Saved own" in said.err) is is_saved
    assert bool(behind.git("for-each-ref", "refs/tally/kept")) is is_saved
    _synced(behind)


def test_a_lock_of_a_killed_git_is_named_before_anything_is_done(behind: Project, old_lock: str) -> None:
    tree = behind.worktree("x")
    for command in (("session.sync", "x"), ("session.sync", "x", "--abort")):
        said = behind.inv(*command, code=1).err
        assert f"A git that was killed left the lock {old_lock}.\nRun: inv session.doctor --fix" in said
    assert behind.git("status", "--porcelain", cwd=tree) == ""

    behind.inv("session.doctor", "--fix", code=None)
    _synced(behind)


@pytest.fixture(params=["worktrees/tally-x/HEAD.lock", "packed-refs.lock"])
def old_lock(behind: Project, request: pytest.FixtureRequest) -> str:
    """Return a lock of long ago."""
    lock = behind.main / ".git" / str(request.param)
    lock.touch()
    os.utime(lock, (0, 0))
    return str(lock)


def test_a_rebase_that_cannot_leave_the_branch_leaves_no_checkout(behind: Project) -> None:
    tree = behind.worktree("x")
    lock = behind.main / ".git" / "worktrees" / "tally-x" / "HEAD.lock"
    lock.touch()  # just now: a git that works holds it

    assert "HEAD.lock" in behind.inv("session.sync", "x", code=1).err

    assert behind.git("status", "--porcelain", cwd=tree) == ""
    lock.unlink()
    _synced(behind)
