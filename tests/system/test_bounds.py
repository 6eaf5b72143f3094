"""Whatever another program does, what it may take is bounded: its time, and what it prints."""

import ast
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.errors import OversizeError, SilentError
from tasks.system import reading, shell
from tasks.tools import worktree_status
from testing.project import CHECKOUT, Project
from testing.sessions import all_of

_TASKS = CHECKOUT / "tasks"
_ENDLESS = (sys.executable, "-c", "while True: print('y' * 1000)")
_SILENT = ("sh", "-c", "sleep 60 & sleep 60")
_WAYS: dict[str, Callable[..., object]] = {
    "read_output": shell.read_output,
    "read_bytes": shell.read_bytes,
    "run_bounded": lambda *argv: shell.run_bounded(60, *argv, env=shell.clean_environment()),
    "run_long": lambda *argv: shell.run_long(*argv, env=shell.clean_environment()),
    "run_settled": lambda *argv: shell.run_settled(*argv, env=shell.clean_environment()),
}


@pytest.mark.parametrize("way", _WAYS)
def test_a_program_that_never_stops_printing_is_ended_and_named(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_OUTPUT", 1 << 20)

    with pytest.raises(OversizeError, match=r"printed more than 1 MB and was stopped .*\nSee what it prints"):
        _WAYS[way](*_ENDLESS)


@pytest.mark.parametrize("read", [shell.read_output, shell.read_bytes])
def test_a_program_that_does_not_answer_is_ended_and_named(read: Callable[..., object]) -> None:
    started = time.monotonic()

    with pytest.raises(SilentError, match=r"sh didn't answer within 0\.3 s"):
        read(*_SILENT, seconds=0.3)

    assert time.monotonic() - started < 30  # and what it has begun, and that holds the pipe, is not waited for


def test_a_step_that_takes_long_is_mentioned_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shell, "_LONG", 0.05)

    shell.run_step("sleep", "0.3")

    assert capsys.readouterr().err.count("sleep 0.3 has been running for 0.05 s. Waiting for it to end.") == 1


def test_what_a_program_reads_and_prints_at_once_arrives_whole() -> None:
    content = bytes(range(256)) * 20_000

    assert shell.read_bytes("cat", given=content) == (0, content, "")
    assert shell.read_bytes("true", given=content) == (0, b"", "")
    assert shell.read_bytes("sh", "-c", "echo why >&2; exit 3") == (3, b"", "why\n")


def test_the_end_of_a_line_in_the_name_of_a_file_is_part_of_the_name(project: Project) -> None:
    project.configure("session: {windows: []}\n")
    project.inv("session.add", "x")
    (session,) = all_of(project)
    (session.worktree / "one\rtwo").touch()

    assert worktree_status.read_work(session).untracked == ("one\rtwo",)


# Who starts a program without `timeout=`, and what bounds it.
_ALLOWED = {
    "claude/worktree_hook.py": "another of our tasks, whose questions are bounded",
    "views/logs.py": "the person's own terminal, until ^C",
    "views/dashboard/jobs.py": "another of our tasks, whose questions are bounded",
    "views/dashboard/actions.py": "the person's own terminal, while the dashboard waits",
    "tools/tmux_attach.py": "the person's own terminal, until they detach",
    "hosts/remote_run.py": "a person at the terminal, who has ^C",
    "hosts/ssh.py": "`Collected` bounds what is read, ssh itself the silence of the line",
    "hosts/setup.py": "waits with a limit",
    "hosts/forward.py": "runs until it is stopped",
    "hosts/remote_scripts/checkout.py": "on a host, where the relay ends it",
    "hosts/remote_scripts/relay.py": "on a host: what it is there to run",
    "hosts/remote_scripts/survey.py": "on a host, where the relay ends it",
    "hosts/remote_scripts/wheels.py": "on a host, where the relay ends it",
    "status/pull_requests.py": "in the background",
    "store/refilling.py": "git's checkout, which is work",
    "store/thinning.py": "in the background",
    "tools/background_fetch.py": "in the background",
    "tools/desktop.py": "the person's own editor, and a browser that is waited for with a limit",
    "views/diff.py": "the person's own pager",
}
_STARTS = {f"subprocess.{name}" for name in ("run", "Popen", "call", "check_call", "check_output")} | {"os.system"}


def _unbounded(source: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = ast.unparse(node.func)
            if name in _STARTS and "timeout" not in {each.arg for each in node.keywords}:
                yield node.lineno


def test_outside_of_system_no_program_is_started_without_a_bound() -> None:
    starts = {
        str(file.relative_to(_TASKS)): [*_unbounded(file.read_text("utf-8"))]
        for file in _TASKS.rglob("*.py")
        if "system" not in file.relative_to(_TASKS).parts
    }

    assert {file for file, lines in starts.items() if lines} == set(_ALLOWED)


def test_a_start_without_a_bound_is_seen(tmp_path: Path) -> None:
    assert [*_unbounded("subprocess.run(['x'])\nsubprocess.run(['x'], timeout=1)\nos.system('x')")] == [1, 3]
