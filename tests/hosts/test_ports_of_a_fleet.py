"""Hosts with every port of their own, in network namespaces: what two sessions of a fleet must not share."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from testing.hosts import Fleet
from testing.project import INV, eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")

_PAGE = """from http.server import BaseHTTPRequestHandler, HTTPServer
class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{name}")
    def log_message(self, *_words): pass
HTTPServer(("127.0.0.1", {port}), Page).serve_forever()
"""


def _forward(fleet: Fleet, name: str) -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    return subprocess.Popen([INV, "fleet.forward", name], cwd=fleet.here.main, stderr=pipe, stdout=pipe, text=True)


def _page(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def _said(process: "subprocess.Popen[str]", words: str) -> str:
    """Return what *process* says until a line has the *words*."""
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if words in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


@pytest.mark.slow
def test_two_sessions_on_two_hosts_are_forwarded_at_once_with_their_own_numbers(apart: Fleet) -> None:
    here = apart.here
    here.configure("session: {windows: []}\n")
    here.inv("session.add", "local")
    for name, host in (("x", "alpha"), ("y", "beta")):
        here.inv("fleet.add", name, "--host", host, "--bare")
    places = {"x": apart.alpha, "y": apart.beta}
    ports = {name: apart.session(name)["ports"] for name in places}
    assert all(isinstance(each, dict) for each in ports.values())
    numbers = [port for each in ports.values() for port in each.values()]  # type: ignore[attr-defined]
    assert len({*numbers, *here.listed("local")["ports"].values()}) == 6, "every port is in the fleet once"
    backend = {name: int(each["backend_port"]) for name, each in ports.items()}  # type: ignore[index]
    for name, machine in places.items():
        page = machine.top / "page.py"
        page.write_text(_PAGE.format(name=name, port=backend[name]))
        log = f"HOME={machine.home} nohup {sys.executable} {page} >/dev/null 2>&1 &"
        apart.ssh(machine, log)

    forwards = {name: _forward(apart, name) for name in places}
    try:
        for name, each in forwards.items():
            _said(each, "Forwarding. Press ^C to stop.")
            eventually(lambda name=name: _page(backend[name]) == name)  # type: ignore[misc]

        refused = here.inv("fleet.forward", "x", code=1).err
        assert f"backend_port {backend['x']}: process " in refused
        assert "End what has them, then run: inv fleet.forward x" in refused

        _taken_while_the_line_is_down(apart, forwards["x"], backend["x"])
    finally:
        for each in forwards.values():
            each.send_signal(signal.SIGINT)
            each.communicate(timeout=60)
        assert [each.returncode for each in forwards.values()] == [0, 0]
    assert _page(backend["x"]) == ""


def _taken_while_the_line_is_down(fleet: Fleet, forwarding: "subprocess.Popen[str]", port: int) -> None:
    """Take the *port* of x as soon as its line drops: the program is named, and its page is not taken for that of x."""
    assert fleet.alpha.cut()
    _said(forwarding, "dropped. Trying again")
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", port))
        thief.listen(1)
        said = _said(forwarding, "while the connection was down")
    assert f"backend_port {port} of x was taken by" in said
    assert f"process {os.getpid()} (" in said
    _said(forwarding, "Forwarding again.")
    eventually(lambda: _page(port) == "x")


@pytest.mark.slow
def test_a_port_of_a_session_on_a_host_is_no_port_of_one_here(apart: Fleet) -> None:
    here = apart.here
    here.configure("session: {windows: []}\n")
    here.inv("fleet.add", "x", "--host", "alpha", "--bare")
    apart.alpha.stop()
    here.inv("session.add", "local", "--bare")
    there = json.loads((apart.alpha.main / ".tally-sessions").read_text())["x"]
    assert there["backend_port"] != here.row("local")["backend_port"], "it is remembered, though the host is off"
