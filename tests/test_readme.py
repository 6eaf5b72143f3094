"""What the README says is so: its examples run, its tables name every task, its configuration is the preset."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from invoke import Collection

from tasks import ns
from tasks.presets import PRESETS
from tasks.settings import load
from tests.project import CHECKOUT, EMBEDDING, Project, eventually

README = (CHECKOUT / "README.md").read_text()


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def _normal(text: str, project: Project) -> list[str]:
    """Return *text* with what differs from run to run made equal: seconds, ports, widths, the directory."""
    text = text.replace(str(project.top), "~/Dev")
    for pattern, same in (
        (r"\d+\.\d\d s", "0.00 s"),
        (r"\b8\d{3}\b", "8000"),
        (r"\b5\d{3}\b", "5000"),
        (r"\b\dm\b", "0m"),
    ):
        text = re.sub(pattern, same, text)
    return [re.sub(r"[ -]{2,}", "  ", line).strip() for line in text.splitlines()]


def _settled(listed: dict[str, object]) -> bool:
    return (listed["status"], listed["claude"]) == ("running", "idle")


def test_the_transcript_is_what_the_commands_print(project: Project) -> None:
    (transcript,) = _blocks("console")
    steps = re.findall(r"^\$ inv (.*)\n((?:(?!\$ ).*\n)*)", transcript, re.MULTILINE)
    assert len(steps) == 4

    for command, shown in steps:
        if command == "session.list":
            eventually(lambda: _settled(project.listed("feature-auth")))
        said = project.inv(*command.split())
        assert _normal(said.err + said.out, project) == _normal(shown, project)


def test_every_task_and_flag_is_in_the_table() -> None:
    session = ns.collections["session"]
    assert isinstance(session, Collection)

    for name, task in session.tasks.items():
        assert f"`session.{name}" in README
        for argument in task.get_arguments():
            assert argument.positional or f"--{argument.name.replace('_', '-')}" in README or argument.name == "json"
        for alias in task.aliases:
            assert f"`{alias}`" in README


def test_every_task_of_fleet_and_its_own_flags_are_in_the_table() -> None:
    part = README.split("## On other machines")[1].split("\n## ")[0]

    for name, task in ns.collections["fleet"].tasks.items():
        assert re.search(rf"`(fleet\.)?{name}[ `]", part), name
        own = [] if name in ns.collections["session"].tasks and name != "list" else task.get_arguments()
        for argument in own:
            assert argument.positional or f"--{argument.name.replace('_', '-')}" in part, (name, argument.name)


def test_the_configuration_shown_is_that_of_the_default_preset() -> None:
    (shown,) = _blocks("yaml")

    configured = yaml.safe_load(shown)["session"]

    assert load(configured) == load({})
    assert set(configured) - {"preset"} == set(PRESETS["points"])


def test_the_embedding_is_what_the_tests_embed() -> None:
    (shown,) = _blocks("python")

    assert shown == EMBEDDING


def test_the_set_up_commands_are_those_that_ci_runs() -> None:
    commands = [line for block in _blocks("sh") for line in block.splitlines()]
    ci = (CHECKOUT / ".ci" / "run").read_text()

    assert len(commands) == 2
    for part in ("python3 -m venv .venv", ".venv/bin/pip install --quiet '.[test]'", ".venv/bin/inv test"):
        assert part in commands[1]
        assert part in ci


_FRONT_DOOR = re.findall(r"\w+", re.findall(r"^for each in \((.*)\):$", (CHECKOUT / "tasks.py").read_text(), re.M)[-1])
_TASKS = [f"{name}.{task}" for name, collection in ns.collections.items() for task in collection.tasks]


def test_the_front_door_is_what_this_repository_has_beside_the_sessions() -> None:
    assert {"demo", "test", "check", "bench", "embed", "docs"} <= set(_FRONT_DOOR)


@pytest.mark.parametrize("task", [*_TASKS, *_FRONT_DOOR])
def test_every_task_explains_itself_with_an_example(task: str) -> None:
    inv = Path(sys.executable).with_name("inv")

    said = subprocess.run([inv, "--help", task], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout

    assert f"Example: inv {task}" in said
