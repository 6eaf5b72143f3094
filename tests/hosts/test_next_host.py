"""A host that fails before anything is made there, one that answers late, and one that was rebooted."""

import os
import sys
from pathlib import Path

import pytest

from testing import hosts
from testing.hosts import Fleet

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="how to start a second sshd was tried on Linux only")


def _places(fleet: Fleet) -> list[str]:
    listed = fleet.here.inv("fleet.list", "--json").json
    return sorted(f"{each['name']} on {each['host']}: {each['status']}" for each in listed if "name" in each)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["it takes no commits", "it has no inv"])
def test_the_next_host_is_tried_where_one_fails_before_anything_was_made(ready: Fleet, fault: str) -> None:
    here, alpha = ready.here, ready.alpha
    here.configure("session: {windows: []}\n")
    here.inv("fleet.add", "first", "--host", "beta", "--bare")  # so that alpha has more room
    if fault == "it has no inv":
        ready.configure(alpha=hosts.entry("alpha", inv="/nowhere/inv"))
    else:
        (alpha.main / ".git" / "refs" / "tally").write_text("in the way of every ref below\n")

    said = here.inv("fleet.add", "x", "--bare").err

    assert "alpha" in said and "x is on beta." in said
    assert not alpha.main.with_name("tally-x").exists()
    there = here.inv("fleet.run", "x", "pwd").out.strip()
    assert there == str(ready.beta.main.with_name("tally-x"))
    assert "alpha" in here.inv("fleet.add", "y", "--host", "alpha", "--bare", code=1).err
    assert not ready.beta.main.with_name("tally-y").exists(), "a host that is named is the only one"


@pytest.mark.slow
def test_a_host_that_is_named_gets_its_whole_timeout(ready: Fleet) -> None:
    """Among others it is given up after two seconds, as if it was off, and not asked again at once."""
    config = Path(os.environ["HOME"]) / ".ssh" / "config"
    late = f"ProxyCommand sh -c 'sleep 4; exec ssh -W 127.0.0.1:{ready.beta.port} beta'"
    config.write_text(f"Host late\n  HostKeyAlias [127.0.0.1]:{ready.beta.port}\n  {late}\n" + config.read_text())
    ready.hosts.pop("beta")
    ready.configure(late=hosts.entry("late"))
    ready.here.configure("session: {windows: []}\n")
    found = {each["host"]: each.get("error", "") for each in ready.here.inv("fleet.list", "--json").json}
    assert "late: no answer within" in found["late"]

    assert "x is on late." in ready.here.inv("fleet.add", "x", "--host", "late", "--bare").err


@pytest.mark.slow
def test_all_sessions_of_a_host_that_was_rebooted_are_started_again(ready: Fleet) -> None:
    here = ready.here
    here.configure("session: {windows: [{name: shell}]}\n")
    for name, host in (("x", "alpha"), ("y", "alpha"), ("z", "beta")):
        here.inv("fleet.add", name, "--host", host)
    for machine in (ready.alpha, ready.beta):
        ready.ssh(machine, "tmux kill-server")
    assert _places(ready) == ["x on alpha: stopped", "y on alpha: stopped", "z on beta: stopped"]

    here.inv("fleet.resume", "--host", "alpha")
    assert _places(ready) == ["x on alpha: running", "y on alpha: running", "z on beta: stopped"]
    here.inv("fleet.resume")
    assert "z on beta: running" in _places(ready)
