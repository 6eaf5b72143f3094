"""The windows of a session: names, order, directories, and what was typed into them."""

import json
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from tasks.errors import SessionError
from tasks.model import Repository, Session, Window
from tasks.resources import tmux_session as tmux_resource
from testing.project import Project, eventually, make
from testing.terminal import enter, panes, runs, screen, shows, tmux, windows

_PARENTS = {
    "CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "parent", "CLAUDE_CODE_CHILD_SESSION": "1",
    "CLAUDE_CODE_ENTRYPOINT": "cli", "VIRTUAL_ENV": "/nowhere", "GIT_DIR": "/nowhere", "TALLY_PROFILE": "parent",
    "MAKEFLAGS": " -- component=server name=x", "MAKEOVERRIDES": "${-*-command-variables-*-}", "MAKELEVEL": "1",
}  # fmt: skip


def _calls(sandbox: Path) -> list[Any]:
    log = sandbox / "bin" / "claude.log"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def _fetched(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as answer:
        return str(answer.read().decode())


def _is_active(shell: int) -> bool:
    """Return whether the process *shell* started one program, with x in its variable ACTIVE."""
    return [child.environ().get("ACTIVE") for child in psutil.Process(shell).children()] == ["x"]


def _directories(session: str, worktree: Path) -> list[str]:
    return [str(Path(path).relative_to(worktree)) for path in panes(session, "#{pane_current_path}")]


def test_points_has_its_five_windows_in_order_and_place(project: Project) -> None:
    project.inv("session.add", "x")

    row, worktree = project.row("x"), project.worktree("x")
    names = [f"backend:{row['backend_port']}", f"frontend:{row['frontend_port']}", "claude", "shell", "cli"]
    assert panes("tally-x", "#{window_name}") == names
    eventually(lambda: _directories("tally-x", worktree) == ["backend", "frontend", ".", ".", "."])
    assert panes("tally-x", "#{window_active}") == ["1", "0", "0", "0", "0"]
    assert tmux("display-message", "-p", "-t", "=tally-x:", "#{status-left-length}") == "40"
    runs(project, "x")
    assert "clear; " not in screen(windows("tally-x")[names[0]])  # what was typed is not left on it


def test_the_name_of_a_window_is_no_format_of_tmux_which_could_run_commands(project: Project) -> None:
    project.configure("session: {ports: {}, windows: [{name: 'a#S'}, {name: 'b#(date)'}], env: {}}\n")
    project.inv("session.add", "x")
    tmux("kill-window", "-t", windows("tally-x")["b#(date)"])

    project.inv("session.resume", "x")

    assert panes("tally-x", "#{window_name}") == ["a#S", "b#(date)"]


def test_a_tmux_session_that_ends_meanwhile_is_told(sandbox: Path) -> None:
    repository = Repository(sandbox, sandbox / ".git")
    session = Session("x", "x", repository, sandbox / "x", "x", {}, "tally-x", windows=(Window("shell"),))

    with pytest.raises(SessionError, match="couldn't open the windows shell: tally-x has just ended"):
        tmux_resource._open_missing(session, {})


def test_tally_has_its_three_windows_and_one_database_for_all(project: Project) -> None:
    project.configure("session: {preset: tally}\n")

    project.inv("session.add", "x")

    worktree = project.worktree("x")
    assert panes("tally-x", "#{window_name}") == ["backend", "frontend", "claude"]
    eventually(lambda: _directories("tally-x", worktree) == ["backend", "frontend", "."])
    assert (worktree / "backend" / "db.sqlite3").readlink() == project.main / "backend" / "db.sqlite3"
    assert project.git("status", "--porcelain", cwd=worktree) == ""


def test_what_the_cli_window_shows_was_typed_and_not_executed(project: Project) -> None:
    project.inv("session.add", "x")
    pane = windows("tally-x")["cli"]

    shows(pane, "python backend/manage.py")
    assert screen(pane).count("python backend/manage.py") == 1
    enter(pane, "; echo gone-$((40 + 2))")
    shows(pane, "gone-42")  # only now did it run, and manage.py missed its port


def test_each_server_answers_on_its_own_port_from_its_own_worktree(project: Project) -> None:
    for name in ("x", "y"):
        project.inv("session.add", name)
        for place in ("backend", "frontend"):
            (project.worktree(name) / place / "who.txt").write_text(f"{name} {place}")
    for name in ("x", "y"):
        runs(project, name)

        found = [_fetched(project.row(name)[f"{place}_port"], "who.txt") for place in ("backend", "frontend")]

        assert found == [f"{name} backend", f"{name} frontend"]


def test_a_new_conversation_starts_under_its_id_and_name_in_the_worktree(project: Project, sandbox: Path) -> None:
    project.inv("session.add", "feature/x", env=_PARENTS)
    eventually(lambda: _calls(sandbox))

    (call,) = _calls(sandbox)
    worktree = str(project.worktree("feature-x"))
    assert call["argv"][:4] == ["--session-id", project.row("feature/x")["conversation"], "-n", "tally-feature-x"]
    assert call["cwd"] == worktree
    assert call["env"]["TALLY_SESSION"] == worktree
    assert not set(_PARENTS) & set(call["env"])


def test_a_tmux_server_that_began_in_a_conversation_passes_none_of_it_on(
    project: Project, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    markers = [key for key in _PARENTS if key.startswith("CLAUDE")]
    with monkeypatch.context() as parent:
        for key in markers:
            parent.setenv(key, _PARENTS[key])
        tmux("new-session", "-d", "-s", "mine")

    project.inv("session.add", "x")
    eventually(lambda: _calls(sandbox))

    assert not set(markers) & set(_calls(sandbox)[0]["env"])


def test_a_window_has_its_ports_in_the_environment(project: Project) -> None:
    project.inv("session.add", "x")
    pane = windows("tally-x")["shell"]
    shows(pane, "$")

    enter(pane, 'echo "[$BACKEND_PORT $FRONTEND_PORT]"')

    row = project.row("x")
    shows(pane, f"[{row['backend_port']} {row['frontend_port']}]")


@pytest.mark.parametrize("preset", ["points", "tally"])
def test_activation_is_typed_first_in_every_window(project: Project, sandbox: Path, preset: str) -> None:
    project.configure(f'session: {{preset: {preset}, activate: "export ACTIVE={{slug}}; cd /"}}\n')

    project.inv("session.add", "x")

    if preset == "points":
        shows(windows("tally-x")["cli"], "python backend/manage.py")
        tmux("send-keys", "-t", windows("tally-x")["cli"], "C-u")
    for name, pane, pid in (line.split() for line in panes("tally-x", "#{window_name} #{pane_id} #{pane_pid}")):
        if name in ("shell", "cli"):
            enter(pane, "echo =$ACTIVE=")
            shows(pane, "=x=")
        else:
            eventually(partial(_is_active, int(pid)))
    eventually(lambda: [call["env"].get("ACTIVE") for call in _calls(sandbox)] == ["x"])
    assert _calls(sandbox)[0]["cwd"] == str(project.worktree("x"))  # although activation changed the directory


def test_a_window_whose_directory_is_missing_is_left_out_and_said(project: Project) -> None:
    project.git("rm", "-r", "--quiet", "frontend")
    project.git("commit", "--quiet", "-m", "no frontend")

    said = project.inv("session.add", "x")

    assert [name.split(":")[0] for name in windows("tally-x")] == ["backend", "claude", "shell", "cli"]
    assert "left out: frontend doesn't exist" in " ".join(said.err.split())


def test_a_mistake_in_tmux_conf_and_somebody_who_scrolled_back_keep_nothing_from_starting(
    project: Project, sandbox: Path
) -> None:
    (sandbox / "home" / ".tmux.conf").write_text("set -g no-such-option on\n")  # tmux shows it in the first window

    project.inv("session.add", "x", "--wait")
    pane = windows("tally-x")[f"backend:{project.row('x')['backend_port']}"]
    tmux("send-keys", "-t", pane, "C-c")
    eventually(lambda: project.listed("x")["status"] == "partial")
    tmux("copy-mode", "-t", pane)

    project.inv("session.resume", "x", "--wait")


@pytest.mark.slow
def test_where_the_locale_has_ascii_only_letters_in_paths_and_windows_are_read_as_they_are(sandbox: Path) -> None:
    project = make(sandbox / "jürgen" / "tally")
    project.configure("session: {windows: [{name: prüfen, run: sleep 99}, {name: shell}]}\n")
    bare = {"LC_ALL": "C"}

    project.inv("session.add", "x", env=bare)
    eventually(lambda: project.inv("session.list", "--json", env=bare).json[0]["status"] == "running")
    tmux("kill-window", "-t", "=tally-x:prüfen")
    project.inv("session.start", "x", env=bare)
    assert set(windows("tally-x")) == {"prüfen", "shell"}
    project.inv("session.remove", "x", env=bare)
