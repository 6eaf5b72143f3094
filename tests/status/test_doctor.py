"""What doctor finds, what it mends, and whose process answers on a port."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tasks.resources import window_programs
from tasks.status import orphans
from testing import opened, sessions
from testing.project import Project, eventually
from testing.terminal import enter, tmux, windows

_SERVE = """import http.server, sys
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.BaseHTTPRequestHandler).serve_forever()
"""


@pytest.fixture
def healthy(project: Project) -> Project:
    """Return the project with the session x, everything of which runs."""
    project.inv("session.add", "x")
    eventually(lambda: project.listed("x")["status"] == "running")
    return project


def _found(project: Project) -> list[str]:
    said = project.inv("session.doctor", "--json", code=None)
    found = [each["problem"] for each in json.loads(said.out)]
    assert said.code == (1 if found else 0)
    return found


def _stranger(port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _SERVE, str(port)], cwd="/")


def test_nothing_is_wrong_with_a_session_that_runs_or_was_stopped(healthy: Project) -> None:
    assert _found(healthy) == []

    healthy.inv("session.stop", "x")

    assert _found(healthy) == []
    assert healthy.inv("session.doctor").out == "No problems.\n"


def test_a_program_that_no_new_shell_finds_is_told_with_what_makes_it_found(project: Project) -> None:
    project.configure("session: {windows: [{name: backend, run: no-such-python serve}]}\n")
    project.inv("session.add", "x")
    eventually(lambda: "no-such-python" in project.inv("session.doctor", "--json", code=1).json[0]["why"])

    (told,) = project.inv("session.doctor", "--json", code=1).json

    assert told["why"].endswith("command not found")
    assert "inv session.resume x; or set `activate`" in told["fix"]


@pytest.mark.parametrize(
    ("said", "hinted"),
    [
        ("-bash: python: command not found", True),
        ("zsh: command not found: python", True),
        ("sh: 1: python: not found", True),
        ("fish: Unknown command: python", True),
        ("sh: 1: vite: not found", False),
        ("KeyboardInterrupt", False),
    ],
)
def test_only_the_windows_own_program_counts_as_not_found(said: str, hinted: bool) -> None:
    assert window_programs._not_found("python", said) is hinted


@pytest.mark.slow
def test_a_server_that_ended_is_found_and_mended(healthy: Project) -> None:
    pane = windows("tally-x")[f"backend:{healthy.row('x')['backend_port']}"]
    tmux("send-keys", "-t", pane, "C-c")
    eventually(lambda: healthy.listed("x")["status"] == "partial")

    found = healthy.inv("session.doctor", "--json", code=1).json
    (told,) = (each for each in found if each["problem"].startswith("nothing runs in window backend"))
    assert told["why"] == "its server ended; it printed last: KeyboardInterrupt"
    assert told["fix"].startswith("inv session.logs x --window backend:")
    assert "\nnext       inv session.start x --wait " in healthy.inv("session.show", "x").out
    assert "partial" not in (said := healthy.inv("session.resume").out)
    assert "x is running (started 1 window)." in said or "Started x (1 window)." in said
    assert said.splitlines()[-1] == "Next: inv session.list"
    eventually(lambda: healthy.listed("x")["status"] == "running")
    assert healthy.inv("session.start", "x").out.startswith("x is already running.\n")
    assert healthy.inv("session.start", "x", "--wait").out.startswith("name ")
    tmux("send-keys", "-t", pane, "C-c")
    eventually(lambda: healthy.listed("x")["status"] == "partial")
    healthy.inv("session.doctor", "--fix")

    eventually(lambda: healthy.listed("x")["status"] == "running")


def test_what_is_missing_or_dangles_is_found(healthy: Project) -> None:
    (healthy.worktree("x") / "backend" / "db.sqlite3").unlink()
    shutil.move(healthy.main / "frontend" / "node_modules", healthy.main / "frontend" / "elsewhere")

    found = _found(healthy)

    assert "backend/db.sqlite3 is missing" in found
    assert "frontend/node_modules is a dangling link" in found


def test_a_worktree_that_is_gone_is_one_problem_and_fix_starts_nothing_there(healthy: Project) -> None:
    tmux("send-keys", "-t", windows("tally-x")[f"backend:{healthy.row('x')['backend_port']}"], "C-c")
    eventually(lambda: healthy.listed("x")["status"] == "partial")
    shutil.rmtree(healthy.worktree("x"))
    (fact,) = _found(healthy)

    said = healthy.inv("session.doctor", "--fix", code=1)

    assert fact == f"the worktree {healthy.worktree('x')} is gone"
    assert (said.out + said.err).count(fact) == 1


def test_a_lock_file_that_differs_is_found(healthy: Project) -> None:
    (healthy.main / "frontend" / "package-lock.json").write_text("{}")
    (healthy.worktree("x") / "frontend" / "package-lock.json").write_text('{"other": 1}')

    assert any("package-lock.json differs" in each for each in _found(healthy))


def test_an_editable_install_of_the_main_checkout_is_found(project: Project) -> None:
    packages = project.main / ".venv" / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    (project.main / ".venv" / "bin").mkdir()
    (project.main / ".venv" / "bin" / "activate").write_text("")
    (packages / "__editable__.tally.pth").write_text(f"{project.main}/backend\n")
    (packages / "__editable___named_finder.py").write_text(f"MAPPING: dict = {{'named': '{project.main}/frontend'}}\n")
    project.inv("session.add", "x")

    assert [each for each in _found(project) if "makes Python import" in each] == [
        f"__editable___named_finder.py makes Python import {project.main}/frontend"
    ]
    assert project.row("x")["python_path"] == ["backend"]


def test_what_a_session_that_is_gone_left_is_found_and_ended(healthy: Project) -> None:
    neighbour = healthy.inv("session.add", "y")
    assert neighbour.code == 0
    rows = json.loads((healthy.main / ".tally-sessions").read_text())
    del rows["x"]
    (healthy.main / ".tally-sessions").write_text(json.dumps(rows))
    healthy.git("worktree", "remove", "--force", str(healthy.worktree("x")))

    assert any("tmux session tally-x belongs to no session" in each for each in _found(healthy))
    fixed = healthy.inv("session.doctor", "--fix", code=None)

    assert "  fixed      tmux session tally-x belongs to no session\n" in fixed.err
    assert "tally-x" not in tmux("list-sessions", "-F", "#{session_name}").splitlines()
    eventually(lambda: healthy.listed("y")["status"] == "running")


def test_what_another_repository_left_is_left_to_its_own_doctor(healthy: Project, tmp_path: Path) -> None:
    elsewhere = str(tmp_path / "other" / "worktree-x")
    foreign = subprocess.Popen(["sleep", "60"], env={**os.environ, "TALLY_SESSION": elsewhere})
    beside = {**os.environ, "TALLY_SESSION": str(healthy.top / "tally-gone")}
    left = subprocess.Popen(["sleep", "60"], env=beside)
    try:
        assert _found(healthy) == [f"process {left.pid} belongs to no session"]
        healthy.inv("session.doctor", "--fix")
        assert left.wait(5) < 0
        assert foreign.poll() is None
    finally:
        for process in (foreign, left):
            process.kill()
            process.wait()


def test_an_interrupted_removal_is_finished(healthy: Project) -> None:
    rows = json.loads((healthy.main / ".tally-sessions").read_text())
    rows["x"]["state"] = "removing"
    (healthy.main / ".tally-sessions").write_text(json.dumps(rows))

    assert _found(healthy) == ["it is removing"]
    healthy.inv("session.doctor", "--fix")

    assert not healthy.worktree("x").exists()


def test_a_stranger_on_a_port_is_named_and_survives_stop(healthy: Project) -> None:
    port = healthy.row("x")["backend_port"]
    pane = windows("tally-x")[f"backend:{port}"]
    tmux("send-keys", "-t", pane, "C-c")
    eventually(lambda: port not in healthy.listed("x")["answering"])
    stranger = _stranger(port)
    try:
        eventually(lambda: str(port) in healthy.listed("x")["foreign"])

        listed = healthy.listed("x")

        assert listed["status"] == "partial"
        assert f"process {stranger.pid} (" in listed["foreign"][str(port)]
        assert "taken" in healthy.inv("session.list").out
        assert f"taken, by process {stranger.pid}" in healthy.inv("session.show", "x").out
        assert any(f"port {port} is answered by process {stranger.pid}" in each for each in _found(healthy))
        healthy.inv("session.stop", "x")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_server_that_was_started_by_hand_in_the_worktree_is_the_sessions(healthy: Project) -> None:
    healthy.inv("session.stop", "x")
    port = healthy.row("x")["backend_port"]
    own = subprocess.Popen([sys.executable, "-c", _SERVE, str(port)], cwd=healthy.worktree("x"))
    try:
        eventually(lambda: port in healthy.listed("x")["answering"])
    finally:
        own.kill()
        own.wait()


def test_a_missing_program_is_found(healthy: Project) -> None:
    tools = healthy.top.parent / "tools"
    tools.mkdir()
    for directory in os.environ["PATH"].split(os.pathsep):
        for program in Path(directory).glob("*"):
            if program.name != "claude" and not (tools / program.name).is_symlink():
                (tools / program.name).symlink_to(program)

    said = healthy.inv("session.doctor", env={"PATH": str(tools)}, code=1)

    assert "claude is missing" in said.out


def test_a_window_of_ours_in_which_somebody_types_is_left_alone(healthy: Project) -> None:
    pane = windows("tally-x")["shell"]
    enter(pane, "sleep 1000")

    healthy.inv("session.doctor", "--fix")

    assert tmux("display-message", "-p", "-t", pane, "#{pane_current_command}") == "sleep"


def test_a_process_that_ends_by_itself_meanwhile_is_no_failure() -> None:
    process = subprocess.Popen(["true"])
    seen = psutil.Process(process.pid)
    process.wait()

    orphans._kill(seen)


def test_a_removed_session_whose_record_is_damaged_is_named_with_where_its_files_are(sandbox: Path) -> None:
    project = sessions.repository(sandbox / "dev" / "tally", {"a": "1\n"})
    (sessions.add(project, "x") / "mine").write_text("precious")
    project.inv("session.remove", "x", "--force")
    (row,) = (project.main / ".git" / "tally-sessions" / "removed" / "x").glob("*/row.json")
    row.write_text("{")

    (problem,) = project.inv("session.doctor", "--json", code=1).json

    assert problem["problem"] == f"{row} is damaged"
    assert str(row.parent) in problem["fix"]
    assert "What was removed is still in" in project.inv("session.restore", "x", code=1).err
    assert (row.parent / "tree" / "mine").read_text() == "precious"


def test_a_session_that_may_not_start_is_not_called_none(project: Project, sandbox: Path) -> None:
    project.inv("session.add", "x")
    project.inv("session.stop", "x")
    (sandbox / "state" / "tally-sessions").chmod(0o770)

    said = project.inv("session.start", "x", code=1)

    assert "Other users may write to" in said.err
    assert "no sessions" not in said.out


@pytest.mark.parametrize("above", [False, True])
def test_a_state_directory_that_others_may_write_to_is_named_with_what_closes_it(sandbox: Path, above: bool) -> None:
    project = sessions.repository(sandbox / "dev" / "tally", {"a": "1\n"})
    sessions.add(project, "x")
    place = sandbox / "state" / "tally-sessions"
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o700)
    (place.parent if above else place).chmod(0o707)

    found = project.inv("session.doctor", "--json", code=1).json

    (problem,) = [each for each in found if "may write to" in each["problem"]]
    writable = place.parent if above else place
    assert problem["problem"] == f"Other users may write to {writable}, so it can't be trusted"
    subprocess.run(problem["fix"], shell=True, check=True)
    assert project.inv("session.doctor").out == "No problems.\n"


def test_what_an_archive_says_of_itself_is_read_once(sandbox: Path) -> None:
    project = sessions.repository(sandbox / "dev" / "tally", {"a": "1\n"})
    for name in ("x", "y"):
        sessions.add(project, name)
        project.inv("session.remove", name, "--force")
    log = sandbox / "opened"

    project.inv(str(log), "session.doctor", program=str(opened.__file__))

    assert log.read_text().count("/row.json\n") == 2


def test_fix_sets_the_sessions_values_in_an_env_file_and_leaves_every_other_line(project: Project) -> None:
    project.configure(
        "session: {windows: [], copy: [frontend/.env], env: {frontend/.env: {VITE_API_URL: own, B: b}}}\n"
    )
    project.inv("session.add", "x")
    file = project.worktree("x") / "frontend" / ".env"
    file.write_text("# by hand\nSECRET = 'x y'\n\nB=other # mine\n")

    (problem,) = project.inv("session.doctor", "--json", code=1).json
    fixed = project.inv("session.doctor", "--fix").err

    assert problem["problem"] == "frontend/.env has another value for B, and none for VITE_API_URL"
    assert file.read_text() == "# by hand\nSECRET = 'x y'\n\nB=b # mine\nVITE_API_URL=own\n"
    assert "x: set VITE_API_URL, B in frontend/.env; its other lines are unchanged" in fixed


def test_a_configuration_that_is_refused_is_a_problem(project: Project) -> None:
    project.configure("session:\n  windows: [{name: a, run: b, healht: /}]\n")

    (problem,) = [each for each in project.inv("session.doctor", "--json", code=1).json if "healht" in each["problem"]]

    assert 'Did you mean "health"?' in problem["problem"] and problem["why"] == "sessions can't be added with it"
