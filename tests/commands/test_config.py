"""`session.config`: what is configured, where, and whether it is right."""

import json
from pathlib import Path

import yaml

from tasks.config.schema import CHECKS
from testing.project import Project

_OWN = "session: {wait: 90, variables: {API_TOKEN: s3cret}, claude: {notify: bell}}\n"


def test_each_value_is_shown_with_its_place(project: Project, sandbox: Path) -> None:
    project.configure("# ours\nsession:\n  preset: tally\n  base: main\n  claude: {command: other}\n")
    (sandbox / "home" / ".invoke.yaml").write_text(_OWN)

    said = project.inv("session.config", env={"INVOKE_SESSION_BASE": "origin/main"}).out

    rows = {line.split(":")[0].strip(): line.rpartition("# ")[2] for line in said.splitlines()[1:]}
    assert rows["preset"] == f"{project.main}/invoke.yaml:3".replace(str(sandbox / "home"), "~")
    assert rows["base"] == f"INVOKE_SESSION_BASE, {project.main}/invoke.yaml:4"
    assert rows["wait"] == "~/.invoke.yaml:1"
    assert rows["claude"] == f"{project.main}/invoke.yaml:5, ~/.invoke.yaml:1"
    assert rows["link"] == "preset tally"
    shown = yaml.safe_load(said)["session"]
    assert set(shown) == set(CHECKS)
    assert shown["claude"]["note"] == "…"
    assert (shown["base"], shown["claude"]["command"], shown["wait"]) == ("origin/main", "other", 90)


def test_values_of_variables_are_shown_to_nobody(project: Project, sandbox: Path) -> None:
    (sandbox / "home" / ".invoke.yaml").write_text(_OWN)

    for arguments in ((), ("--json",), ("--explain", "variables")):
        said = project.inv("session.config", *arguments).out
        assert "API_TOKEN" in said and "s3cret" not in said


def test_one_key_is_explained(project: Project) -> None:
    project.configure("session: {wait: 90}\n")

    said = project.inv("session.config", "--explain", "wait").out
    record = json.loads(project.inv("session.config", "--explain", "session.wait", "--json").out)

    assert said.splitlines()[0] == "wait: seconds that `--wait` waits for the servers to respond"
    assert said.splitlines()[2:] == [
        "value    90",
        f"from     {project.main}/invoke.yaml:1",
        "default  60 (preset points)",
    ]
    assert record == {"wait": {"value": 90, "from": f"{project.main}/invoke.yaml:1"}}
    assert 'Did you mean "wait"?' in project.inv("session.config", "--explain", "wiat", code=1).err


def test_the_check_names_every_problem_and_changes_nothing(project: Project) -> None:
    project.configure("session:\n  wait: soon\n  copyy: []\n  ports: {a: 0}\n  verify: ['true']\n")
    before = project.world()

    said = project.inv("session.config", "--check", code=1).err

    places = [line.removeprefix("Error: ").partition(": session.")[0] for line in said.splitlines()]
    assert sorted(places) == [f"{project.main}/invoke.yaml:{number}" for number in (2, 3, 4)]
    assert project.world() == before


def test_the_check_sees_unknown_placeholders_and_what_nobody_approved(project: Project) -> None:
    project.configure("session: {setup: ['echo {prot}']}\n")
    assert "unknown placeholder {prot}" in project.inv("session.config", "--check", code=1).err

    project.configure("session: {windows: []}\n")
    (project.main / "invoke.yaml").write_text("session: {windows: [], setup: ['true']}\n")
    checked = project.inv("session.config", "--check")

    assert checked.out == "The configuration has no problems.\n"
    assert "session.add would ask you to approve:" in checked.err and "session.setup" in checked.err
