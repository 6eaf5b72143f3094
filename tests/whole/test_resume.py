"""Everything comes back: after a reboot, after one window, one server or one file is gone. What is there stays."""

import os
import signal

import psutil
import pytest

from tasks.tools import tmux as tmux_panes
from tasks.tools import tmux_output
from testing.project import Project, eventually
from testing.terminal import enter, panes, runs, screen, shows, tmux, windows


@pytest.fixture
def running(project: Project) -> Project:
    """Return the project with the session `x`, all of it running."""
    project.inv("session.add", "x")
    runs(project, "x")
    shows(windows("tally-x")["cli"], "manage.py")
    shows(windows("tally-x")["claude"], "stand-in")
    return project


def _window(project: Project, place: str) -> str:
    return windows("tally-x")[f"{place}:{project.row('x')[f'{place}_port']}"]


def _end_server(project: Project) -> None:
    port = project.row("x")["backend_port"]
    for process in psutil.process_iter(["cmdline"]):
        if process.info["cmdline"] and process.info["cmdline"][1:] == ["manage.py", "runserver", str(port)]:
            os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: port not in project.listed("x")["answering"])
    shows(_window(project, "backend"), "Killed")


def test_after_a_reboot_everything_is_back(running: Project) -> None:
    running.inv("session.add", "y")
    names = list(windows("tally-x"))
    tmux("kill-server")
    eventually(lambda: running.listed("x")["status"] == running.listed("y")["status"] == "stopped")

    said = running.inv("session.resume")

    assert "tally-y" not in said.err
    for name in ("x", "y"):
        runs(running, name)
    assert list(windows("tally-x")) == names
    shows(windows("tally-x")["cli"], "python backend/manage.py")


def test_a_second_resume_types_nothing_and_opens_nothing(running: Project) -> None:
    before = {name: (pane, screen(pane)) for name, pane in windows("tally-x").items()}

    said = running.inv("session.resume").err + running.inv("session.resume", "x").err

    assert said == ""
    assert {name: (pane, screen(pane)) for name, pane in windows("tally-x").items()} == before


@pytest.mark.parametrize("closed", ["backend", "shell"])
def test_only_the_window_that_was_closed_comes_back(running: Project, closed: str) -> None:
    before = windows("tally-x")
    name = next(each for each in before if each.split(":")[0] == closed)
    tmux("kill-window", "-t", before[name])

    running.inv("session.resume", "x")

    after = windows("tally-x")
    assert set(after) == set(before)
    assert {each for each in after if after[each] != before[each]} == {name}
    runs(running, "x")


def test_a_server_that_ended_is_started_in_its_window(running: Project) -> None:
    before = windows("tally-x")
    _end_server(running)

    running.inv("session.resume")

    runs(running, "x")
    assert windows("tally-x") == before
    running.inv("session.add", "y")
    running.inv("session.stop", "--all")
    said = running.inv("session.start", "--all").out
    assert said.count("--wait") == ("Started " in said)  # once, unless the servers of all respond already


def test_half_a_line_at_the_prompt_is_not_executed(running: Project) -> None:
    _end_server(running)
    mark, pane = running.top / "executed", _window(running, "backend")
    tmux("send-keys", "-t", pane, "-l", "--", f"touch {mark}; ")

    running.inv("session.resume")

    runs(running, "x")
    assert not mark.exists()


def test_an_open_quote_at_the_prompt_does_not_swallow_the_server(running: Project) -> None:
    _end_server(running)
    enter(_window(running, "backend"), "echo 'half")

    running.inv("session.resume")

    runs(running, "x")


def test_nothing_is_typed_before_the_shell_has_given_up_the_line_that_was_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = [tmux_panes.Pane(id_, "@1", "/dev/null", "bash", "w", True, "tally-x", "/x") for id_ in ("%1", "%2")]
    shown, asked = ["4 2\n4 9\n", "4 2\n4 9\n", "5 2\n4 9\n", "5 2\n5 2\n"], []

    def step(commands: list[tuple[str, ...]]) -> str:
        asked.append([command[0] for command in commands])
        return shown[len(asked) - 1]

    monkeypatch.setattr(tmux_panes, "run_tmux", step)
    tmux_output.clear_prompts(chosen)

    assert asked[0] == ["copy-mode"] * 2 + ["display-message"] * 2 + ["send-keys"] * 2
    assert asked[1:] == [["display-message"] * 2] * 3


def test_what_a_person_runs_in_a_window_is_left_alone(running: Project) -> None:
    _end_server(running)
    pane = _window(running, "backend")
    enter(pane, "sleep 400")
    eventually(lambda: "sleep" in panes("tally-x", "#{pane_current_command}"))
    before = screen(pane)

    running.inv("session.resume")

    assert screen(pane) == before
    assert running.listed("x")["status"] == "partial"


def test_files_that_vanished_come_back_and_values_that_were_edited_stay(running: Project) -> None:
    worktree = running.worktree("x")
    (worktree / "backend" / ".env").unlink()
    (worktree / "frontend" / "node_modules").unlink()
    (worktree / "frontend" / ".env").write_text("VITE_API_URL=mine\n")

    running.inv("session.resume")

    assert (worktree / "backend" / ".env").read_bytes() == (running.main / "backend" / ".env").read_bytes()
    assert (worktree / "frontend" / "node_modules" / "left-pad").is_dir()
    assert (worktree / "frontend" / ".env").read_text() == "VITE_API_URL=mine\n"


def test_a_file_of_values_that_vanished_comes_back_with_its_values(running: Project) -> None:
    (running.worktree("x") / "frontend" / ".env").unlink()

    running.inv("session.resume")

    url = f"http://localhost:{running.row('x')['backend_port']}"
    assert url in (running.worktree("x") / "frontend" / ".env").read_text()
