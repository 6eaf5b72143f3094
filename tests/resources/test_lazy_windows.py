"""A server that waits for somebody to attach: nothing of it runs before that, and nothing says that it failed."""

import os
import pty
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testing.project import Project, eventually
from testing.terminal import enter, panes, tmux, windows

_CONFIGURED = """session:
  windows:
  - {name: "backend:{backend_port}", dir: backend, run: "python manage.py {backend_port}", start: attach}
  - {name: frontend, dir: frontend, run: "python server.py {frontend_port}"}
  - {name: shell}
"""


@contextmanager
def _attached(target: str) -> Iterator[None]:
    """A terminal that is attached to the tmux session *target*, as by hand."""
    ours, theirs = pty.openpty()
    client = subprocess.Popen(["tmux", "attach", "-t", f"={target}"], stdin=theirs, stdout=theirs, stderr=theirs)
    try:
        yield
    finally:
        client.terminate()
        client.wait()
        os.close(ours)
        os.close(theirs)


@pytest.mark.slow
def test_it_starts_once_somebody_attaches_and_is_never_said_to_have_failed(project: Project) -> None:
    project.configure(_CONFIGURED)

    added = project.inv("session.add", "x", "--wait")

    port, other = project.row("x")["backend_port"], project.row("x")["frontend_port"]
    assert f"when you attach python manage.py {port}" in added.err
    listed = project.listed("x")
    assert listed["status"] == "running" and listed["answering"] == [other]
    assert listed["not_started"] == {f"backend:{port}": [port]}
    assert f"{port} not started, {other} up" in project.inv("session.list").out
    assert "Start now: inv session.start x" in project.inv("session.show", "x").out
    assert project.inv("session.doctor").out == "No problems.\n"
    assert "x is already running." in project.inv("session.resume", "x").out
    project.inv("session.resume", "x", "--wait")
    assert project.listed("x")["not_started"]
    with _attached("tally-x"):
        eventually(lambda: port in project.listed("x")["answering"])
    assert project.listed("x")["not_started"] == {}
    assert project.listed("x")["status"] == "running"
    before = panes("tally-x", "#{pane_pid}")
    project.inv("session.resume", "x")
    assert panes("tally-x", "#{pane_pid}") == before


@pytest.mark.parametrize("scope", [("-g",), ("-t", "=tally-x:")])
def test_a_persons_hook_of_that_name_runs_too_and_only_once(
    project: Project, tmp_path: Path, scope: tuple[str, ...]
) -> None:
    project.configure(_CONFIGURED)
    project.inv("session.add", "x")
    noted = tmp_path / "noted"
    tmux("set-hook", *scope, "client-session-changed[3]", f"run-shell 'echo came >> {noted}'")
    project.inv("session.resume", "x")
    assert project.listed("x")["not_started"]

    with _attached("tally-x"):
        eventually(lambda: not project.listed("x")["not_started"])
        eventually(noted.exists)

    with _attached("tally-x"):
        eventually(lambda: noted.read_text() == "came\ncame\n")
    hooks = tmux("show-hooks", "-t", "=tally-x:", "client-session-changed")
    assert "tally_typed" not in hooks
    assert ("came" in hooks) is (scope[0] != "-g")


@pytest.mark.slow
def test_start_starts_it_and_resume_after_a_reboot_does_not(project: Project) -> None:
    project.configure(_CONFIGURED)
    project.inv("session.add", "x")
    port = project.row("x")["backend_port"]

    project.inv("session.start", "x", "--wait")

    assert port in project.listed("x")["answering"]
    project.inv("session.stop", "x")
    assert project.listed("x")["status"] == "stopped" and project.listed("x")["not_started"] == {}
    project.inv("session.resume", "--wait")
    assert project.listed("x")["status"] == "running" and project.listed("x")["not_started"]
    tmux("kill-window", "-t", windows("tally-x")[f"backend:{port}"])
    assert project.listed("x")["status"] == "partial"
    project.inv("session.resume", "x")
    assert project.listed("x")["not_started"] == {f"backend:{port}": [port]}
    started = project.inv("session.start", "x", "--wait")
    assert port in project.listed("x")["answering"], started.err + started.out
    tmux("send-keys", "-t", windows("tally-x")[f"backend:{port}"], "C-c")
    eventually(lambda: project.listed("x")["status"] == "partial")  # one that was started, and ended
    project.inv("session.resume", "x", "--wait")
    assert port in project.listed("x")["answering"]


def test_start_says_that_its_window_was_busy(project: Project) -> None:
    project.configure(_CONFIGURED.replace("session:", "session:\n  wait: 1"))
    project.inv("session.add", "x")
    port = project.row("x")["backend_port"]
    window = windows("tally-x")[f"backend:{port}"]
    enter(window, "stty -icanon; touch ../busy; cat")  # as an editor does
    eventually((project.worktree("x") / "busy").exists)

    failed = project.inv("session.start", "x", "--wait", code=1)

    assert f"backend:{port} of x doesn't respond on {port} after 1 s." in failed.err


def test_start_is_for_servers(project: Project) -> None:
    for window, message in {
        "{name: a, run: b, start: later}": 'session.windows[0].start must be add or attach, not "later".',
        "{name: a, claude: true, start: attach}": "session.windows[0].start is for a window with run.",
    }.items():
        (project.main / "invoke.yaml").write_text(f"session: {{windows: [{window}]}}\n")
        assert message in project.inv("session.config", code=1).err
