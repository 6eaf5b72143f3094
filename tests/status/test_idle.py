"""`stop --idle`: nobody attached, nothing printed, Claude not at work, for that long."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.model import Repository
from tasks.status import idle
from tasks.store import registry
from testing import sessions
from testing.project import INV, Project, eventually
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


@pytest.mark.parametrize(("time", "wanted"), [("", "a time such as"), ("0", "a time such as"), ("0s", "above zero")])
def test_a_time_that_is_empty_or_zero_is_refused(project: Project, time: str, wanted: str) -> None:
    project.inv("session.add", "x")

    said = project.inv("session.stop", "--idle", time, cwd=project.worktree("x"), code=1).err

    assert "--idle" in said and wanted in said and project.listed("x")["status"] != "stopped"


@pytest.mark.slow
def test_what_is_suspended_or_runs_elsewhere_in_a_session_keeps_it(project: Project) -> None:
    project.configure("session: {windows: [{name: a, run: cat}, {name: shell}], ports: {}}\n")
    project.inv("session.add", "x")
    for window in ("shell", "a"):
        pane = windows("tally-x")[window]
        if window == "a":
            eventually(lambda: "cat" in panes("tally-x", "#{pane_current_command}"))
            tmux("send-keys", "-t", pane, "C-c")
        enter(pane, "sleep 1000")
        eventually(lambda pane=pane: tmux("display", "-p", "-t", pane, "#{pane_current_command}") == "sleep")  # type: ignore[misc]
        tmux("send-keys", "-t", pane, "C-z")
        eventually(lambda: "but sleep is open in it." in project.inv("session.stop", "--idle", "3s").err)
        assert windows("tally-x")
        enter(pane, "kill -9 %1")
    command = [sys.executable, INV, "session.run", "x", "sleep 1000"]
    running = subprocess.Popen(command, cwd=project.main, stdin=subprocess.DEVNULL, start_new_session=True)
    eventually(lambda: "but sleep runs in it." in project.inv("session.stop", "--idle", "3s").err)
    assert windows("tally-x")
    running.send_signal(signal.SIGINT)
    running.wait(60)
    eventually(lambda: "Stopped x." in project.inv("session.stop", "--idle", "3s").out)


def test_what_a_person_types_in_or_looks_at_is_seen_in_any_window(project: Project, sandbox: Path) -> None:
    """Where a server was ended, an interpreter; a suspended script; a second client; a name of two lines."""
    project.configure("session: {windows: [{name: a, run: cat}, {name: shell}], ports: {}}\n")
    project.inv("session.add", "x")
    (session,) = sessions.all_of(project)
    server, shell = windows("tally-x")["a"], windows("tally-x")["shell"]

    def opened() -> str:
        return idle._find_opened([session])["x"]

    eventually(lambda: panes("tally-x", "#{pane_current_command}") == ["cat", "bash"])
    assert opened() == ""
    tmux("send-keys", "-t", server, "C-c")
    enter(server, "PATH=/usr/bin:/bin python3")
    eventually(lambda: opened().startswith("python3"))
    enter(server, "exit()")
    eventually(lambda: opened() == "")
    enter(shell, "bash -c 'while :; do read -t 1 x; done'")
    tmux("send-keys", "-t", shell, "C-z")
    eventually(lambda: opened() == "bash")
    enter(shell, "kill -9 %1")
    eventually(lambda: opened() == "")
    (sandbox / "two\nlines").symlink_to("/bin/sleep")
    enter(shell, f"{sandbox}/two*lines 1000")
    eventually(lambda: opened() == "two\nlines")

    assert "tally-x" not in idle.attached_sessions()
    subprocess.run(["tmux", "new-session", "-d", "-t", "tally-x", "-s", "second"], check=True)
    look = ["script", "-qec", "tmux attach -t second", "/dev/null"]
    client = subprocess.Popen(look, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    eventually(lambda: {"tally-x", "second"} <= idle.attached_sessions())
    tmux("detach-client", "-s", "second")
    client.communicate()


def _stopping(project: Project, output: Path) -> "subprocess.Popen[bytes]":
    """Start `stop --idle`, and wait until it has found x; the caller has x's lock."""
    with open(output, "wb") as file:
        process = subprocess.Popen(
            [sys.executable, INV, "session.stop", "--idle", "1s"], cwd=project.main, stdout=file, stderr=file,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    eventually(lambda: "x has been idle since" in output.read_text())
    return process


@pytest.mark.slow
def test_each_session_is_looked_at_again_right_before_it_is_stopped(project: Project, sandbox: Path) -> None:
    project.configure("session: {windows: [{name: a, run: cat}, {name: shell}], ports: {}}\n")
    project.inv("session.add", "x")
    repository, outputs = Repository(project.main, project.main / ".git"), [sandbox / "one", sandbox / "two"]
    eventually(_is_quiet)

    with registry.session_lock(repository, "x"):
        busy = _stopping(project, outputs[0])
        enter(windows("tally-x")["shell"], "sleep 1000")
        eventually(lambda: "sleep" in panes("tally-x", "#{pane_current_command}"))
    assert busy.wait(60) == 0
    assert "x is in use again. It isn't stopped." in outputs[0].read_text()
    tmux("send-keys", "-t", windows("tally-x")["shell"], "C-c")
    eventually(lambda: "sleep" not in panes("tally-x", "#{pane_current_command}"))
    eventually(_is_quiet)
    with registry.session_lock(repository, "x"):
        both = [_stopping(project, output) for output in outputs]
    assert [each.wait(60) for each in both] == [0, 0]
    said = "".join(output.read_text() for output in outputs)
    assert (said.count("Stopped x."), said.count("x was stopped by another command.")) == (1, 1)


def _is_quiet() -> bool:
    """Return whether no window of x printed anything in the last two seconds."""
    return all(time.time() - int(at) > 2 for at in panes("tally-x", "#{window_activity}"))
