"""Servers that outlive their tmux session: named, and ended before another one starts on their port."""

import os
import subprocess
import sys

import psutil
import pytest

from testing import port_slot
from testing.project import Project, eventually
from testing.terminal import enter, tmux, windows

_SERVE = """import http.server, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
_CONFIGURED = (
    "session: {copy: [], link: [], env: {}, ports: {web_port: PORT},"
    " windows: [{name: web, run: 'python serve.py {web_port}'}]}\n"
)


@pytest.fixture
def outlived(project: Project) -> tuple[Project, psutil.Process]:
    """Return the project whose session x has lost its tmux server, but not its web server, and that."""
    (project.main / "serve.py").write_text(_SERVE)
    project.git("add", "serve.py")
    project.configure(_CONFIGURED.replace("PORT", str(8000 + port_slot.own())))
    project.inv("session.add", "x", "--wait")
    port = project.row("x")["web_port"]
    tmux("kill-server")
    eventually(lambda: project.listed("x")["status"] == "stopped")
    (server,) = [each for each in psutil.process_iter(["cmdline"]) if _serves(each, port)]
    assert server.is_running()
    return project, server


def _serves(process: psutil.Process, port: int) -> bool:
    return (process.info["cmdline"] or [])[-2:] == ["serve.py", str(port)]


def test_it_is_named_and_resume_ends_it_instead_of_starting_beside_it(outlived: tuple[Project, psutil.Process]) -> None:
    project, server = outlived
    port = project.row("x")["web_port"]

    listed = " ".join(project.inv("session.list").err.split())
    assert f"x is stopped, but its process {server.pid}" in listed
    assert f"on {port} is still running" in listed and "inv session.stop x" in listed
    (problem,) = project.inv("session.doctor", "--json", code=1).json
    assert problem["problem"].startswith(f"process {server.pid} (") and problem["fix"] == "inv session.stop x"
    said = " ".join(project.inv("session.resume", "x", "--wait").err.split())

    assert f"x: ended process {server.pid}" in said
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
    assert project.listed("x")["status"] == "running"


def test_a_stranger_on_the_port_is_named_and_left_alone(outlived: tuple[Project, psutil.Process]) -> None:
    project, server = outlived
    port = project.row("x")["web_port"]
    server.kill()
    server.wait(10)
    other = subprocess.Popen([sys.executable, "-c", _SERVE, str(port)], cwd="/", env=_foreign())
    eventually(lambda: project.listed("x")["foreign"])

    said = " ".join(project.inv("session.resume", "x").err.split())

    assert f"x: port {port} is used by process {other.pid}" in said and "isn't its own" in said
    assert other.poll() is None
    other.kill()
    other.wait(10)


def _foreign() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("TALLY_")}


def test_a_server_in_an_open_window_is_left_alone_however_its_port_is_written(project: Project) -> None:
    (project.main / "serve.py").write_text(_SERVE.replace("int(sys.argv[1])", "int(sys.argv[1][7:])"))
    (project.main / "job.py").touch()
    project.git("add", "serve.py", "job.py")
    windows = "[{name: web, run: 'python serve.py --port={web_port}'}, {name: job, run: 'python job.py'}]"
    configured = _CONFIGURED.replace("[{name: web, run: 'python serve.py {web_port}'}]", windows)
    project.configure(configured.replace("PORT", str(8000 + port_slot.own())))
    project.inv("session.add", "x")
    port = project.row("x")["web_port"]
    eventually(lambda: str(port) in str(project.listed("x")["answering"]))
    eventually(lambda: "window job" in str(project.inv("session.doctor", "--json", code=None).json))

    said = project.inv("session.resume", "x").err

    assert "ended process" not in said and "isn't its own" not in said
    assert str(port) in str(project.listed("x")["answering"])


def test_a_port_that_another_process_has_than_the_ended_server_is_not_called_up(project: Project) -> None:
    (project.main / "serve.py").write_text(_SERVE)
    project.git("add", "serve.py")
    project.configure(_CONFIGURED.replace("PORT", str(8000 + port_slot.own())))
    project.inv("session.add", "x", "--wait")
    port, pane = project.row("x")["web_port"], windows("tally-x")["web"]
    tmux("send-keys", "-t", pane, "C-c")
    eventually(lambda: project.listed("x")["answering"] == [])
    marked = {**_foreign(), "TALLY_SESSION": str(project.worktree("x"))}
    other = subprocess.Popen([sys.executable, "-c", _SERVE, str(port)], env=marked, start_new_session=True)
    eventually(lambda: project.listed("x")["displaced"])

    listed = project.inv("session.list")

    assert f"{port} other process" in listed.out and "partial" in listed.out
    assert f"the server for port {port} ended in its window, and process {other.pid} (" in " ".join(listed.err.split())
    assert f"(other process, by process {other.pid}" in project.inv("session.show", "x").out
    other.kill()
    other.wait(10)
    enter(pane, f"python serve.py {port} &")  # in the window, though behind its prompt
    eventually(lambda: project.listed("x")["answering"] == [port])
    assert project.listed("x")["displaced"] == {}
    enter(pane, "kill %1")
