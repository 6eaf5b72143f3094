"""A session that is stopped keeps what is its own, and one that goes on is the same."""

import shutil
from pathlib import Path

from tasks.store import ports
from testing import wrappers
from testing.project import Project
from testing.terminal import panes, runs


def test_stop_frees_the_listeners_and_keeps_the_ports(project: Project) -> None:
    project.unconfigure()
    project.inv("session.add", "x")
    runs(project, "x")
    own = project.listed("x")["ports"]

    assert project.inv("session.stop", "x").out.startswith("Stopped x.\n")
    again = project.inv("session.stop", "x").out

    assert again == "x was already stopped.\nStart again: inv session.start x\n"
    assert all(ports.is_port_free(port) for port in own.values())
    assert panes("tally-x", "#{pane_id}") == []
    assert project.listed("x")["status"] == "stopped"
    assert project.worktree("x").is_dir()
    project.inv("session.add", "y")
    assert not set(project.listed("y")["ports"].values()) & set(own.values())
    assert project.inv("session.start", "x").out.splitlines()[0] in (
        "Started x (5 windows).",
        "x is running (started 5 windows).",
    )
    runs(project, "x")
    assert project.inv("session.start", "x").out.startswith("x is already running.\n")
    assert project.listed("x")["ports"] == own


def test_stop_without_a_worktree_advises_what_works(project: Project) -> None:
    project.configure("session: {windows: [{name: shell}]}\n")
    project.inv("session.add", "x")
    shutil.rmtree(project.worktree("x"))

    said = project.inv("session.stop", "x").out

    assert "session.start" not in said
    assert said.splitlines()[-1] == "Run: inv session.remove x --keep-branch"
    project.inv(*said.splitlines()[-1].removeprefix("Run: inv ").split())
    assert project.inv("session.list", "--json").json == []


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
