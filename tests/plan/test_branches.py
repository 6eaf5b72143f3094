"""Which branch a session works on, and what becomes of it."""

from pathlib import Path

import pytest

from testing.project import Project


@pytest.fixture
def origin(project: Project, sandbox: Path) -> Path:
    """Return a remote repository that the project calls origin, with a branch `theirs` that only it has."""
    bare = sandbox / "origin.git"
    project.git("clone", "--quiet", "--bare", ".", str(bare), cwd=project.main)
    project.git("remote", "add", "origin", str(bare))
    project.git("commit", "--quiet", "--allow-empty", "-m", "theirs")
    project.git("push", "--quiet", "origin", "HEAD:theirs")
    project.git("reset", "--quiet", "--hard", "HEAD~1")
    project.git("fetch", "--quiet", "origin")
    return bare


@pytest.mark.parametrize("flags", [[], ["--force"]])
def test_a_branch_that_was_there_is_checked_out_and_survives_removal(project: Project, flags: list[str]) -> None:
    project.git("branch", "x")
    tip = project.git("commit-tree", "-p", "HEAD", "-m", "earlier work", "HEAD^{tree}")
    project.git("update-ref", "refs/heads/x", tip)

    project.inv("session.add", "x")
    head = project.git("rev-parse", "HEAD", cwd=project.worktree("x"))
    project.inv("session.remove", "x", *flags)

    assert head == tip
    assert project.git("rev-parse", "x") == tip
    assert not project.worktree("x").exists()


def test_a_branch_of_a_remote_is_tracked(project: Project, origin: Path) -> None:
    before = project.world()

    project.inv("session.add", "theirs")

    worktree = project.worktree("theirs")
    assert project.git("rev-parse", "--abbrev-ref", "@{upstream}", cwd=worktree) == "origin/theirs"
    assert project.git("log", "-1", "--format=%s", cwd=worktree) == "theirs"
    project.inv("session.remove", "theirs")
    assert project.world() == before


def test_a_branch_checked_out_elsewhere_is_refused_with_the_place(project: Project) -> None:
    project.git("worktree", "add", "--quiet", "-b", "busy", str(project.top / "elsewhere"))
    before = project.world()

    said = project.inv("session.add", "busy", code=1)

    assert str(project.top / "elsewhere") in said.err
    assert project.world() == before


def test_the_branch_of_the_main_checkout_is_refused_with_the_place(project: Project) -> None:
    assert str(project.main) in project.inv("session.add", "main", code=1).err


def test_a_branch_starts_from_the_base_that_was_asked_for(project: Project) -> None:
    project.git("commit", "--quiet", "--allow-empty", "-m", "second")

    project.inv("session.add", "x", "--base", "HEAD~1")

    assert project.git("log", "-1", "--format=%s", "x") == "begin"
    assert "branch.x" not in project.git("config", "--list")


def test_a_detached_main_checkout_can_be_worked_from(project: Project) -> None:
    project.git("checkout", "--quiet", "--detach")
    before = project.world()

    project.inv("session.add", "x")
    listed = project.listed("x")
    project.inv("session.remove", "x")

    assert (listed["ahead"], listed["behind"]) == (0, 0)
    assert project.world() == before


def test_commits_of_an_existing_branch_do_not_block_its_removal(project: Project) -> None:
    project.git("branch", "x")
    project.inv("session.add", "x")
    project.git("commit", "--quiet", "--allow-empty", "-m", "new", cwd=project.worktree("x"))

    project.inv("session.remove", "x")

    assert project.git("log", "-1", "--format=%s", "x") == "new"


def test_a_kept_branch_is_taken_up_again(project: Project) -> None:
    project.inv("session.add", "x")
    project.git("commit", "--quiet", "--allow-empty", "-m", "new", cwd=project.worktree("x"))

    project.inv("session.remove", "x", "--keep-branch")
    project.inv("session.add", "x")

    assert project.git("log", "-1", "--format=%s", cwd=project.worktree("x")) == "new"


def test_tasks_that_are_not_committed_are_told_because_the_worktree_has_none(project: Project) -> None:
    assert "is not on its branch" not in project.inv("session.add", "x").err
    project.git("rm", "--cached", "--quiet", "tasks", "tasks.py")
    project.git("commit", "--quiet", "--message", "without")

    said = project.inv("session.add", "y")

    assert "tasks/ is not on its branch" in " ".join(said.err.split())
