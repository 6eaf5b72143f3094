"""A worktree's place that has something else: another session's worktree, or a link; and what only passes by."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from testing.project import INV, Project
from testing.terminal import tmux

_PLAIN = "session: {windows: [], copy: [], link: [], env: {}}\n"


@pytest.fixture
def two(project: Project) -> Project:
    """Return the project with the sessions a and b, which have work."""
    project.configure(_PLAIN)
    for name in ("a", "b"):
        project.inv("session.add", name)
        (project.worktree(name) / "work").write_text(f"{name}\n")
        project.git("add", "work", cwd=project.worktree(name))
    return project


def _state(project: Project, name: str) -> tuple[str, str]:
    tree = project.worktree(name)
    return project.git("status", "--porcelain=v2", "--branch", cwd=tree), (tree / "work").read_text()


def _refused(project: Project, *arguments: str) -> str:
    said = project.inv(*arguments, code=1)
    assert "a" in project.inv("session.list", "--json").out
    return said.err


def test_a_link_to_another_sessions_worktree_is_never_taken_for_the_sessions_own(two: Project) -> None:
    before, place = _state(two, "b"), two.worktree("a")
    place.rename(place.with_name("away"))
    place.symlink_to(two.worktree("b"))

    said = _refused(two, "session.remove", "a", "--force")

    assert f"{place} is a link to {two.worktree('b')}" in said
    assert two.listed("a")["status"] == "broken"
    assert not two.listed("a")["dirty"]
    assert f"is a link to {two.worktree('b')}" in two.inv("session.doctor", code=1).out
    assert _state(two, "b") == before
    subprocess.run(said.partition("Fix: ")[2].splitlines()[0], shell=True, check=True)
    place.with_name("away").rename(place)
    two.inv("session.remove", "a", "--force")
    two.inv("session.restore", "a")
    assert (place / "work").read_text() == "a\n"
    assert _state(two, "b") == before


def test_a_worktree_that_lies_where_another_belongs_is_not_removed_in_its_place(two: Project) -> None:
    before, place = _state(two, "b"), two.worktree("a")
    place.rename(place.with_name("away"))
    two.worktree("b").rename(place)

    said = _refused(two, "session.remove", "a", "--force")

    assert f"{place} has the worktree of {two.worktree('b')}" in said
    subprocess.run(said.partition("Fix: ")[2].splitlines()[0], shell=True, check=True)
    place.with_name("away").rename(place)
    assert _state(two, "b") == before
    assert (place / "work").read_text() == "a\n"


def test_a_worktree_behind_a_link_is_not_said_to_be_saved(two: Project, sandbox: Path) -> None:
    place, disk = two.worktree("a"), sandbox / "disk"
    shutil.move(place, disk)
    place.symlink_to(disk)

    said = _refused(two, "session.remove", "a", "--force")

    assert f"{place} is a link to {disk}" in said
    subprocess.run(said.partition("Fix: ")[2].splitlines()[0], shell=True, check=True)
    assert not place.is_symlink()
    assert (place / "work").read_text() == "a\n"
    two.inv("session.remove", "a", "--force")
    two.inv("session.restore", "a")
    assert (place / "work").read_text() == "a\n"


@pytest.mark.slow
def test_a_tmux_server_that_was_started_within_a_session_outlives_it(project: Project) -> None:
    for name in ("a", "b"):
        project.inv("session.add", name)
    tmux("kill-server")
    subprocess.run([INV, "session.run", "a", "tmux new -d -s mine 'sleep 1000'"], cwd=project.main, check=True)
    for name in ("a", "b"):
        project.inv("session.start", name)

    project.inv("session.stop", "a")

    assert sorted(tmux("list-sessions", "-F", "#{session_name}").split()) == ["mine", "tally-b"]
    assert tmux("list-panes", "-t", "=mine:", "-F", "#{pane_current_command}") == "sleep"


def test_a_damaged_index_names_what_puts_it_in_order(two: Project) -> None:
    index = two.main / ".git" / "worktrees" / two.worktree("a").name / "index"
    index.write_text("garbage")

    said = two.inv("session.remove", "a", "--force", code=1).err

    assert "is damaged" in said
    subprocess.run(said.partition("Run: ")[2].splitlines()[0], shell=True, check=True, env=os.environ)
    assert (two.worktree("a") / "work").read_text() == "a\n"
    two.inv("session.remove", "a", "--force")


def test_a_damaged_head_names_what_puts_it_in_order(two: Project) -> None:
    tree = two.worktree("a")
    (tree / "staged").write_text("s")
    two.git("add", "staged", cwd=tree)
    for words in (("doctor",), ("remove", "a"), ("merge", "a")):
        (two.main / ".git" / "worktrees" / tree.name / "HEAD").write_text("")

        said = two.inv(f"session.{words[0]}", *words[1:], code=1)

        command = re.search(r"echo 'ref: .*", said.out + said.err)
        assert command and "is damaged" in said.out + said.err
        subprocess.run(command[0], shell=True, check=True)
        assert two.git("symbolic-ref", "HEAD", cwd=tree) == "refs/heads/a"
        assert "A  staged" in two.git("status", "--porcelain", cwd=tree)
    assert two.inv("session.doctor").out == "No problems.\n"


def test_a_row_with_a_work_log_without_its_file_is_named(two: Project) -> None:
    registry = two.main / ".tally-sessions"
    rows = json.loads(registry.read_text())
    rows["a"]["work_log"] = {"": ""}
    registry.write_text(json.dumps(rows))

    assert "work_log" in two.inv("session.doctor", code=1).err
