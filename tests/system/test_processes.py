"""Processes that outlive their window hold its port: `stop` and `remove` end them, and no others."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tasks.model import Session
from tasks.system import processes
from testing import sessions
from testing.project import Project, eventually
from testing.terminal import enter, panes, runs, shows, windows

# What `setsid` does, which macOS lacks.
_APART = "python -c 'import os, sys; os.fork() and os._exit(0); os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])'"
_STUBBORN = """import pathlib, signal, sys, time
for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(600)
"""


@pytest.fixture
def unrelated(sandbox: Path, stubborn: Path) -> Iterator[psutil.Process]:
    """Return a process with the same command that belongs to no session."""
    running = subprocess.Popen([sys.executable, str(stubborn), str(sandbox / "begun-alone")])
    eventually((sandbox / "begun-alone").exists)
    yield psutil.Process(running.pid)
    running.kill()
    running.wait()


@pytest.fixture
def stubborn(sandbox: Path) -> Path:
    """Return a program that ignores every request to end, and touches its argument once it does."""
    program = sandbox / "stubborn.py"
    program.write_text(_STUBBORN)
    return program


def _begin(session: str, command: str, begun: Path) -> psutil.Process:
    """Run *command* in the background of the shell window; return its process, found by its argument *begun*."""
    pane = windows(session)["shell"]
    shows(pane, "$")
    enter(pane, f"{command} {begun} > /dev/null 2>&1 &")
    eventually(begun.exists)
    return next(p for p in psutil.process_iter() if str(begun) in _words(p) and "python" in _words(p)[0])


def _lives(process: psutil.Process) -> bool:
    """Return whether it runs; one that ended is gone only once its parent has asked."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() or [""]
    except psutil.Error:
        return [""]


def test_what_outlives_its_window_is_ended_and_nothing_else(
    project: Project, sandbox: Path, stubborn: Path, unrelated: psutil.Process
) -> None:
    for name in ("x", "x-2"):
        project.inv("session.add", name)
    command = f"python {stubborn}"
    ours = [
        _begin("tally-x", command, sandbox / "begun-1"),
        _begin("tally-x", f"{_APART} nohup {command}", sandbox / "begun-2"),
        _begin("tally-x", f"cd / && {command}", sandbox / "begun-3"),
    ]
    neighbour = _begin("tally-x-2", command, sandbox / "begun-4")

    project.inv("session.remove", "x")

    assert [_lives(process) for process in ours] == [False] * 3
    assert _lives(neighbour)
    assert _lives(unrelated)
    assert project.listed("x-2")["status"] in ("running", "partial")


def test_a_servers_reloader_is_ended_with_it(project: Project) -> None:
    project.inv("session.add", "x")
    port = project.row("x")["backend_port"]
    pane = windows("tally-x")["shell"]
    runs(project, "x")
    enter(pane, f"cd backend; {_APART} nohup python manage.py {port + 20000} > /dev/null 2>&1 &")
    eventually(lambda: any(str(port + 20000) in _words(process) for process in psutil.process_iter()))

    project.inv("session.stop", "x")

    assert project.listed("x")["answering"] == []
    assert not any(str(port + 20000) in _words(process) for process in psutil.process_iter())


def test_what_a_shell_begins_while_its_session_is_removed_is_ended(project: Project) -> None:
    window = "{name: backend, dir: backend, run: 'exec nohup python manage.py {backend_port}'}"
    project.configure(f"session: {{activate: 'sleep 30; true', windows: [{window}]}}\n")
    before = project.world()
    project.inv("session.add", "x")
    eventually(lambda: "sleep" in panes("tally-x", "#{pane_current_command}"))

    project.inv("session.remove", "x")  # which ends the sleep, and thereby begins the server

    assert project.world() == before


_RECORDS = {"": False, '{"kind": "interactive"}': False, '{"kind": "bg"}': True}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere psutil alone knows")
@pytest.mark.parametrize("record", _RECORDS)
def test_psutil_is_asked_only_where_it_may_find_a_process(
    project: Project, sandbox: Path, stubborn: Path, monkeypatch: pytest.MonkeyPatch, record: str
) -> None:
    worktree = sessions.add(project, "x")
    asked, config = list[str](), sandbox / "config"
    (config / "sessions").mkdir(parents=True)
    if record:
        (config / "sessions" / "1.json").write_text(record)

    def ask(session: Session) -> Iterator[psutil.Process]:
        asked.append(session.name)
        return iter(())

    monkeypatch.setattr(processes, "session_processes", ask)
    environment = {**os.environ, "CLAUDE_CONFIG_DIR": str(config), "TALLY_SESSION": f"{worktree}-2"}
    with subprocess.Popen([sys.executable, str(stubborn), str(sandbox / "begun")], env=environment) as neighbour:
        read = processes._read_environment  # of no other process on this machine
        monkeypatch.setattr(processes, "_read_environment", lambda pid: read(pid) if int(pid) == neighbour.pid else b"")
        try:
            eventually((sandbox / "begun").exists)
            processes.end_processes(sessions.all_of(project)[0])
        finally:
            neighbour.kill()

    assert bool(asked) is _RECORDS[record]
