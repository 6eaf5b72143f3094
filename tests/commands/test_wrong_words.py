"""Words that are no task, no option or one too many: one line that says so, and the command that was meant."""

from pathlib import Path

import pytest

from tasks import session
from testing.project import EMBEDDING, Project

_MEANT = {
    "session.lst": "session.list",
    "session list --json": "session.list --json",
    "session rmove x --force": "session.remove x --force",
    "sesion.list": "session.list",
    "lst": "session.list",
    "add x": "session.add x",
    "fleet pul x": "fleet.pull x",
    "biuld": "build",
    "session": "--list session",
    "fleet": "--list fleet",
    "session nonsense": "--list session",
    "session.nonsense": "--list",
    "nonsense": "--list",
    "help": "--list",
    "help session.add": "--help session.add",
    "help session add": "--help session.add",
    "help lst": "--help session.list",
    "help session": "--list session",
    "help qwxyz": "--list",
    "--help session.lst": "--help session.list",
    "--lst": "--list",
    "session.list --jsn": "session.list --json",
    "session.remove --forc x": "session.remove --force x",
    "session.logs x --lnes=5": "session.logs x --lines=5",
    "session.remove x --nonsense": "--help session.remove",
    "session.restore x --wait": "--help session.restore",
    "build --tarjet y": "build --target y",
    "session.send auth two words": "session.send auth 'two words'",
    "session.run x npm test --watch": "session.run x 'npm test --watch'",
    "session.run x ls --al": "session.run x 'ls --al'",
    "session.show a b": "--help session.show",
    "session.watch now": "--help session.watch",
    "session.answer": "--help session.answer",
    "session.add x --prompt": "--help session.add",
}  # fmt: skip
_OWN = """
from invoke import task


@task
def build(c, target="x"):
    print("built", target)


ns.add_task(build)
"""


@pytest.fixture
def with_own(project: Project) -> Project:
    (project.main / "tasks.py").write_text(EMBEDDING + _OWN)
    return project


def test_the_command_that_was_meant_can_be_pasted(with_own: Project) -> None:
    said = {line: with_own.inv(*line.split(), code=1) for line in _MEANT}

    assert {line: result.err.splitlines()[1:] for line, result in said.items()} == {
        line: [f"Run: inv {command}"] for line, command in _MEANT.items()
    }
    assert {result.out for result in said.values()} == {""}


def test_what_is_wrong_is_said_in_a_sentence(with_own: Project) -> None:
    first = {line: with_own.inv(*line.split(), code=1).err.splitlines()[0] for line in _MEANT}

    assert first["session.lst"] == 'No task "session.lst". Did you mean "session.list"?'
    assert first["session list --json"] == 'No task "session list". Did you mean "session.list"?'
    assert first["session"] == '"session" is a group of tasks, and needs the name of one.'
    assert first["session.list --jsn"] == 'session.list has no option --jsn. Did you mean "--json"?'
    assert first["session.remove x --nonsense"] == "session.remove has no option --nonsense."
    assert first["session.send auth two words"] == "Quote the message."
    assert first["session.show a b"] == 'Unexpected word "b": session.show takes only NAME.'
    assert first["session.watch now"] == 'Unexpected word "now": session.watch takes only options.'
    assert first["session.add x --prompt"] == "--prompt needs a value."


def test_what_is_right_is_as_before_also_in_tasks_of_ones_own(with_own: Project) -> None:
    assert with_own.inv("build", "--target", "y", "session.list", "build").out.splitlines()[0] == "built y"
    assert with_own.inv("session.remove", "--echo", "x", code=1).err.splitlines()[1].startswith('No session "x"')


def test_nothing_is_done_before_a_wrong_word(with_own: Project) -> None:
    assert with_own.inv("build", "session.lst", code=1).out == ""


def test_a_word_cannot_write_on_the_terminal(project: Project) -> None:
    assert "\x1b" not in project.inv("session.l\x1b[2Jst", code=1).err


def test_a_path_is_no_task(project: Project, tmp_path: Path) -> None:
    assert project.inv(str(tmp_path), code=1).err == f'No task "{tmp_path}".\nRun: inv --list\n'


def test_the_list_has_ones_own_tasks_first_then_the_sessions_with_the_everyday_tasks_first(with_own: Project) -> None:
    lines = with_own.inv("--list").out.splitlines()
    names = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]

    assert names[:4] == ["build", "session.add", "session.list", "session.show"]
    assert [name.partition(".")[0] for name in names[1:]] == ["session"] * len(session.TASKS) + ["fleet"] * 26
    scoped = with_own.inv("--list", "session").out.splitlines()
    assert [line.split()[0] for line in scoped if line.startswith("  .")][:2] == [".add", ".list"]
