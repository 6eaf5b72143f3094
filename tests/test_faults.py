"""One fault at one effect: add, remove, restore and resume survive every one of them.

By default a fixed sample of effects and faults; all of them with TALLY_SESSIONS_ALL_FAULTS=1.
"""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import dirty, effects
from tests.fault_matrix import SHARES, Fault, different, each, faults
from tests.project import Project, eventually
from tests.world import files

_KILL = ("SIGKILL",)
_OTHERS = (*effects.SIGNALS, *effects.ERRORS)

shares = pytest.mark.parametrize("share", range(SHARES))


@pytest.fixture
def light(project: Project, sandbox: Path) -> Project:
    """Return a project with permissions, a branch that is nobody's, and one window a session."""
    entries = {str(project.main): {"allowedTools": ["Bash(ls:*)"]}, "/other": {"allowedTools": []}}
    (sandbox / "home" / ".claude.json").write_text(json.dumps({"projects": entries}, indent=2))
    project.git("branch", "mine")
    project.configure(dirty.LIGHT)
    return project


def _listed(project: Project, name: str) -> str:
    found: list[dict[str, Any]] = project.inv("session.list", "--json").json
    return next((str(each["status"]) for each in found if each["name"] == name), "gone")


def _finished(project: Project, state: str) -> None:
    """Remove x; if nothing of it is registered, the next session's end takes the rest along."""
    if state == "gone":
        project.inv("session.add", "next")
    project.inv("session.remove", "next" if state == "gone" else "x", "--force")


@shares
@pytest.mark.parametrize("kinds", [_KILL, _OTHERS], ids=["kill", "others"])
def test_add(light: Project, share: int, kinds: tuple[str, ...]) -> None:
    before = light.world()
    for _ in range(2):  # only the first asks for Claude Code's version, which is then known
        found = effects.of(light, "session.add", "x")
        light.inv("session.remove", "x")
    assert different(light.world(), before) == {}

    def attempt(fault: Fault) -> None:
        said = effects.faulty(light, *fault, "session.add", "x")
        state = _listed(light, "x")
        if kinds == _KILL:
            assert (said.code, state in ("adding", "running", "partial", "gone")) == (-signal.SIGKILL, True), state
        else:  # what can be done without, as permissions, is told; all else is undone
            assert (said.code == 0) == (state != "gone"), said.err
        _finished(light, state)
        assert different(light.world(), before) == {}

    each(found, faults(found, share, kinds), attempt)


@pytest.fixture
def worked(light: Project) -> tuple[Project, dict[str, object], dict[str, str]]:
    """Return a project with the session x, which has work of every kind; the world without it; the work."""
    before = light.world()
    light.inv("session.add", "x")
    dirty.make(light, light.worktree("x"))
    return light, before, dirty.of(light.worktree("x"))


Worked = tuple[Project, dict[str, object], dict[str, str]]


def _again(project: Project, work: dict[str, str]) -> None:
    """Restore x unless it is there; its work must be."""
    if _listed(project, "x") == "gone":
        project.inv("session.restore", "x")
    assert different(dirty.of(project.worktree("x")), work) == {}


@shares
@pytest.mark.parametrize("kinds", [_KILL, _OTHERS], ids=["kill", "others"])
def test_remove(worked: Worked, share: int, kinds: tuple[str, ...]) -> None:
    project, before, work = worked
    found = effects.of(project, "session.remove", "x", "--force")
    _again(project, work)

    def attempt(fault: Fault) -> None:
        said = effects.faulty(project, *fault, "session.remove", "x", "--force")
        state = _listed(project, "x")
        assert state != "adding", said.err
        _finished(project, state)
        if ".claude.json" in said.err:  # it could not be written, or not for certain: that is told, and nothing else
            (project.top.parent / "home" / ".claude.json").write_text(str(before["claude"]))
        assert different(project.world(), before) == {}
        _again(project, work)

    each(found, faults(found, share, kinds), attempt)


@shares
@pytest.mark.parametrize("kinds", [_KILL, _OTHERS], ids=["kill", "others"])
def test_restore(worked: Worked, share: int, kinds: tuple[str, ...]) -> None:
    project, before, work = worked
    project.inv("session.remove", "x", "--force")
    found = effects.of(project, "session.restore", "x")
    project.inv("session.remove", "x", "--force")

    def attempt(fault: Fault) -> None:
        said = effects.faulty(project, *fault, "session.restore", "x")
        state = _listed(project, "x")
        if kinds != _KILL:  # undone entirely, or, once it is confirmed, done entirely
            assert state in ("gone", "running", "partial"), said.err
        _finished(project, state)
        assert different(project.world(), before) == {}
        _again(project, work)
        project.inv("session.remove", "x", "--force")

    each(found, faults(found, share, kinds), attempt)


@shares
def test_resume(worked: Worked, share: int) -> None:
    project, _before, work = worked
    subprocess.run(["tmux", "kill-server"], check=True)
    found = effects.of(project, "session.resume")
    there = files(project.top)

    def attempt(fault: Fault) -> None:
        subprocess.run(["tmux", "kill-server"], check=True)
        effects.faulty(project, *fault, "session.resume")
        project.inv("session.resume")
        eventually(lambda: _listed(project, "x") in ("running", "partial"))
        assert different(dirty.of(project.worktree("x")), work) == {}
        assert files(project.top) == there

    each(found, faults(found, share, (*_KILL, *_OTHERS)), attempt)
