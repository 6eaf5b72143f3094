"""Machines that lack something, environments that mislead, directories with odd names."""

import shutil
import sys
from pathlib import Path

import pytest

from tasks.system import startup
from testing import wrappers
from testing.project import Project, eventually, make
from testing.terminal import panes, runs


def _path_without(sandbox: Path, program: str) -> str:
    """Return a PATH with everything that `inv` needs except *program*."""
    directory = sandbox / "few"
    directory.mkdir()
    for name in {"bash", "sh", "env", "git", "tmux", "rm", "nohup"} - {program}:
        (directory / name).symlink_to(shutil.which(name) or "")
    (directory / "python").symlink_to(sys.executable)
    return str(directory)


@pytest.mark.parametrize("program", ["git", "tmux"])
def test_a_missing_program_is_named_and_nothing_changes(project: Project, sandbox: Path, program: str) -> None:
    before = project.world()

    said = project.inv("session.add", "x", code=1, env={"PATH": _path_without(sandbox, program)})

    (line,) = said.err.strip().splitlines()
    assert f"{program} is not installed" in line
    assert f"Install the package {program}." in line
    assert project.world() == before


def test_without_tmux_nothing_is_removed_by_half(project: Project, sandbox: Path) -> None:
    project.configure("session: {windows: []}\n")
    project.inv("session.add", "x")
    during = project.world()

    said = project.inv("session.remove", "x", "--force", code=1, env={"PATH": _path_without(sandbox, "tmux")})

    assert said.err == "tmux is not installed, or not on PATH. Install the package tmux.\n"
    assert project.world() == during


@pytest.mark.parametrize("program", ["git", "tmux"])
def test_a_program_that_is_too_old_is_named_and_nothing_stays(project: Project, sandbox: Path, program: str) -> None:
    before = project.world()
    wrappers.old(sandbox, program)

    said = project.inv("session.add", "x", code=1)

    version = {"git": "git version 2.17.1 is too old", "tmux": "tmux 2.9a is too old"}[program]
    assert version in said.err
    (sandbox / "bin" / program).unlink()
    assert project.world() == before


def test_what_a_git_hook_sets_misleads_nobody(project: Project, sandbox: Path) -> None:
    other = make(sandbox / "other" / "elsewhere")
    before = other.world()
    misleading = {
        "GIT_DIR": str(other.main / ".git"), "GIT_WORK_TREE": str(other.main), "GIT_INDEX_FILE": str(other.main / "i"),
        "GIT_PREFIX": "x/", "GIT_OBJECT_DIRECTORY": str(other.main / ".git" / "objects"),
        "GIT_LITERAL_PATHSPECS": "1",
    }  # fmt: skip

    project.inv("session.add", "x", env=misleading)
    listed = project.inv("session.list", "--json", env=misleading).json
    (project.worktree("x") / "new").touch()
    project.inv("session.remove", "x", "--force", env=misleading)

    assert [(each["name"], each["dirty"]) for each in listed] == [("x", False)]
    assert {**other.world(), "registries": ""} == {**before, "registries": ""}


_PLACE = "#{pane_current_path}"
# Each means something to a shell, to tmux or to both.
_ODD = ['o\'quote "double"', "ünïcode 日本", "semi;", "a # c}d,e{f", "#{pid}#,#S", "-dash $HOME ~"]


@pytest.mark.parametrize("name", _ODD)
def test_a_project_with_an_odd_path_works_end_to_end(sandbox: Path, name: str) -> None:
    project = make(sandbox / f"in {name}" / name)
    before = project.world()

    project.inv("session.add", "x")
    runs(project, "x")
    worktree = str(project.worktree("x"))
    eventually(lambda: all(path.startswith(worktree) for path in panes(project.listed("x")["tmux"], _PLACE)))
    project.inv("session.resume", "x")
    listed = project.listed("x")
    project.inv("session.remove", "x")

    assert (listed["worktree"], listed["status"]) == (worktree, "running")
    assert project.world() == before


def test_a_home_that_is_not_there_leaves_no_compiled_modules_in_the_current_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("XDG_CACHE_HOME", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setattr(sys, "pycache_prefix", None)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    startup.keep_bytecode()

    assert (sys.pycache_prefix, sys.dont_write_bytecode) == (None, True)
