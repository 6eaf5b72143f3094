"""`stop --idle`: nobody attached, nothing printed, Claude not at work, for that long."""

import pytest

from testing.project import Project, eventually
from testing.terminal import enter, panes, tmux, windows

_RUN = "test {name} = x && cat || while sleep 0.2; do echo; done"


@pytest.mark.slow
def test_a_session_with_an_open_editor_is_not_stopped(project: Project) -> None:
    project.configure("session: {windows: [{name: a, run: cat}, {name: shell}], ports: {}}\n")
    project.inv("session.add", "x")
    enter(windows("tally-x")["shell"], "sleep 1000")
    eventually(lambda: panes("tally-x", "#{pane_current_command}") == ["cat", "sleep"])

    eventually(lambda: "but sleep is open in it." in project.inv("session.stop", "--idle", "5s").err)

    assert project.listed("x")["status"] == "running"
    tmux("send-keys", "-t", windows("tally-x")["shell"], "C-c")
    eventually(lambda: "Stopped x." in project.inv("session.stop", "--idle", "5s").out)


@pytest.mark.slow
def test_only_what_nobody_used_for_that_long_is_stopped(project: Project) -> None:
    project.configure(f"session: {{windows: [{{name: a, run: '{_RUN}'}}], ports: {{}}}}\n")
    for name in ("x", "y"):  # y prints all the time
        project.inv("session.add", name)
    assert "must be a time such as 30m, 2h or 1d" in project.inv("session.stop", "--idle", "long", code=1).err
    assert "No session has been idle for that long." in project.inv("session.stop", "--idle", "2h").err
    assert project.listed("x")["status"] == "running"

    eventually(lambda: "Stopped x." in project.inv("session.stop", "--idle", "20s").out)

    assert project.listed("y")["status"] == "running"


def test_an_empty_time_is_refused(project: Project) -> None:
    project.inv("session.add", "x")

    said = project.inv("session.stop", "--idle", "", cwd=project.worktree("x"), code=1).err

    assert "--idle" in said and project.listed("x")["status"] != "stopped"
