"""What `remove` refuses, what it takes, and what it never touches."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from testing.project import Project
from testing.terminal import panes, runs, tmux, windows


def _modify(worktree: Path, git: Callable[..., str]) -> None:
    (worktree / "frontend" / "package.json").write_text("{}\n")


def _stage(worktree: Path, git: Callable[..., str]) -> None:
    (worktree / "frontend" / "staged file").touch()
    git("add", "--all", cwd=worktree)


def _leave_untracked(worktree: Path, git: Callable[..., str]) -> None:
    (worktree / "new ü").touch()


def _commit(worktree: Path, git: Callable[..., str]) -> None:
    git("commit", "--quiet", "--allow-empty", "-m", "work", cwd=worktree)


def _commit_detached(worktree: Path, git: Callable[..., str]) -> None:
    git("checkout", "--quiet", "--detach", cwd=worktree)
    _commit(worktree, git)


_WORK = {
    "frontend/package.json": _modify, "frontend/staged file": _stage, "new ü": _leave_untracked,
    "1 unmerged commit": _commit, "1 unmerged commit on ": _commit_detached,
}  # fmt: skip


@pytest.mark.parametrize("named", _WORK)
def test_work_is_refused_by_its_name_and_gone_only_by_force(project: Project, named: str) -> None:
    before = project.world()
    project.inv("session.add", "x")
    runs(project, "x")
    _WORK[named](project.worktree("x"), project.git)
    during = project.world()

    for arguments in (["x"], ["x", "--dry-run"], ["--all"]):
        said = project.inv("session.remove", *arguments, code=1)
        assert named in said.err
        assert "--force" in said.err
        assert project.world() == during
    for task in ("remove", "stop", "start"):
        assert "--all means every session." in project.inv(f"session.{task}", "x", "--all", code=1).err
    assert project.world() == during

    project.inv("session.remove", "x", "--force")
    assert project.world() == before


def test_more_than_a_screenful_of_work_is_counted(project: Project) -> None:
    project.inv("session.add", "x")
    for number in range(14):
        (project.worktree("x") / f"file-{number:02}").touch()

    said = project.inv("session.remove", "x", code=1)

    assert "file-09" in said.err
    assert "and 4 more" in said.err


def test_merged_work_is_removed_without_force(project: Project) -> None:
    project.inv("session.add", "x")
    _commit(project.worktree("x"), project.git)
    project.git("merge", "--quiet", "x")

    project.inv("session.remove", "x")

    assert not project.git("branch", "--list", "x")


def test_the_branch_is_kept_on_request(project: Project) -> None:
    project.inv("session.add", "x")
    _commit(project.worktree("x"), project.git)

    project.inv("session.remove", "x", "--keep-branch")

    assert project.git("log", "-1", "--format=%s", "x") == "work"
    assert not project.worktree("x").exists()


def test_all_removes_every_session(project: Project) -> None:
    before = project.world()
    for name in ("x", "y/z"):
        project.inv("session.add", name)

    project.inv("session.remove", "--all")

    assert project.world() == before


def test_all_goes_on_after_one_that_is_refused(project: Project) -> None:
    for name in ("a", "b"):
        project.inv("session.add", name)
    (project.worktree("a") / "new").touch()

    project.inv("session.remove", "--all", code=1)

    assert [each["name"] for each in project.inv("session.list", "--json").json] == ["a"]


def test_what_the_system_refuses_of_one_keeps_nobody_from_the_others(project: Project) -> None:
    project.configure("session: {windows: []}\n")
    project.inv("session.add", "other")
    registry = project.main / ".tally-sessions"
    rows = json.loads(registry.read_text())
    odd = "a" * 300  # its lock would have a longer name than any file system takes
    registry.write_text(json.dumps({odd: {**rows["other"], "state": "removing"}, **rows}))

    assert f"{odd}: " in project.inv("session.doctor", "--fix", code=1).err
    assert "File name too long" in project.inv("session.remove", "--all", code=1).err

    assert list(json.loads(registry.read_text())) == [odd]


def test_a_name_is_no_prefix(project: Project) -> None:
    for name in ("feature", "feature-2"):
        project.inv("session.add", name)
    runs(project, "feature-2")
    tmux("kill-session", "-t", "=tally-feature")  # tmux would now take feature for feature-2
    before = windows("tally-feature-2")

    project.inv("session.remove", "feature")

    assert windows("tally-feature-2") == before
    assert project.listed("feature-2")["status"] == "running"


def test_a_foreign_tmux_session_that_took_the_name_survives(project: Project) -> None:
    project.inv("session.add", "x")
    tmux("kill-session", "-t", "=tally-x")
    tmux("new-session", "-d", "-s", "tally-x", "-n", "mine")

    project.inv("session.remove", "x")

    assert panes("tally-x", "#{window_name}") == ["mine"]
