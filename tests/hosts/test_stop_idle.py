"""Machines that nobody uses are stopped by a command; one where anything is in use is not."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import psutil
import pytest

from tasks.commands import fleet_machines
from tasks.config.settings import parse_settings
from tasks.errors import CommandError, SessionError
from tasks.hosts import host as hosts_host
from tasks.hosts import stop_idle
from tasks.model import Repository
from tasks.status import idle as rests
from tasks.status import machine_use
from tasks.status.idle import Rest
from tasks.tools import tmux as tools_tmux
from testing import hosts
from testing.answers import check_answer
from testing.hosts import Fleet
from testing.project import INV, Project, eventually
from testing.terminal import tmux

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="how to start a second sshd was tried on Linux only")


@pytest.fixture
def idle(ready: Fleet, sandbox: Path) -> Iterator[Fleet]:
    """Return the fleet with a session x on alpha, which is stopped after two seconds and can be started again."""
    if any(not str(user.host).startswith(("tmux(", "127.", "localhost")) for user in psutil.users()):
        pytest.skip("somebody is logged in on this machine, which therefore counts as used")
    ready.here.configure("session: {windows: [{name: a, run: cat}, {name: shell}], ports: {}}\n")
    sshd = f"/usr/sbin/sshd -f {ready.alpha.top}/sshd_config"
    stop, start = f"'echo once >> {sandbox}/stopped'", f"'touch {sandbox}/woken; {sshd}'"
    ready.configure(alpha=hosts.entry("alpha", stop=stop, start=start, stop_idle="2s"))
    ready.here.inv("fleet.add", "x", "--host", "alpha")
    yield ready
    for process in psutil.process_iter(["cmdline"]):
        if f"{ready.alpha.top}/sshd_config" in (process.info["cmdline"] or ()):
            process.kill()


def _said(fleet: Fleet, *more: str) -> str:
    return str(fleet.here.inv("fleet.stop-idle", *more).out)


def _says(fleet: Fleet, text: str, *more: str) -> None:
    """Wait until the command says *text*; meanwhile another test on this machine may log in, and so use it."""
    deadline = time.monotonic() + 240
    while text not in (said := _said(fleet, *more)):
        assert time.monotonic() < deadline, said


def _in_shell(fleet: Fleet, words: str, window: str = "shell") -> None:
    """Type into a *window* of x, by default the one where no program of its own runs."""
    windows = fleet.ssh(fleet.alpha, "tmux list-windows -t tally-x -F '#{window_id} #{window_name}'")
    (shell,) = [line.split()[0] for line in windows.splitlines() if line.split()[1].startswith(window)]
    fleet.ssh(fleet.alpha, f"tmux send-keys -t {shell} {words}")


def test_a_machine_is_stopped_once_nothing_in_it_is_in_use(idle: Fleet, sandbox: Path) -> None:
    here, stopped = idle.here, sandbox / "stopped"
    _in_shell(idle, "'sleep 1000' Enter")
    _says(idle, "alpha stays on: sleep is open in x.")
    _in_shell(idle, "C-c")
    running = subprocess.Popen([INV, "fleet.run", "x", "sleep 1000"], cwd=here.main, stdin=subprocess.PIPE)
    _says(idle, "sleep runs in x")
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    tmux("new-session", "-d", "-x", "120", "-y", "30", "-c", str(here.main), f"{INV} fleet.attach x")
    eventually(lambda: idle.ssh(idle.alpha, "tmux list-clients -t tally-x"))  # before that it may be stopped
    _says(idle, "somebody is attached to the tmux session tally-x")
    tmux("kill-server")
    assert not stopped.exists()

    _says(idle, "Would stop alpha (1 running session, idle since 20", "--dry-run")
    here.git("config", "user.name", "Somebody Else")
    assert "it has sessions of Test (--yes stops it anyway)" in _said(idle)
    here.git("config", "user.name", "Test")
    eventually(lambda: "Stop it: inv fleet.stop-idle" in here.inv("fleet.list").err)
    assert not stopped.exists()

    def stops() -> list[dict[str, Any]]:
        found = here.inv("fleet.stop-idle", "--json").json
        check_answer(found, "fleet.stop-idle")
        return [each for each in found if each["stopped"]]

    eventually(stops)
    assert stopped.read_text() == "once\n"
    claim = idle.alpha.main / ".git" / "tally-sessions" / "claims" / "y"
    claim.write_text('{"name": "y", "token": "t", "owner": "Ann"}')
    assert "Ann began to add y less than two minutes ago" in _said(idle)


@pytest.mark.slow
def test_what_somebody_typed_in_keeps_a_machine_on_also_where_it_is_suspended_or_in_a_server_s_window(
    idle: Fleet, sandbox: Path
) -> None:
    editor = idle.alpha.home / "nano"
    shutil.copy(str(shutil.which("sleep")), editor)
    _in_shell(idle, f"'{editor} 1000' Enter")
    _says(idle, "nano is open in x", "--dry-run")
    _in_shell(idle, "C-z")
    _says(idle, "alpha stays on: nano is open in x", "--dry-run")
    _in_shell(idle, "'kill -9 %1' Enter")
    _says(idle, "Would stop alpha", "--dry-run")

    _in_shell(idle, "C-c", "backend")
    _in_shell(idle, f"'{editor} 1000' Enter", "backend")
    _says(idle, "alpha stays on: nano is open in x", "--dry-run")
    _in_shell(idle, "C-c", "backend")
    _says(idle, "Would stop alpha", "--dry-run")
    assert not (sandbox / "stopped").exists()


@pytest.mark.slow
def test_a_tmux_that_cannot_answer_keeps_a_machine_on(idle: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    _says(idle, "Would stop alpha", "--dry-run")
    monkeypatch.setattr(tools_tmux, "TMUX", ("sh", "-c", "echo 'open terminal failed: version mismatch' >&2; exit 1"))
    with pytest.raises(CommandError):
        rests.open_programs()
    with pytest.raises(CommandError):
        rests.attached_sessions()
    gone = "error connecting to /tmp/tmux-0/default (No such file or directory)"
    monkeypatch.setattr(tools_tmux, "TMUX", ("sh", "-c", f"echo '{gone}' >&2; exit 1"))
    assert rests.open_programs() == []


def test_each_machine_is_looked_at_again_right_before_it_is_stopped(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    stops = {"host": "a", "path": "/x", "stop": "true", "stop_idle": "2h"}
    settings = parse_settings({"hosts": {"alpha": stops, "beta": stops}})
    known = {"reasons": [], "owners": {}, "running": [], "since": 0.0}
    asked, stopped = list[str](), list[str]()

    def use(place: hosts_host.Host, *_words: str, **_how: float) -> dict[str, Any]:
        asked.append(place.name)
        return {**known, "reasons": ["sleep is open in x"] if place.name == "beta" and stopped else []}

    monkeypatch.setattr("tasks.hosts.move.call_handover", use)
    monkeypatch.setattr(stop_idle, "stop_machine", lambda look, _repository: stopped.append(look.place.name))
    fleet_machines.stop_idle_machines(
        "", False, (False, False), settings, Repository(project.main, project.main / ".git")
    )

    assert (sorted(asked), asked[2:], stopped) == (["alpha", "alpha", "beta", "beta"], ["alpha", "beta"], ["alpha"])


@pytest.mark.slow  # any login on this machine, as those of tests that run at the same time, is waited for
def test_a_machine_that_is_used_while_another_one_stops_stays_on(idle: Fleet, sandbox: Path) -> None:
    slow = f"'touch {sandbox}/stopping; while ! test -e {sandbox}/go; do sleep 0.1; done'"
    stops = f"'echo once >> {sandbox}/stopped'"
    idle.configure(
        alpha=hosts.entry("alpha", stop=stops, stop_idle="2s"), beta=hosts.entry("beta", stop=slow, stop_idle="2s")
    )
    del idle.hosts["alpha"]
    idle.hosts["alpha"] = hosts.entry("alpha", stop=stops, stop_idle="2s")  # beta is the first one
    idle.configure()
    _says(idle, "Would stop alpha", "--dry-run")
    _says(idle, "Would stop beta", "--dry-run")
    words = [INV, "fleet.stop-idle"]
    with subprocess.Popen(words, cwd=idle.here.main, stdout=subprocess.PIPE, text=True) as stopping:
        eventually((sandbox / "stopping").exists)
        _in_shell(idle, "'sleep 1000' Enter")
        _says(idle, "alpha stays on: sleep is open in x", "--dry-run", "--host", "alpha")
        (sandbox / "go").touch()
        assert "alpha stays on: " in str(stopping.communicate(timeout=60)[0])
    assert not (sandbox / "stopped").exists()


@pytest.mark.parametrize("since", [-1e12, 1e18])
def test_a_time_that_nobody_can_read_is_none(since: float) -> None:
    answer = {"reasons": [" a\nline ", ""], "owners": {}, "running": [], "since": since}
    place = hosts_host.configured_hosts(parse_settings({"hosts": {"alpha": {"path": "/x", "host": "alpha"}}}))[0]
    with mock.patch("tasks.hosts.move.call_handover", return_value=answer):
        look = stop_idle._look(place, "")
    assert (look.since, look.record(False)["since"]) == (0.0, "")
    assert look.reasons == ["a line", "for a reason that it doesn't name"]


@pytest.mark.slow
def test_a_machine_that_was_stopped_is_started_by_a_command_for_it_and_by_no_look(idle: Fleet, sandbox: Path) -> None:
    here, alpha, woken = idle.here, idle.alpha, sandbox / "woken"
    del idle.hosts["beta"]
    idle.configure()
    _says(idle, "Stopped alpha (1 running session", "--host", "alpha")
    alpha.stop()

    assert "can" in _said(idle)
    listed = here.inv("fleet.list").out
    assert "no answer" in listed and not woken.exists()
    shown = here.inv("fleet.show", "x")
    assert woken.exists() and "tally-x" in shown.out


@pytest.mark.slow
def test_somebody_else_s_machine_is_stopped_where_that_is_asked_for(idle: Fleet, sandbox: Path) -> None:
    idle.here.git("config", "user.name", "Somebody Else")

    _says(idle, "Stopped alpha", "--yes")
    assert (sandbox / "stopped").exists()


@pytest.mark.slow
def test_a_command_that_fails_is_told(idle: Fleet) -> None:
    idle.configure(alpha=hosts.entry("alpha", stop="'echo no rights >&2; exit 4'", stop_idle="1s"))

    def fails() -> bool:
        done = idle.here.inv("fleet.stop-idle", code=None)
        return done.code == 1 and "alpha couldn't be stopped: " in done.err and "no rights" in done.err

    eventually(fails)


def test_without_the_settings_nothing_is_stopped(ready: Fleet) -> None:
    assert "No host has the settings stop and stop_idle." in ready.here.inv("fleet.stop-idle", code=1).err
    assert "beta doesn't have" in ready.here.inv("fleet.stop-idle", "--host", "beta", code=1).err


@pytest.mark.parametrize(
    ("state", "busy", "opened", "age", "said"),
    [
        ("running", "working", "", 9000, "Claude is working in x"),
        ("running", "waiting", "", 9000, "Claude is waiting for an answer in x"),
        ("running", "unknown", "", 9000, "Nobody knows what Claude is doing in x"),
        ("partial", "", "vim", 9000, "vim is open in x"),
        ("running", "", "", 600, "x was used 600 s ago"),
        ("adding", "", "", 9000, "x is adding"),
        ("unknown", "", "", 9000, "x is unknown"),
        ("running", "", "", 9000, ""),
        ("stopped", "", "", 1, ""),
    ],
)
def test_why_a_session_keeps_its_machine_running(
    monkeypatch: pytest.MonkeyPatch, state: str, busy: str, opened: str, age: float, said: str
) -> None:
    class Named:
        name = "x"

    monkeypatch.setattr(rests, "running_command", lambda _session: "")
    rest = Rest(Named(), state, time.time() - age, busy, opened)  # type: ignore[arg-type]

    assert "; ".join(machine_use._session_reasons(rest, 7200)) == said


def test_a_machine_that_has_just_started_or_where_somebody_is_logged_in_stays_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(psutil, "boot_time", lambda: time.time() - 300)
    monkeypatch.setattr(psutil, "process_iter", lambda: ())
    ssh, pane = SimpleNamespace(name="ann", host="10.0.0.1"), SimpleNamespace(name="bob", host="tmux(7).%0")
    monkeypatch.setattr(psutil, "users", lambda: [ssh, pane])

    assert list(machine_use._machine_reasons(7200)) == ["ann is logged in", "it has been up for 5 minutes"]
    monkeypatch.setattr(psutil, "users", list)
    assert list(machine_use._machine_reasons(60)) == []


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"stop_idle": "2h"}, "stop_idle needs the command that stops the machine"),
        ({"stop": "x", "stop_idle": "0s"}, "must be a time above zero, such as 30m, 2h or 1d"),
        ({"stop": "x", "stop_idle": "long"}, "must be a time such as 30m, 2h or 1d"),
        ({"stop": "x 'y", "stop_idle": "2h"}, "is not a command"),
    ],
)
def test_settings_that_are_wrong_are_named(facts: dict[str, str], said: str) -> None:
    with pytest.raises(SessionError, match=said):
        parse_settings({"hosts": {"devbox": {"host": "a", "path": "~/x", **facts}}})
