"""The screen with the sessions of all machines, in a real terminal."""

import sys

import pytest

from testing.hosts import Fleet
from testing.project import INV, eventually
from testing.terminal import screen, tmux

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="how to start a second sshd was tried on Linux only")


@pytest.mark.slow
def test_it_shows_every_machine_and_attaches_to_the_chosen_session(ready: Fleet) -> None:
    here = ready.here
    here.configure("session: {windows: [{name: shell}]}\n")
    here.inv("session.add", "local")
    here.inv("fleet.add", "x", "--host", "alpha")
    assert "fleet.watch needs a terminal.\nRun: inv fleet.list" in here.inv("fleet.watch", code=1).err

    command = f"{INV} fleet.watch --interval 1; echo left; sleep 1000"
    pane = tmux("new-session", "-d", "-P", "-F", "#{pane_id}", "-x", "140", "-y", "20", "-c", str(here.main), command)
    eventually(lambda: "2 sessions on 3 machines" in screen(pane))
    shown = screen(pane)
    assert [line.split()[:2] for line in shown.splitlines() if line.strip().startswith(("here", "alpha", "beta"))] == [
        ["here", "local"], ["alpha", "x"], ["beta", "-"]
    ]  # fmt: skip
    assert "owner" in shown

    tmux("send-keys", "-t", pane, "j")
    eventually(lambda: "inv fleet.forward x" in screen(pane))
    here.inv("fleet.add", "y", "--host", "beta", "--bare")
    eventually(lambda: "3 sessions on 3 machines" in screen(pane))
    assert "inv fleet.forward x" in screen(pane), "the chosen one stays that"
    tmux("send-keys", "-t", pane, "Enter")
    eventually(lambda: "[tally-x]" in screen(pane))


@pytest.mark.slow
def test_it_ends_without_a_choice(ready: Fleet) -> None:
    ready.here.configure("session: {windows: []}\n")
    ready.beta.stop()
    command = f"{INV} fleet.watch; echo left; sleep 1000"
    place = str(ready.here.main)
    pane = tmux("new-session", "-d", "-P", "-F", "#{pane_id}", "-x", "140", "-y", "20", "-c", place, command)
    eventually(lambda: "no answer" in screen(pane))
    tmux("send-keys", "-t", pane, "q")
    eventually(lambda: "left" in screen(pane))
