"""Windows that are divided into panes: each pane has its own command, directory, port, environment and log."""

import urllib.request

import pytest

from testing.project import Project, eventually
from testing.terminal import enter, panes, runs, shows, tmux

_CONFIGURED = """session:
  windows:
  - name: dev
    layout: main-vertical
    panes:
    - {name: "backend:{backend_port}", dir: backend, run: "python manage.py {backend_port}"}
    - {dir: frontend, run: "python server.py {frontend_port}"}
    - {dir: missing, run: "false"}
    - {}
  - {name: shell}
  - {name: jobs, dir: backend, panes: ["sleep 1000", {run: "sleep 2000", start: attach}]}
"""
_FORM = "#{window_name} #{@tally_window} #{pane_current_path}"


def _shown(name: str) -> dict[str, tuple[str, str]]:
    fields = (line.split(" ", 2) for line in panes(f"tally-{name}", _FORM))
    return {pane: (window, path.rpartition("/")[2]) for window, pane, path in fields}


def test_each_pane_has_its_own_command_directory_port_and_log(project: Project) -> None:
    project.configure(_CONFIGURED)

    added = project.inv("session.add", "x", "--wait")

    row, tree = project.row("x"), project.worktree("x")
    backend = f"backend:{row['backend_port']}"
    assert "with windows dev, shell, jobs" in added.err
    expected = {
        backend: ("dev", "backend"), "dev.2": ("dev", "frontend"), "dev.4": ("dev", tree.name),
        "shell": ("shell", tree.name), "jobs.1": ("jobs", "backend"), "jobs.2": ("jobs", "backend"),
    }  # fmt: skip
    assert _shown("x") == expected
    assert "Window dev.3 was left out: missing doesn't exist on this branch." in added.err
    listed = project.listed("x")
    assert listed["status"] == "running" and set(listed["answering"]) == set(listed["ports"].values())
    assert listed["not_started"] == {"jobs.2": []}
    ids = dict(line.split() for line in panes("tally-x", "#{@tally_window} #{pane_id}"))
    enter(ids["dev.4"], "echo $BACKEND_PORT of $TALLY_SESSION")
    shows(ids["dev.4"], f"{row['backend_port']} of {tree}")
    lefts = [
        line for line in panes("tally-x", "#{window_name} #{pane_left} #{pane_height}") if line.startswith("dev 0 ")
    ]
    assert len(lefts) == 1  # the main pane is on the left, alone
    assert f"{row['backend_port']} of {tree}" in project.inv("session.logs", "x", "--window", "dev.4").out
    for port in listed["answering"]:  # so that each server prints something
        with urllib.request.urlopen(f"http://localhost:{port}/", timeout=30) as answer:
            assert answer.status == 200
    logs = ("session.logs", "x", "--window", "dev")
    eventually(lambda: all(each in project.inv(*logs).out for each in ("dev.2", backend)))
    assert "jobs" not in project.inv(*logs).out
    assert project.inv("session.doctor").out == "No problems.\n"


@pytest.mark.slow
def test_resume_brings_back_a_pane_in_its_window_and_start_all_of_it(project: Project) -> None:
    project.configure(_CONFIGURED)
    project.inv("session.add", "x")
    runs(project, "x")
    before = _shown("x")
    ids = dict(line.split() for line in panes("tally-x", "#{@tally_window} #{pane_id}"))
    tmux("kill-pane", "-t", ids["dev.2"])
    for pane in ("jobs.1", "jobs.2"):
        tmux("kill-pane", "-t", ids[pane])
    assert project.listed("x")["status"] == "partial"
    assert "dev.2" in project.inv("session.doctor", code=1).out

    project.inv("session.resume", "x", "--wait")

    assert _shown("x") == before
    after = dict(line.split() for line in panes("tally-x", "#{@tally_window} #{pane_id}"))
    assert after["dev.4"] == ids["dev.4"]
    project.inv("session.stop", "x")
    project.inv("session.start", "x", "--wait")
    assert _shown("x") == before and project.listed("x")["not_started"] == {}
    eventually(lambda: "sleep" in panes("tally-x", "#{pane_current_command}"))


def test_what_cannot_be_a_window_with_panes_is_refused(project: Project) -> None:
    for window, message in {
        "{name: a, run: b, panes: [c]}": "session.windows[0] has more than one of run, panes. Keep one.",
        "{name: a, layout: tiled}": "session.windows[0].layout is for panes, and there are none.",
        "{name: a, panes: [b], layout: round}": "session.windows[0].layout must be one of even-horizontal",
        "{name: a, panes: [{run: b, type: c}]}": "session.windows[0].panes[0] has more than one of run, type.",
    }.items():
        (project.main / "invoke.yaml").write_text(f"session: {{windows: [{window}]}}\n")
        assert message in project.inv("session.config", code=1).err
    windows = "[{name: a, panes: [{name: b}]}, {name: c, panes: [{name: b}]}]"
    (project.main / "invoke.yaml").write_text(f"session: {{windows: {windows}}}\n")
    assert '"b" is used twice' in project.inv("session.add", "x", "--yes", code=1).err


def test_a_command_of_a_pane_is_asked_for_and_its_layout_is_not(project: Project) -> None:
    text = "session: {windows: [{name: a, layout: %s, panes: [sleep 1, %s]}]}\n"
    project.configure(text % ("tiled", "sleep 2"))
    (project.main / "invoke.yaml").write_text(text % ("even-vertical", "sleep 2"))
    assert "even-vertical" not in project.inv("session.add", "x").err
    (project.main / "invoke.yaml").write_text(text % ("tiled", "touch /tmp/no"))

    asked = project.inv("session.add", "y", code=1).err

    assert "session.windows.a.panes" in asked and "touch /tmp/no" in asked
