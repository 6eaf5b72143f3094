"""The README is true: its example runs, its tables name every task, and it stays one page."""

import re

import yaml

from tasks.collection import ns
from tasks.config.presets import PRESETS
from tasks.config.settings import parse_settings
from testing import transcript
from testing.project import CHECKOUT, Project

README = CHECKOUT / "README.md"
_TEXT = README.read_text(encoding="utf-8")
_LONGEST = 140  # lines: longer explanations belong in docs/


def test_it_stays_a_page() -> None:
    assert len(_TEXT.splitlines()) <= _LONGEST


def test_the_transcript_is_what_the_commands_print(project: Project) -> None:
    (project.main / "frontend" / "package-lock.json").write_text("{}\n")
    project.git("add", "--all")
    project.unconfigure()

    assert transcript.check(README, project, "~/Dev") == 4


def test_every_task_is_in_the_tables() -> None:
    tables = "".join(line for line in _TEXT.splitlines(keepends=True) if line.startswith("| `"))
    of_hosts = "".join(line for line in tables.splitlines(keepends=True) if "`fleet." in line)

    assert [name for name in ns.collections["session"].tasks if not re.search(rf"`session\.{name}[ `]", tables)] == []
    assert [name for name in ns.collections["fleet"].tasks if not re.search(rf"`(fleet\.)?{name}[ `]", of_hosts)] == []


def test_the_configuration_shown_is_that_of_the_default_preset() -> None:
    (shown,) = transcript.blocks(README, "yaml")
    ours, default = yaml.safe_load(shown)["session"], parse_settings({})

    windows = ours.pop("windows")

    assert windows == PRESETS["points"]["windows"][: len(windows)]
    assert parse_settings(ours) == default


def test_the_set_up_commands_are_those_that_ci_runs() -> None:
    commands = [line for block in transcript.blocks(README, "sh") for line in block.splitlines()]
    ci = (CHECKOUT / ".ci" / "run").read_text()

    assert len(commands) == 2
    for part in ("python3 -m venv .venv", ".venv/bin/pip install --quiet '.[test]'", ".venv/bin/inv test"):
        assert part in commands[1]
        assert part in ci
