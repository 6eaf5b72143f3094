"""What a restore does not bring back is told at the removal; so is what git could forget in the meantime."""

from pathlib import Path

import pytest

from testing import sessions
from testing.project import Project


@pytest.fixture
def project(sandbox: Path) -> Project:
    return sessions.repository(sandbox / "tally", {"a": "1\n", "built/tracked": "1\n"})


def test_directories_that_are_thinned_out_are_named(project: Project) -> None:
    worktree = sessions.add(project, "x", thin=("dist.ignored", "built", "absent"))
    (worktree / "dist.ignored").mkdir()

    told = project.inv("session.remove", "x", "--force").err

    assert "Not kept: dist.ignored (named by the setting thin). A restore doesn't bring this back." in told


def test_nothing_is_told_of_what_comes_back(project: Project) -> None:
    worktree = sessions.add(project, "x", thin=("built", "repository"))
    (worktree / "repository").mkdir()
    project.git("init", "--quiet", cwd=worktree / "repository")

    assert "Not kept" not in project.inv("session.remove", "x", "--force").err


def test_a_worktree_of_another_repository_is_named(project: Project, sandbox: Path) -> None:
    other = sessions.repository(sandbox / "other", {"b": "1\n"})
    worktree = sessions.add(project, "x")
    other.git("worktree", "add", "--quiet", "--detach", str(worktree / "below" / "foreign"))
    project.git("worktree", "add", "--quiet", "--detach", str(worktree / "below" / "own"))

    told = project.inv("session.remove", "x", "--force").err
    assert f"below/foreign is a worktree of {other.main / '.git'}. Don't run `git worktree prune` there" in told
    assert "below/own" not in told

    project.inv("session.restore", "x")
    assert other.git("status", "--porcelain", cwd=worktree / "below" / "foreign") == ""
