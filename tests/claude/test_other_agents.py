"""Assistants other than Claude Code, chosen at add: started and continued as the configuration says."""

import json
from pathlib import Path

import pytest

from testing.project import Project, eventually


def _calls(sandbox: Path) -> list[list[str]]:
    log = sandbox / "called"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.mark.parametrize(
    ("agent", "begins", "resumes"),
    [
        ("codex", ["do it"], ["resume", "--last"]),
        ("gemini", ["--session-id", "ID", "do it"], ["--resume", "latest"]),
        ("copilot", ["--session-id", "ID", "-i", "do it"], ["--session-id", "ID"]),
        ("mine", ["new", "ID", "--fast", "do it"], ["old", "ID", "--fast"]),
    ],
)
def test_it_begins_and_continues_with_its_own_arguments(
    project: Project, sandbox: Path, agent: str, begins: list[str], resumes: list[str]
) -> None:
    project.configure(
        "session: {agents: {mine: {command: mine, args: [--fast], begin: [new, '{id}'], resume: [old, '{id}']}}}\n"
    )
    program = sandbox / "bin" / agent
    write = f"import json, sys; print(json.dumps(sys.argv[1:]), file=open('{sandbox}/called', 'a'))"
    program.write_text(f'#!/bin/sh\npython3 -c "{write}" "$@"\nexec sleep 600\n')
    program.chmod(0o755)

    project.inv("session.add", "x", "--agent", agent, "--prompt", "do it")
    own = project.row("x")["conversation"]
    eventually(lambda: _calls(sandbox))
    project.inv("session.stop", "x")
    project.inv("session.resume", "x")
    eventually(lambda: len(_calls(sandbox)) == 2)

    assert _calls(sandbox) == [[own if word == "ID" else word for word in words] for words in (begins, resumes)]
    assert "x doesn't run Claude Code" in project.inv("session.send", "x", "more", code=1).err
    assert project.row("x")["agent"]["name"] == agent


def test_an_unknown_one_is_refused_before_any_effect(project: Project) -> None:
    before = project.world()
    assert "No agent 'codx' in the setting agents." in project.inv("session.add", "x", "--agent", "codx", code=1).err
    assert project.world() == before
