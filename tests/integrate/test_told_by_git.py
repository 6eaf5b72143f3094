"""What is wrong with git's own configuration or repository is told in git's words, not as something else."""

import os
import subprocess
from pathlib import Path

import pytest

from testing.project import EMBEDDING, Project


def test_a_branch_by_its_full_name_is_refused(project: Project) -> None:
    before = project.world()
    for branch in ("refs/heads/y", "refs/y"):
        said = project.inv("session.add", "x", "--branch", branch, code=1).err
        assert "is the full name of a ref" in said and f"--branch {branch.removeprefix('refs/heads/')}" in said
    assert project.world() == before


_EVERYWHERE = (
    "add_x adopt_x list list_--json list_--removed doctor doctor_--fix prune conflicts next resume stop".split()
)


@pytest.mark.parametrize("task", [each.split("_") for each in _EVERYWHERE], ids=_EVERYWHERE)
def test_a_broken_configuration_of_git_is_told_as_that(project: Project, task: list[str]) -> None:
    (project.main / "fresh").write_text("untracked\n")
    (Path(os.environ["HOME"]) / ".gitconfig").write_text("[user\nname = x\n")

    said = project.inv(f"session.{task[0]}", *task[1:], code=None)

    everything = said.out + said.err
    assert said.code == 1 or task[0] in ("list", "conflicts", "resume")
    assert "bad config line 1 in file" in everything and ".gitconfig" in everything
    assert "Fix that file, then run the command again." in everything
    assert "too old" not in everything and "no commits" not in everything
    assert not (project.main / ".tally-sessions").exists()


@pytest.mark.parametrize("task", ["list", "doctor", "show x", "sync x", "merge x", "remove x", "start x", "prune"])
def test_a_broken_configuration_of_git_is_told_where_there_are_sessions(project: Project, task: str) -> None:
    project.configure("session: {windows: []}\n")
    project.inv("session.add", "x")
    (Path(os.environ["HOME"]) / ".gitconfig").write_text("[user\nname = x\n")

    said = project.inv(*f"session.{task}".split(), code=1).err

    assert "bad config line 1 in file" in said and "Fix that file" in said
    assert project.worktree("x").is_dir()


@pytest.mark.parametrize("task", [("add", "x"), ("adopt", "x")])
def test_a_repository_without_commits_is_told_as_that(project: Project, task: tuple[str, ...]) -> None:
    empty = project.top / "empty"
    subprocess.run(["git", "init", "--quiet", str(empty)], check=True)
    (empty / "tasks.py").write_text(EMBEDDING)
    (empty / "tasks").symlink_to(project.main / "tasks")

    said = project.inv(f"session.{task[0]}", *task[1:], code=1, cwd=empty).err

    assert "has no commits" in said and "git commit --allow-empty" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to somebody else")
@pytest.mark.parametrize("task", [("add", "x"), ("adopt", "x")])
def test_a_repository_of_somebody_else_is_told_in_the_words_of_git(project: Project, task: tuple[str, ...]) -> None:
    for path in (project.main, project.main / ".git"):
        os.chown(path, 12345, 12345)

    said = project.inv(f"session.{task[0]}", *task[1:], code=1).err

    assert "dubious ownership" in said
