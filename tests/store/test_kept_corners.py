"""Corners in which a removal could lose work: what git does not look at, submodules, worktrees that were moved."""

import os
import subprocess

import pytest

from testing.project import Project


@pytest.fixture
def added(project: Project) -> Project:
    """Return the project with the session x, of files only."""
    project.configure("session: {windows: []}\n")
    project.inv("session.add", "x")
    return project


@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
def test_changes_that_git_was_told_not_to_look_at_come_back(added: Project, flag: str) -> None:
    tree = added.worktree("x")
    added.git("update-index", flag, "backend/manage.py", cwd=tree)
    (tree / "backend" / "manage.py").write_text("local\n")

    added.inv("session.remove", "x")
    added.inv("session.restore", "x")

    assert (tree / "backend" / "manage.py").read_text() == "local\n"
    assert added.git("status", "--porcelain", cwd=tree) == ""


def test_commits_on_a_detached_head_come_back(added: Project) -> None:
    tree = added.worktree("x")
    added.git("checkout", "--quiet", "--detach", cwd=tree)
    added.git("commit", "--quiet", "--allow-empty", "-m", "lost?", cwd=tree)
    head = added.git("rev-parse", "HEAD", cwd=tree)

    added.inv("session.remove", "x", "--force")
    added.git("reflog", "expire", "--expire=now", "--all")
    added.git("gc", "--quiet", "--prune=now")
    added.inv("session.restore", "x")

    assert added.git("rev-parse", "HEAD", cwd=tree) == head


def test_the_branch_of_a_worktree_that_was_moved_is_kept(added: Project) -> None:
    added.git("worktree", "move", str(added.worktree("x")), str(added.top / "moved"))

    said = added.inv("session.remove", "x", code=1)

    assert f"git -C {added.main} worktree move {added.top / 'moved'} {added.worktree('x')}" in said.err
    assert added.git("status", "--porcelain", cwd=added.top / "moved") == ""


def test_a_locked_worktree_is_not_removed_without_force(added: Project) -> None:
    added.git("worktree", "lock", str(added.worktree("x")))

    assert "git worktree unlock" in added.inv("session.remove", "x", code=1).err

    added.inv("session.remove", "x", "--force")
    assert not added.worktree("x").exists()


def test_commits_of_a_submodule_are_kept(project: Project) -> None:
    inner = project.top.parent / "inner"
    subprocess.run(["git", "init", "--quiet", str(inner)], check=True)
    project.git("commit", "--quiet", "--allow-empty", "-m", "inner", cwd=inner)
    project.git("submodule", "--quiet", "add", str(inner), "sub")
    project.git("commit", "--quiet", "-m", "submodule")
    project.configure("session: {windows: []}\n")
    project.inv("session.add", "x")
    tree = project.worktree("x")
    project.git("submodule", "--quiet", "update", "--init", cwd=tree)
    project.git("commit", "--quiet", "--allow-empty", "-m", "mine", cwd=tree / "sub")
    commit = project.git("rev-parse", "HEAD", cwd=tree / "sub")

    project.inv("session.remove", "x", "--force")

    kept = next((project.main / ".git" / "tally-sessions" / "removed" / "x").iterdir())
    environment = {
        **os.environ,
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(kept / "admin" / "modules" / "sub" / "objects"),
    }
    argv = ["git", "-C", str(project.main), "cat-file", "-e", commit]
    assert subprocess.run(argv, env=environment, check=False).returncode == 0


def test_a_damaged_archive_is_told_and_the_others_are_listed(added: Project) -> None:
    added.inv("session.remove", "x")
    added.inv("session.add", "y")
    added.inv("session.remove", "y")
    row = next((added.main / ".git" / "tally-sessions" / "removed" / "x").glob("*/row.json"))
    row.write_text("{")

    said = added.inv("session.list", "--removed")

    assert "y" in said.out
    assert str(row) in said.err
