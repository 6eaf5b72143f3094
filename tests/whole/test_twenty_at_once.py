"""Twenty sessions at once in three repositories: nobody fails, nothing is lost."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from testing import port_slot
from testing.project import CHECKOUT, INV, Project, make

_SESSIONS = 20
_REPOSITORIES = 3
_TOOLS = ["Bash(ls:*)", "Read"]
_HOLD = """
import pathlib, sys, time
from tasks.system import locks
with locks.file_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def crowd(sandbox: Path) -> list[Project]:
    """Return the repositories, each with permissions of its own; their ports are nobody else's."""
    projects = [make(sandbox / "dev" / f"tally{number}") for number in range(_REPOSITORIES)]
    first = 20000 + 100 * port_slot.own()
    for project in projects:
        ports = f"{{backend_port: {first}, frontend_port: {first + 500}}}"
        project.configure(f"session: {{windows: [{{name: shell}}], ports: {ports}}}\n")
    entries: dict[str, Any] = {str(each.main): {"allowedTools": _TOOLS, "history": ["x"]} for each in projects}
    entries["/other"] = {"lastCost": 1}
    content = {"projects": entries, "oauthAccount": {"é": "\U0001f600"}, "numStartups": 7}
    (sandbox / "home" / ".claude.json").write_text(json.dumps(content, indent=2, ensure_ascii=False))
    return projects


def _together(crowd: list[Project], task: str) -> None:
    """Run *task* for every session, all started together; each must succeed."""
    running = [
        subprocess.Popen(
            [INV, task, f"crowd/{number}"], cwd=crowd[number % _REPOSITORIES].main, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number in range(_SESSIONS)
    ]  # fmt: skip
    said = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0] * _SESSIONS, said
    assert not [err for _out, err in said if "Traceback" in err or "notice" in err], said


def _registered(crowd: list[Project]) -> list[dict[str, Any]]:
    return [row for project in crowd for row in json.loads((project.main / ".tally-sessions").read_text()).values()]


def _entries(sandbox: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((sandbox / "home" / ".claude.json").read_text())
    return found


@pytest.mark.slow
def test_twenty_adds_and_removes_at_once(crowd: list[Project], sandbox: Path) -> None:
    worlds, permissions = [project.world() for project in crowd], _entries(sandbox)

    _together(crowd, "session.add")

    rows = _registered(crowd)
    assert len(rows) == _SESSIONS
    assert {row["state"] for row in rows} == {"ready"}
    ports = Counter(port for row in rows for port in (row["backend_port"], row["frontend_port"]))
    assert max(ports.values()) == 1 and len(ports) == 2 * _SESSIONS
    now = _entries(sandbox)
    made = {path: entry for path, entry in now["projects"].items() if path not in permissions["projects"]}
    assert made == {row["worktree"]: {"allowedTools": _TOOLS} for row in rows}
    assert {**now, "projects": {p: e for p, e in now["projects"].items() if p not in made}} == permissions
    for project in crowd:
        assert len(project.git("worktree", "list").splitlines()) == 1 + len(project.inv("session.list", "--json").json)

    _together(crowd, "session.remove")

    assert _entries(sandbox) == permissions
    for now, before in zip((project.world() for project in crowd), worlds, strict=True):
        assert {key: (now[key], before[key]) for key in now if now[key] != before[key]} == {}


@pytest.mark.parametrize("lock", ["registry.lock", "exclude.lock", "session-crowd%0.lock", "ports.lock"])
def test_a_dead_holder_of_a_lock_blocks_nobody(crowd: list[Project], sandbox: Path, lock: str) -> None:
    directory = sandbox / "state" if lock == "ports.lock" else crowd[0].main / ".git"
    path = directory / "tally-sessions" / lock
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], cwd=CHECKOUT, env=dict(os.environ), stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=20)
    assert path.read_text() == str(holder.pid)

    said = crowd[0].inv("session.add", "crowd/0")

    assert "Waiting for process" not in said.err
    assert not path.exists()
