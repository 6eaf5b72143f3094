"""Several people, labels, machines that are off, and hosts that no ssh reaches."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from testing import boxes, guard, hosts, spaces
from testing import engine as testing_engine
from testing.answers import check_answer
from testing.hosts import Fleet
from testing.project import CHECKOUT, INV, Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="how to start a second sshd was tried on Linux only")


def _names(fleet: Fleet) -> list[str]:
    listed = fleet.here.inv("fleet.list", "--json").json
    return [f"{each['name']} on {each['host']}" for each in listed if "name" in each]


def test_nobody_ends_the_session_of_somebody_else_unasked_and_what_was_removed_comes_back(ready: Fleet) -> None:
    here = ready.here
    here.configure("session: {windows: []}\n")
    ready.configure(alpha=hosts.entry("alpha", labels="[gpu]"))
    assert "Known labels: gpu" in here.inv("fleet.add", "x", "--label", "arm", code=1).err
    here.inv("fleet.add", "x", "--label", "gpu", "--bare")
    assert _names(ready) == ["x on alpha"]

    here.git("config", "user.name", "Somebody Else")
    for task in ("stop", "remove"):
        refused = here.inv(f"fleet.{task}", "x", code=1).err
        assert "x belongs to Test, not to you (Somebody Else). Ask Test first." in refused
        assert f"inv fleet.{task} x --yes" in refused
    assert "x belongs to Test" in here.inv("fleet.stop", "--all", code=1).err
    (ready.alpha.main.with_name("tally-x") / "untracked").write_text("mine")
    here.inv("fleet.remove", "x", "--yes", "--force")
    assert _names(ready) == []

    here.inv("fleet.restore", "x")
    assert (ready.alpha.main.with_name("tally-x") / "untracked").read_text() == "mine"
    assert _names(ready) == ["x on alpha"]
    assert "alpha" in here.inv("fleet.doctor").err
    assert 'No host has a removed session "y"' in here.inv("fleet.restore", "y", code=1).err


@pytest.mark.slow
def test_a_session_is_renamed_on_its_host_unless_a_machine_has_the_name(ready: Fleet) -> None:
    here = ready.here
    here.configure("session: {windows: []}\n")
    for name, where in (("x", "alpha"), ("taken", "beta")):
        here.inv("fleet.add", name, "--bare", "--host", where)
    here.inv("session.add", "own", "--bare")

    assert "beta has a session taken already" in here.inv("fleet.rename", "x", "taken", code=1).err
    assert "has a session own already" in here.inv("fleet.rename", "x", "own", code=1).err
    assert "Run: inv session.rename own y" in here.inv("fleet.rename", "own", "y", code=1).err
    assert "Run: inv fleet.rename OLD NEW" in here.inv("fleet.rename", "x", code=1).err
    assert 'No host has a session "nosuch"' in here.inv("fleet.rename", "nosuch", "y", code=1).err
    assert "Would rename x to y" in here.inv("fleet.rename", "x", "y", "--dry-run").out
    assert "x on alpha" in _names(ready)

    said = here.inv("fleet.rename", "x", "feature/y")

    assert "Renamed x to feature/y: branch feature/y" in said.out
    assert "feature/y on alpha" in _names(ready) and "x on alpha" not in _names(ready)
    assert ready.alpha.main.with_name("tally-feature-y").is_dir()
    assert here.inv("fleet.run", "feature/y", "git branch --show-current").out == "feature/y\n"
    here.inv("fleet.remove", "feature/y", "--force")


@pytest.mark.slow
def test_of_two_people_who_add_one_name_to_two_hosts_at_once_one_gets_it(ready: Fleet, sandbox: Path) -> None:
    here = ready.here
    here.configure("session: {windows: []}\n")
    colleague = Project(sandbox / "colleague" / "tally")
    colleague.main.parent.mkdir()
    here.git("clone", "--quiet", str(here.main), str(colleague.main))

    adding = [
        subprocess.Popen(
            [INV, "fleet.add", "x", "--host", host, "--bare"], cwd=project.main, stderr=subprocess.PIPE, text=True
        )
        for project, host in ((here, "alpha"), (colleague, "beta"))
    ]  # fmt: skip
    said = [each.communicate(timeout=300)[1] for each in adding]

    assert sorted(each.returncode for each in adding) == [0, 1], said
    assert "began to use the name x" in "".join(said) or "x is already on" in "".join(said)
    assert len(_names(ready)) == 1


@pytest.mark.slow
def test_a_session_that_was_stopped_stays_stopped_where_it_is_moved(ready: Fleet) -> None:
    here, there = ready.here, ready.alpha
    here.inv("session.add", "x")
    here.inv("session.stop", "x")

    moved = here.inv("fleet.move", "x", "--host", "alpha", "--json").json

    check_answer(moved, "fleet.move")
    assert (moved["from"], moved["host"]) == ("here", "alpha")
    assert _names(ready) == ["x on alpha"]
    assert ready.ssh(there, "tmux has-session -t =tally-x 2>/dev/null || echo stopped") == "stopped"
    here.inv("fleet.start", "x")
    assert ready.ssh(there, "tmux has-session -t =tally-x && echo runs") == "runs"


@pytest.mark.slow
def test_a_machine_that_is_off_is_started(ready: Fleet, sandbox: Path) -> None:
    here, alpha = ready.here, ready.alpha
    alpha.stop()
    sshd = f"/usr/sbin/sshd -f {alpha.top}/sshd_config"
    entry = hosts.entry("alpha", start=f"'touch {sandbox}/woken; {sshd}'")
    del ready.hosts["beta"]
    ready.configure(alpha=entry)
    here.configure("session: {windows: []}\n")
    try:
        assert "x is on alpha" in here.inv("fleet.add", "x", "--bare").err
        assert (sandbox / "woken").exists()
    finally:
        for process in psutil.process_iter(["cmdline"]):
            if f"{alpha.top}/sshd_config" in (process.info["cmdline"] or ()):
                process.kill()


@pytest.mark.skipif(not spaces.CAN, reason="only root on Linux can make network namespaces")
def test_a_host_behind_any_command_is_used_as_one_behind_ssh(apart: Fleet) -> None:
    machine = apart.alpha
    around = {"HOME": machine.home, "TMUX_TMPDIR": machine.top / "tmux", "XDG_STATE_HOME": machine.top / "state"}
    words = " ".join(f"{key}={value}" for key, value in around.items())
    boxes.use(apart, f"ip netns exec {machine.space} env {words}", str(machine.main))
    machine.stop()
    apart.here.inv("fleet.add", "x", "--bare")
    assert (machine.main.with_name("tally-x") / ".git").is_file()
    boxes.day(apart)


# What `kubectl exec` does with its words: all behind `--` runs as it is, without a shell; -t needs a terminal.
_KUBECTL = """#!/bin/sh
[ "$1" = --context ] && [ "$2" = "the team" ] && [ "$3" = exec ] || exit 90
case "$4" in -i) ;; -it) [ -t 0 ] || exit 91 ;; *) exit 92 ;; esac
[ "$5" = pod/box ] && [ "$6" = -- ] || exit 93
shift 6
{inside} "$@"
code=$?
[ $code = 0 ] || echo "command terminated with exit code $code" >&2
exit $code
"""


@pytest.mark.slow
@pytest.mark.skipif(not spaces.CAN, reason="only root on Linux can make network namespaces")
def test_a_host_behind_a_command_that_ends_in_two_dashes_is_used_as_well(apart: Fleet, sandbox: Path) -> None:
    machine = apart.alpha
    around = {"HOME": machine.home, "TMUX_TMPDIR": machine.top / "tmux", "XDG_STATE_HOME": machine.top / "state"}
    words = " ".join(f"{key}={value}" for key, value in around.items())
    program = sandbox / "bin" / "kubectl"
    program.write_text(_KUBECTL.format(inside=f"ip netns exec {machine.space} env {words}"))
    program.chmod(0o755)
    boxes.use(apart, 'kubectl --context "the team" exec -i pod/box --', str(machine.main))
    machine.stop()
    apart.here.inv("fleet.add", "x", "--bare")
    odd = "a  b 'c' \"d\" $HOME `e` \\\\ *"
    assert apart.here.inv("fleet.run", "x", shlex.join(["printf", "%s", odd])).out == odd
    boxes.day(apart)


@pytest.mark.slow  # without an engine: the two tests before it
def test_a_container_is_used_as_a_host(ready: Fleet, sandbox: Path) -> None:
    try:
        with testing_engine.running() as engine:
            guard.enter(sandbox)  # the engine's own was left when it had started
            _in_container(ready, engine, sandbox)
    except testing_engine.NoEngineError as error:
        pytest.skip(str(error))


def _in_container(fleet: Fleet, engine: testing_engine.Engine, sandbox: Path) -> None:
    """Make a container of an imported image, with this machine's programs and a HOME of its own."""
    machine = fleet.alpha
    places = {
        CHECKOUT,
        sandbox,
        Path(sys.base_prefix),
        Path(sys.prefix),
        *map(Path, ("/usr", "/bin", "/lib", "/lib64", "/etc")),
    }
    mounts = [word for place in places if place.exists() for word in ("-v", f"{place}:{place}")]
    around = {
        "HOME": machine.home, "TMUX_TMPDIR": machine.top / "tmux", "XDG_STATE_HOME": machine.top / "state",
        "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "SHELL": "/bin/bash",
    }  # fmt: skip
    variables = [word for key, value in around.items() for word in ("-e", f"{key}={value}")]
    engine.docker(
        "run", "-d", "--init", "--network=none", "--tmpfs", "/tmp/box", "--name", "box", *mounts, *variables,
        testing_engine.IMAGE, "sleep", "100000",
    )  # fmt: skip
    machine.stop()
    boxes.use(fleet, f"docker -H {engine.host} exec -i box", "~/dev/tally")
    fleet.here.inv("fleet.add", "x", "--bare")
    boxes.day(fleet)
