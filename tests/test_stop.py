"""A session that is stopped keeps what is its own, and one that goes on is the same."""

from pathlib import Path

from tasks import ports
from tests import wrappers
from tests.project import Project
from tests.terminal import panes, runs


def test_stop_frees_the_listeners_and_keeps_the_ports(project: Project) -> None:
    project.unconfigure()
    project.inv("session.add", "x")
    runs(project, "x")
    own = project.listed("x")["ports"]

    project.inv("session.stop", "x")

    assert all(ports.free(port) for port in own.values())
    assert panes("tally-x", "#{pane_id}") == []
    assert project.listed("x")["status"] == "stopped"
    assert project.worktree("x").is_dir()
    project.inv("session.add", "y")
    assert not set(project.listed("y")["ports"].values()) & set(own.values())
    project.inv("session.start", "x")
    runs(project, "x")
    assert project.listed("x")["ports"] == own


def test_a_changed_configuration_does_not_change_a_session(project: Project) -> None:
    project.inv("session.add", "x")
    runs(project, "x")
    before = project.row("x")
    project.configure("session: {preset: tally, project: other, worktree: '../elsewhere/{slug}', branch: 'b/{name}'}\n")

    project.inv("session.stop", "x")
    project.inv("session.start", "x")

    runs(project, "x")
    assert project.row("x") == before
    project.inv("session.remove", "x")
    assert not project.worktree("x").exists()


def test_a_session_starts_while_the_tmux_server_of_the_one_before_ends(project: Project, sandbox: Path) -> None:
    wrappers.ending_server(sandbox)

    project.inv("session.add", "x")

    assert (sandbox / "ended").exists()
    assert len(panes("tally-x", "#{pane_id}")) == 5
