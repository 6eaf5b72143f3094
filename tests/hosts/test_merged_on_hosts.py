"""Sessions of all hosts that are removed since they are merged, and names that one person uses twice."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from testing import origin
from testing.hosts import Fleet, Machine
from testing.project import INV, Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="how to start a second sshd was tried on Linux only")

_PLAIN = "session: {windows: []}\n"


def _there(machine: Machine, name: str) -> Path:
    return machine.main.with_name(f"tally-{name}")


def _names(fleet: Fleet) -> list[str]:
    return sorted(each["name"] for each in fleet.here.inv("fleet.list", "--json").json if "name" in each)


@pytest.mark.slow
def test_one_person_renames_two_sessions_to_one_name_at_once(ready: Fleet) -> None:
    here = ready.here
    here.configure(_PLAIN)
    for name, host in (("x", "alpha"), ("y", "beta")):
        here.inv("fleet.add", name, "--host", host, "--bare")

    renaming = [
        subprocess.Popen([INV, "fleet.rename", old, "new"], cwd=here.main, stderr=subprocess.PIPE, text=True)
        for old in ("x", "y")
    ]
    said = [each.communicate(timeout=300)[1] for each in renaming]

    assert sorted(each.returncode for each in renaming) == [0, 1], said
    assert len(_names(ready)) == 2 and "new" in _names(ready)


def _age(machine: Machine, name: str) -> None:
    """Have the session *name* be two days old."""
    file = machine.main / ".tally-sessions"
    rows = json.loads(file.read_text())
    created = datetime.fromisoformat(rows[name]["created"]) - timedelta(days=2)
    rows[name]["created"] = created.isoformat(timespec="seconds")
    file.write_text(json.dumps(rows))


@pytest.mark.slow
def test_what_was_merged_by_hand_is_removed_too_and_somebody_else_is_asked_about_the_own_alone(ready: Fleet) -> None:
    here, alpha, beta = ready.here, ready.alpha, ready.beta
    here.configure(_PLAIN)
    for name, machine in (("merged", alpha), ("open", alpha), ("by-hand", beta), ("fresh", beta)):
        here.inv("fleet.add", name, "--host", machine.name, "--bare")
        if name != "fresh":
            origin.commit(Project(machine.main), _there(machine, name), name, "work\n")
    here.inv("fleet.merge", "merged")
    here.inv("fleet.pull", "by-hand")
    here.git("merge", "--quiet", "--no-edit", "by-hand")
    here.git("config", "user.name", "Somebody Else")
    here.inv("fleet.add", "theirs", "--host", "beta", "--bare")
    here.git("config", "user.name", "Test")

    would = here.inv("fleet.remove", "--merged", "--dry-run")
    assert _names(ready) == ["by-hand", "fresh", "merged", "open", "theirs"], would
    done = here.inv("fleet.remove", "--merged")
    assert _names(ready) == ["fresh", "open", "theirs"], done
    assert "merged counts as merged" in done.err and "Removed by-hand" in done.out
    assert "Nothing to remove: no session on a host is merged." in here.inv("fleet.remove", "--merged").err

    here.inv("fleet.restore", "by-hand")
    assert (_there(beta, "by-hand") / "by-hand").read_text() == "work\n"
    _age(beta, "theirs")
    assert "theirs belongs to Somebody Else" in here.inv("fleet.remove", "--merged", code=1).err
    assert _names(ready) == ["by-hand", "fresh", "open", "theirs"], "all are asked for before the first one ends"
    here.inv("fleet.remove", "open", "--merged")
    assert "open" in _names(ready), "with a name it is about that session alone"
    (_there(beta, "by-hand") / "by-hand").write_text("edited\n")
    refused = here.inv("fleet.remove", "--merged", "--yes", code=1)
    assert "by-hand" in _names(ready) and "theirs" not in _names(ready), refused
