"""`remove` where the ground is gone already, or goes while it works."""

import shutil

from testing.project import Project, eventually
from testing.terminal import enter, shows, windows


def test_a_session_whose_worktree_was_deleted_by_hand_is_removed(project: Project) -> None:
    before = project.world()
    project.inv("session.add", "x")
    shutil.rmtree(project.worktree("x"))
    assert project.listed("x")["status"] == "broken"

    project.inv("session.remove", "x")

    assert project.world() == before


def test_a_session_is_removed_from_its_own_window(project: Project) -> None:
    before = project.world()
    project.inv("session.add", "x")
    pane = windows("tally-x")["shell"]
    shows(pane, "$")

    enter(pane, "inv session.remove x")

    eventually(lambda: not (project.main / ".tally-sessions").exists(), 40)
    eventually(lambda: project.world() == before)


def test_a_session_is_removed_from_a_directory_that_goes_with_it(project: Project) -> None:
    before = project.world()
    project.inv("session.add", "x")

    said = project.inv("session.remove", cwd=project.worktree("x") / "backend")

    assert f"cd {project.main}" in said.out
    assert project.world() == before
