"""A host behind any command that gives a shell there, and what a person does with it in a day."""

import signal
import subprocess
import sys
import urllib.request

from testing.hosts import Fleet
from testing.project import INV, eventually
from testing.terminal import screen, tmux


def names(fleet: Fleet) -> list[str]:
    """Return the sessions of the fleet, each with its host."""
    listed = fleet.here.inv("fleet.list", "--json").json
    return [f"{each['name']} on {each['host']}" for each in listed if "name" in each]


def use(fleet: Fleet, via: str, path: str) -> None:
    """Have the fleet be one host, box, behind the prefix *via*."""
    fleet.here.configure("session: {windows: [{name: shell}]}\n")
    fleet.hosts.clear()
    fleet.configure(box=f"{{via: '{via}', path: {path}, python: {sys.executable}, inv: {INV}}}")


def day(fleet: Fleet) -> None:
    """Do with the session x what a person does: run, pull, push, remove."""
    here = fleet.here
    assert here.inv("fleet.run", "x", "echo out; echo err >&2; exit 3", code=3).out == "out\n"
    here.inv("fleet.run", "x", "echo new > new && git add new && git commit -qm there")
    assert "is now at" in here.inv("fleet.pull", "x").out
    assert here.git("log", "-1", "--format=%s", "x") == "there"
    assert "is already at" in here.inv("fleet.push", "x").out
    assert names(fleet) == ["x on box"]
    _attach_and_forward(fleet)
    assert here.inv("fleet.remove", "x", "--force").out.endswith("Undo: inv fleet.restore x\n")
    assert names(fleet) == []


def _attach_and_forward(fleet: Fleet) -> None:
    """Attach a terminal to the session x, and see a page of it through its port."""
    here = fleet.here
    here.inv("fleet.start", "x")
    tmux("new-session", "-d", "-x", "120", "-y", "30", "-c", str(here.main), f"{INV} fleet.attach x")
    eventually(lambda: "[tally-x]" in screen("%0"))
    tmux("kill-server")

    ports = fleet.session("x")["ports"]
    assert isinstance(ports, dict)
    port = ports["backend_port"]
    forwarding = subprocess.Popen(
        [INV, "fleet.forward", "x"], cwd=here.main, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        eventually(lambda: "manage.py" in _page(f"http://127.0.0.1:{port}/"))
    finally:
        forwarding.send_signal(signal.SIGINT)
        forwarding.communicate(timeout=60)
    assert forwarding.returncode == 0
    assert _page(f"http://127.0.0.1:{port}/") == ""


def _page(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""
