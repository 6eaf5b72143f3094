"""How many connections a command needs, counted on the line to each host."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.hosts import reach
from tasks.hosts.host import Host
from testing import origin
from testing.hosts import Fleet
from testing.lines import Line
from testing.project import INV, Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="how to start a second sshd was tried on Linux only")


def _lines(fleet: Fleet) -> dict[str, Line]:
    """Put a line that counts between here and each host."""
    config, known = (Path(os.environ["HOME"]) / ".ssh" / name for name in ("config", "known_hosts"))
    lines = {}
    for machine in (fleet.alpha, fleet.beta):
        lines[machine.name] = line = Line(machine.port, 0.04)
        for file in (config, known):
            file.write_text(file.read_text().replace(str(machine.port), str(line.port)))
    return lines


def test_a_command_needs_one_connection_and_the_next_one_none(ready: Fleet) -> None:
    here, lines = ready.here, _lines(ready)
    here.configure("session: {windows: []}\n")

    def opened(*words: str) -> tuple[int, int]:
        before = [line.connections for line in lines.values()]
        here.inv(*words)
        return tuple(line.connections - each for line, each in zip(lines.values(), before, strict=True))  # type: ignore[return-value]

    def close_all() -> None:
        for machine in (ready.alpha, ready.beta):
            machine.cut()

    assert opened("fleet.add", "x", "--host", "alpha", "--bare") == (1, 1), "the name is asked for everywhere"
    assert opened("fleet.show", "x") == (0, 0), "the connection is shared"
    assert opened("fleet.list") == (0, 0)
    close_all()
    assert opened("fleet.show", "x", "--host", "alpha") == (1, 0)
    close_all()
    assert opened("fleet.run", "x", "true") == (1, 0), "the host that is remembered is asked alone"
    assert opened("fleet.pull", "x") == (0, 0)
    close_all()
    assert opened("fleet.sync", "x") == (1, 0)
    origin.commit(Project(ready.alpha.main), ready.alpha.main.with_name("tally-x"), "new", "work\n")
    close_all()
    assert opened("fleet.merge", "x") == (1, 0), "with the checks there and all that it notes there"
    close_all()
    assert opened("fleet.setup", "alpha", "--yes") == (1, 0)
    assert opened("fleet.conflicts") == (0, 1), "alpha's is still open"
    close_all()
    (ready.alpha.main / ".tally-sessions").rename(ready.alpha.main / "away")
    assert 'No host has a session "x"' in here.inv("fleet.show", "x", code=1).err
    (ready.alpha.main / "away").rename(ready.alpha.main / ".tally-sessions")

    config = Path(os.environ["HOME"]) / ".ssh" / "config"
    own = Path(os.environ["HOME"]) / ".ssh" / "own-%C"
    config.write_text(
        f"Host alpha\n  ControlMaster auto\n  ControlPath {own}\n  ControlPersist 5\n" + config.read_text()
    )
    close_all()
    here.inv("fleet.show", "x", "--host", "alpha")
    assert list(own.parent.glob("own-*")), "a person's own sockets are used"
    for line in lines.values():
        line.close()


@pytest.mark.slow
def test_twenty_hosts_behind_one_sshd_all_answer(ready: Fleet) -> None:
    text = (ready.alpha.top / "sshd_config").read_text().replace("MaxStartups 100", "MaxStartups 10:30:100")
    (ready.alpha.top / "sshd_config").write_text(text)
    ready.alpha.stop()
    ready.alpha.start()
    config = Path(os.environ["HOME"]) / ".ssh" / "config"
    names = [f"box{number}" for number in range(20)]
    blocks = [f"Host {name}\n  ProxyJump alpha\n  HostName 127.0.0.1\n  Port {ready.beta.port}\n" for name in names]
    config.write_text("".join(blocks) + config.read_text())
    ready.hosts.clear()
    entry = "{{host: {}, path: ~/dev/tally, python: {}, inv: {}}}"
    ready.configure(**{name: entry.format(name, sys.executable, INV) for name in names})
    jump = subprocess.run(["ssh", "box0", "true"], capture_output=True, check=False)
    assert jump.returncode == 0, jump.stderr

    for _round in range(3):
        listed = ready.here.inv("fleet.list", "--json").json
        assert [each for each in listed if "error" in each] == []


@pytest.mark.parametrize("name", ["a b", "a%b", "a$b", 'a"b'])
def test_a_directory_that_ssh_would_take_for_something_else_has_no_sockets(
    sandbox: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(sandbox / name))
    reach._sharing.cache_clear()
    options = reach.ssh_options(Host("x", "x.invalid", "/x", 1, "python3", (), 5))
    reach._sharing.cache_clear()

    said = subprocess.run([*options, "-T", "-G", "x.invalid"], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")
