"""What counts as merged: commits elsewhere, or their patches after a squash or a rebase."""

import pytest

from tasks.tools import git, merged
from testing.project import Project


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


@pytest.mark.parametrize("squash", [True, False])
def test_a_patch_that_differs_in_white_space_alone_is_another(worked: Project, squash: bool) -> None:
    """In Python an indented line does another thing."""
    tree = worked.worktree("x")
    (tree / "1.txt").write_text("if a:\n    b()\nc()\n")
    worked.git("commit", "--quiet", "--all", "--amend", "-m", "indented", cwd=tree)
    (tree / "1.txt").write_text("if a:\n    b()\n    c()\n")
    worked.git("commit", "--quiet", "--all", "-m", "indented more", cwd=tree)
    _elsewhere(worked)
    if squash:
        worked.git("merge", "--quiet", "--squash", "x")
        (worked.main / "1.txt").write_text("if a:\nb()\nc()\n")
        worked.git("add", "--all")
        worked.git("commit", "--quiet", "-m", "squashed")
    else:
        worked.git("cherry-pick", "x~2", "x~1")
        (worked.main / "1.txt").write_text("if a:\n    b()\n  c()\n")
        worked.git("commit", "--quiet", "--all", "-m", "indented less")
    assert {line[0] for line in worked.git("cherry", "main", "x").splitlines()} == ({"+"} if squash else {"-"})
    assert "unmerged" in worked.inv("session.remove", "x", code=1).err


def test_each_proof_is_named(worked: Project) -> None:
    repository, tip = git.find_repository(worked.main), worked.git("rev-parse", "x")

    def proof(*into: str) -> str:
        return merged.find_proof(repository, tip, list(into) or ["main"])

    assert proof() == ""
    assert proof("x") == "x has its commits"
    binary = worked.worktree("x") / "binary"
    binary.write_bytes(b"\0\1")
    worked.git("add", "binary", cwd=worked.worktree("x"))
    worked.git("commit", "--quiet", "-m", "binary", cwd=worked.worktree("x"))
    tip = worked.git("rev-parse", "x")
    _elsewhere(worked)
    before = worked.git("rev-parse", "main")
    worked.git("cherry-pick", "x~2", "x~1")
    (worked.main / "binary").write_bytes(b"\0\2")
    worked.git("add", "binary")
    worked.git("commit", "--quiet", "-m", "another binary")
    assert proof() == ""
    worked.git("reset", "--quiet", "--hard", "HEAD~1")
    worked.git("cherry-pick", "x")
    assert proof() == "main has the same 3 patches"
    for text in ("changed\n", "main\n"):  # what it is now says nothing about what was merged
        (worked.main / "main.txt").write_text(text)
        worked.git("commit", "--quiet", "--all", "-m", "more")
    assert proof() == "main has the same 3 patches"
    worked.git("reset", "--quiet", "--hard", before)
    worked.git("merge", "--quiet", "--squash", "x")
    worked.git("commit", "--quiet", "-m", "squashed")
    assert proof() == f"main has all of it as one commit, {worked.git('rev-parse', 'HEAD')[:10]}"
    worked.git("reset", "--quiet", "--hard", "x~3")
    worked.git("merge", "--quiet", "--squash", "x~1")
    worked.git("commit", "--quiet", "-m", "a part")
    worked.git("read-tree", "-u", "--reset", "x")
    worked.git("commit", "--quiet", "-m", "the rest")
    last = worked.git("rev-parse", "main")[:10]
    assert proof() == f"main has the same files in {last}"
    said = worked.inv("session.remove", "x")
    assert f"x is merged: main has the same files in {last}" in said.err


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
    from tasks.errors import SessionError
    from tasks.model import Session
    from tasks.resources import worktree

    worked.git("checkout", "--quiet", "--detach", cwd=worked.worktree("x"))
    repository = git.find_repository(worked.main)
    session = Session("x", "x", repository, worked.top / "none", "x", {}, "tally-x", tip=worked.git("rev-parse", "x~1"))

    with pytest.raises(SessionError, match="new commits since it was checked"):
        worktree.remove(session)

    assert worked.git("rev-parse", "x") == worked.git("rev-parse", "refs/heads/x")
