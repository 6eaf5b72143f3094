"""Tasks that are killed at any moment: a fixed seed chooses the task and the moment."""

import random
import subprocess
import time
from typing import Any

from tests import dirty
from tests.project import INV, Project

_ROUNDS = 8
_LONGEST = 0.6  # seconds until the kill; a task takes about half of that on a machine that is idle


def _state(project: Project) -> str:
    found: list[dict[str, Any]] = project.inv("session.list", "--json").json
    return next((str(each["status"]) for each in found), "gone")


def _killed(project: Project, seconds: float, *arguments: str) -> None:
    running = subprocess.Popen(
        [INV, *arguments], cwd=project.main, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(seconds)
    running.kill()
    running.wait(timeout=20)


def test_work_survives_tasks_that_are_killed_at_random(project: Project) -> None:
    choose = random.Random(2026)
    project.configure(dirty.LIGHT)
    before = project.world()
    project.inv("session.add", "x")
    dirty.make(project, project.worktree("x"))
    work = dirty.of(project.worktree("x"))

    for number in range(_ROUNDS):
        seconds = choose.uniform(0.05, _LONGEST)
        if number % 3 == 0:  # another session comes and goes meanwhile
            _killed(project, seconds, "session.add", "y")
            if any(each["name"] == "y" for each in project.inv("session.list", "--json").json):
                project.inv("session.remove", "y", "--force")
        _killed(project, choose.uniform(0.05, _LONGEST), "session.remove", "x", "--force")
        state = _state(project)
        assert state != "adding"
        if state == "removing":
            project.inv("session.remove", "x", "--force")
            state = "gone"
        if state == "gone":
            _killed(project, choose.uniform(0.05, _LONGEST), "session.restore", "x")
            if _state(project) == "adding":
                project.inv("session.remove", "x", "--force")
        if _state(project) == "gone":
            project.inv("session.restore", "x")
        assert dirty.of(project.worktree("x")) == work, number

    project.inv("session.remove", "x", "--force")
    assert project.world() == before
