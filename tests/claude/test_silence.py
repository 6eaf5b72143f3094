"""Programs that never answer: each question is given up after a while, and what does not depend on it goes on."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.system import shell
from testing.project import Project, eventually
from testing.terminal import panes, runs, tmux

_COMMANDS = [
    ("add", "z"), ("start", "x"), ("stop", "x"), ("resume", "x"), ("logs", "x"), ("remove", "x"),
    ("remove", "x", "--force"),
]  # fmt: skip
_MOST = 60.0  # seconds for any of these, on a machine that has other things to do; without a bound it would be for ever


@pytest.fixture
def stopped(project: Project) -> Iterator[Project]:
    """Return the project with the sessions x and y, whose tmux server takes no more part in anything."""
    for name in ("x", "y"):
        project.inv("session.add", name)
        runs(project, name)
    server = int(tmux("display-message", "-p", "#{pid}"))
    os.kill(server, signal.SIGSTOP)
    yield project
    os.kill(server, signal.SIGCONT)


def _bounded(project: Project, *words: str, code: int | None = 1) -> str:
    started = time.monotonic()
    said = project.inv(*words, code=code)
    assert time.monotonic() - started < _MOST
    return said.out + said.err


@pytest.mark.slow
def test_a_tmux_server_that_does_not_answer_is_named_by_every_command(stopped: Project) -> None:
    for words in (("remove", "x"), ("logs", "y")):  # of the others it is tried with the slow tests
        said = _bounded(stopped, f"session.{words[0]}", *words[1:])
        assert "tmux didn't answer within" in said, words
        assert "kill -CONT" in said

    assert stopped.worktree("x").is_dir()
    assert stopped.row("x")["state"] == "ready"


@pytest.mark.slow
def test_the_list_shows_the_rest_of_what_is_known(stopped: Project) -> None:
    (stopped.worktree("x") / "new").touch()

    asked = (("session.list", "--json"), ("session.list",), ("session.show", "x"))
    with ThreadPoolExecutor(len(asked)) as pool:  # each waits as long for tmux
        answer, said, shown = pool.map(lambda words: _bounded(stopped, *words, code=0), asked)
    listed = {each["name"]: each for each in json.loads(answer[: answer.rindex("]") + 1])}

    assert [each["status"] for each in listed.values()] == ["unknown"] * 2
    assert [each["claude"] for each in listed.values()] == ["unknown"] * 2
    assert [each["dirty"] for each in listed.values()] == [True, False]
    assert listed["x"]["answering"] == sorted(listed["x"]["ports"].values())
    assert said.count("tmux didn't answer within") == 1
    assert "unknown" in shown


@pytest.mark.slow
def test_the_doctor_tells_it_once_and_looks_at_the_rest(stopped: Project) -> None:
    (stopped.worktree("y") / "backend" / ".env").unlink()

    said = _bounded(stopped, "session.doctor")

    assert said.count("tmux didn't answer within") == 1
    assert "backend/.env" in said


@pytest.mark.slow
def test_a_server_that_is_up_is_given_one_bound_by_each_command(stopped: Project) -> None:
    (server,) = (Path(os.environ["TMUX_TMPDIR"]) / f"tmux-{os.getuid()}").iterdir()
    os.utime(server, (0, 0))  # it has been up for long
    for words in _COMMANDS:
        said = _bounded(stopped, f"session.{words[0]}", *words[1:])
        assert "kill -CONT" in said, words
        assert said.count("tmux didn't answer within 5 s") >= 1, words
        assert not re.search(r"within (?!5 s)", said), said
        asked = re.findall(r"tmux didn't answer within 5 s \(([^)]*)\)", said)
        assert len(set(asked)) == 1, asked  # the first question's: no other was asked


def test_what_did_not_answer_is_asked_again_by_a_command_that_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    shell._silence(("tmux", "list-panes"), 5)
    assert shell.is_silent("tmux")
    shell.ask_silent_again()
    assert shell.is_silent("tmux")

    monkeypatch.setattr(shell, "_SILENT_FOR", 0)
    shell.ask_silent_again()

    assert not shell.is_silent("tmux")


@pytest.mark.slow
def test_what_was_refused_works_once_the_server_answers(project: Project) -> None:
    project.inv("session.add", "x")
    runs(project, "x")
    server = int(tmux("display-message", "-p", "#{pid}"))
    os.kill(server, signal.SIGSTOP)
    try:
        refused = _bounded(project, "session.add", "z")
        assert refused.count("kill -CONT") == 1
        assert "\ntmux didn't answer within" in refused
        assert [each["name"] for each in project.inv("session.list", "--json").json] == ["x"]
        assert not project.worktree("z").exists()
    finally:
        os.kill(server, signal.SIGCONT)

    assert not panes("tally-z", "#{pane_id}")  # it had not read what to open
    project.inv("session.remove", "x")

    assert project.inv("session.list", "--json").json == []
    assert not project.worktree("z").exists()
    eventually(lambda: "tally-z" not in tmux("list-sessions", "-F", "#{session_name}", check=False))


def _hanging(sandbox: Path, program: str) -> Path:
    """Have *program* never answer, and log that it was asked."""
    log, file = sandbox / f"{program}.asked", sandbox / "bin" / program
    file.unlink(missing_ok=True)
    file.write_text(f'#!/bin/sh\necho "$*" >> {log}\nexec sleep 600\n')
    file.chmod(0o755)
    return log


@pytest.mark.slow
def test_an_assistant_that_never_answers_costs_add_two_seconds_once(project: Project, sandbox: Path) -> None:
    entry = {"projects": {str(project.main): {"allowedTools": ["A"]}}}
    (sandbox / "home" / ".claude.json").write_text(json.dumps(entry))
    (project.main / ".claude").mkdir()
    (project.main / ".claude" / "settings.local.json").write_text('{"permissions": {"allow": ["Bash(ls)"]}}')
    log = _hanging(sandbox, "claude")
    for name in ("x", "y"):
        started = time.monotonic()
        project.inv("session.add", name, "--dry-run")
        took = time.monotonic() - started
        project.inv("session.add", name)

    assert log.read_text().splitlines().count("--version") == 1
    assert took < 10  # it was 50 s before

    log.unlink()
    _hanging(sandbox, "claude")  # another file of that name
    project.inv("session.add", "z")
    assert log.read_text().splitlines().count("--version") == 1


@pytest.mark.slow
def test_what_runs_is_asked_once_a_minute_of_an_assistant_that_never_answers(project: Project, sandbox: Path) -> None:
    log = _hanging(sandbox, "claude")
    project.inv("session.add", "x")
    eventually(lambda: project.listed("x")["claude"] == "unknown")
    log.unlink(missing_ok=True)

    for _time in range(2):
        assert project.listed("x")["claude"] == "unknown"

    assert not log.exists()
