"""The whole of a session's life, on real git and tmux."""

from tests.project import Project, eventually


def test_an_added_session_runs_and_its_removal_leaves_the_world_as_it_was(project: Project) -> None:
    before = project.world()

    project.inv("session.add", "feature/deep.er")
    eventually(lambda: project.listed("feature/deep.er")["status"] == "running")
    project.inv("session.remove", "feature/deep.er")

    assert project.world() == before
