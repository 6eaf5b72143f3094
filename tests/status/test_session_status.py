"""How sessions stand, also where git does not answer, and how often their worktrees are looked at."""

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tasks.model import Session
from tasks.status import worktree_looks
from tasks.tools import worktree_status
from testing import opened, sessions
from testing.project import Project, eventually

_MOST = 60.0  # seconds for any of these on a busy machine; it was 120 for each worktree that hung


@pytest.fixture
def repository(sandbox: Path) -> Project:
    return sessions.repository(sandbox / "dev" / "tally", {"app.py": "1\n", "notes": "n\n"})


@pytest.fixture
def hanging(repository: Project, sandbox: Path) -> Iterator[Project]:
    """Return a repository with the sessions x and y; git waits for ever for a file system monitor of x."""
    for name in ("x", "y"):
        (sessions.add(repository, name) / "app.py").write_text(name)
    hook, started = sandbox / "monitor", sandbox / "monitors"
    hook.write_text(f"#!/bin/sh\necho $$ >> {started}\nexec sleep 600\n")
    hook.chmod(0o755)
    repository.git("config", "extensions.worktreeConfig", "true")
    repository.git("config", "--worktree", "core.fsmonitor", str(hook), cwd=repository.worktree("x"))
    yield repository
    pids = [int(line) for line in started.read_text().split()]
    assert pids
    eventually(lambda: not any(_sleeps(pid) for pid in pids))  # nothing that was given up goes on


def _sleeps(pid: int) -> bool:
    try:
        return psutil.Process(pid).name() == "sleep"
    except psutil.NoSuchProcess:
        return False


def _quick(project: Project, *words: str, code: int | None = 0) -> str:
    started = time.monotonic()
    said = project.inv(*words, code=code)
    assert time.monotonic() - started < _MOST
    return said.out + said.err


def test_a_worktree_in_which_git_hangs_is_unknown_and_the_others_are_shown(hanging: Project) -> None:
    asked = (("session.list", "--json"), ("session.list",), ("session.show", "x"))
    with ThreadPoolExecutor(len(asked)) as pool:  # each waits as long for git
        answer, table, shown = pool.map(lambda words: _quick(hanging, *words), asked)
    listed = {each["name"]: each for each in json.loads(answer[: answer.rindex("]") + 1])}

    assert (listed["x"]["status"], listed["y"]["status"]) == ("unknown", "stopped")
    assert listed["x"]["silence"] == "no answer from git in 5 s"
    assert "silence" not in listed["y"]
    assert listed["y"]["dirty"]
    (line,) = [line for line in table.splitlines() if line.startswith("x ")]
    assert "no answer from git in 5 s" in line
    assert "next       inv session.doctor    (no answer from git in 5 s)" in shown
    assert not list((hanging.main / ".git").rglob("index.lock"))


@pytest.mark.slow
def test_conflicts_are_looked_for_without_the_worktree_in_which_git_hangs(hanging: Project) -> None:
    (sessions.add(hanging, "z") / "app.py").write_text("z")

    said = _quick(hanging, "session.conflicts", code=1)

    assert f"Left out: Git didn't answer in {hanging.worktree('x')} within 5 s." in said
    assert "conflict  y          z       app.py" in said
    assert "Git didn't answer in" in _quick(hanging, "session.compare", "x", "y", code=1)


@pytest.mark.slow
def test_the_doctor_names_the_worktree_in_which_git_hangs(hanging: Project) -> None:
    started = time.monotonic()
    (problem,) = hanging.inv("session.doctor", "--json", code=1).json

    assert time.monotonic() - started < _MOST
    assert (problem["session"], problem["problem"]) == ("x", f"git didn't answer in {hanging.worktree('x')} within 5 s")
    assert "core.fsmonitor=false status" in problem["fix"]


@pytest.mark.parametrize("task", ["list", "show x", "conflicts"])
def test_where_git_keeps_a_worktree_is_read_once(repository: Project, sandbox: Path, task: str) -> None:
    for name in ("x", "y"):
        (sessions.add(repository, name, {"notes": name}) / "app.py").write_text(name)
    log = sandbox / "opened"

    repository.inv(str(log), *f"session.{task}".split(), program=str(opened.__file__), code=None)

    times = Counter(path for path in log.read_text().splitlines() if path.endswith("/.git"))
    most = 2 if task == "show x" else 1  # which looks at the others after its own
    assert set(times) == {str(repository.worktree(name) / ".git") for name in ("x", "y")}
    assert max(times.values()) <= most, times


def test_a_directory_that_became_a_link_out_of_the_worktree_keeps_nobody_from_comparing(
    repository: Project, sandbox: Path
) -> None:
    sessions.commit(repository, repository.main, {"backend/app.py": "1\n"})
    other = sandbox / "dev" / "other"
    sessions.write(other, {".env": "A=1\n"})
    for name in ("x", "y", "z"):
        sessions.add(repository, name, copy=("backend/.env",), env={"backend/.env": {"A": "2"}})
        (repository.worktree(name) / "app.py").write_text(name)
    shutil.rmtree(repository.worktree("x") / "backend")
    os.symlink(other, repository.worktree("x") / "backend")

    said = repository.inv("session.conflicts", code=1)
    found = repository.inv("session.doctor", "--json", code=1).json

    pairs = [line.split()[:3] for line in said.out.splitlines()[2:]]
    assert pairs == [["conflict", "x", "y"], ["conflict", "x", "z"], ["conflict", "y", "z"]]
    notes = [line for line in said.err.splitlines() if "link out of its worktree" in line]
    assert len(notes) == 1 and "x: backend is a link out of its worktree." in notes[0]
    assert "fatal" not in said.err
    (problem,) = [each for each in found if each["session"] == "x" and "link" in each["problem"]]
    assert problem["problem"] == f"backend is a link to {other}, outside of the worktree"
    assert "git -C" in problem["fix"]


@pytest.mark.parametrize(("count", "threads"), [(1, True), (2, True), (3, False)])
def test_git_uses_no_threads_of_its_own_where_more_worktrees_are_looked_at_than_there_are_cores(
    project: Project, monkeypatch: pytest.MonkeyPatch, count: int, threads: bool
) -> None:
    project.inv("session.add", "x")
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    asked, read = list[bool](), worktree_status.read_work

    def noted(session: Session, *, threads: bool, **how: Any) -> worktree_status.Work:
        asked.append(threads)
        return read(session, threads=threads, **how)

    monkeypatch.setattr(worktree_status, "read_work", noted)
    [session] = sessions.all_of(project)

    looks = worktree_looks.look_at_worktrees(session.repository, [session] * count)

    assert asked == [threads] * count
    assert [look.work and look.work.branch for look in looks] == ["x"] * count
