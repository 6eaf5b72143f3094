"""What counts as merged: commits elsewhere, or their patches after a squash or a rebase."""

import pytest

from tests.project import Project


@pytest.fixture
def worked(project: Project) -> Project:
    """Return the project with a session that has two commits of its own."""
    project.inv("session.add", "x", "--base", "main")
    tree = project.worktree("x")
    for number in (1, 2):
        (tree / f"{number}.txt").write_text(f"{number}\n")
        project.git("add", "--all", cwd=tree)
        project.git("commit", "--quiet", "-m", str(number), cwd=tree)
    return project


def _elsewhere(project: Project) -> None:
    """Give main a commit of its own, so that nothing is a fast-forward."""
    (project.main / "main.txt").write_text("main\n")
    project.git("add", "main.txt")
    project.git("commit", "--quiet", "-m", "main")


def test_unmerged_commits_are_counted(worked: Project) -> None:
    assert "2 unmerged commits" in worked.inv("session.remove", "x", code=1).err


def test_a_merged_branch_is_merged(worked: Project) -> None:
    _elsewhere(worked)
    worked.git("merge", "--quiet", "--no-ff", "-m", "merge", "x")

    worked.inv("session.remove", "x")


def test_a_squashed_branch_is_merged(worked: Project) -> None:
    _elsewhere(worked)
    worked.git("merge", "--quiet", "--squash", "x")
    worked.git("commit", "--quiet", "-m", "squashed")

    worked.inv("session.remove", "x")


def test_a_rebased_branch_is_merged(worked: Project) -> None:
    _elsewhere(worked)
    worked.git("cherry-pick", "x~1", "x")

    worked.inv("session.remove", "x")


def test_a_branch_that_is_only_half_there_is_not(worked: Project) -> None:
    _elsewhere(worked)
    worked.git("cherry-pick", "x~1")

    assert "unmerged" in worked.inv("session.remove", "x", code=1).err


def test_a_squash_that_was_edited_is_not(worked: Project) -> None:
    worked.git("merge", "--quiet", "--squash", "x")
    (worked.main / "2.txt").write_text("edited\n")
    worked.git("add", "--all")
    worked.git("commit", "--quiet", "-m", "squashed")

    assert "unmerged" in worked.inv("session.remove", "x", code=1).err


def test_a_pushed_branch_is_merged(worked: Project) -> None:
    origin = worked.top.parent / "origin.git"
    worked.git("init", "--quiet", "--bare", str(origin))
    worked.git("remote", "add", "origin", str(origin))
    worked.git("push", "--quiet", "origin", "x")

    worked.inv("session.remove", "x")


def test_a_squash_on_the_remote_base_is_merged(worked: Project) -> None:
    origin = worked.top.parent / "origin.git"
    worked.git("init", "--quiet", "--bare", str(origin))
    worked.git("remote", "add", "origin", str(origin))
    _elsewhere(worked)
    worked.git("merge", "--quiet", "--squash", "x")
    worked.git("commit", "--quiet", "-m", "squashed")
    worked.git("push", "--quiet", "origin", "main")
    worked.git("reset", "--quiet", "--hard", "HEAD~1")

    worked.inv("session.remove", "x")


def test_a_branch_that_moved_after_the_check_is_kept(worked: Project) -> None:
    from tasks import git, worktree
    from tasks.errors import SessionError
    from tasks.model import Session

    worked.git("checkout", "--quiet", "--detach", cwd=worked.worktree("x"))
    repository = git.locate(worked.main)
    session = Session("x", "x", repository, worked.top / "none", "x", {}, "tally-x", tip=worked.git("rev-parse", "x~1"))

    with pytest.raises(SessionError, match="new commits since it was checked"):
        worktree.remove(session)

    assert worked.git("rev-parse", "x") == worked.git("rev-parse", "refs/heads/x")
