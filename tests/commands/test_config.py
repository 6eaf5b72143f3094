"""`session.config`: what is configured, where, and whether it is right."""

import json
from pathlib import Path

import yaml

from tasks.config.schema import CHECKS
from testing.project import Project

_OWN = """session:
  wait: 90
  variables: {API_TOKEN: s3cret, DATABASE_URL: "postgres://me:s3cret@db/x", MODE: fast}
  claude: {notify: bell}
"""


def test_each_value_is_shown_with_its_place(project: Project, sandbox: Path) -> None:
    project.configure("# ours\nsession:\n  preset: tally\n  base: main\n  claude: {command: other}\n")
    (sandbox / "home" / ".invoke.yaml").write_text(_OWN)

    said = project.inv("session.config", env={"INVOKE_SESSION_BASE": "origin/main"}).out

    rows = {line.split(":")[0].strip(): line.rpartition("# ")[2] for line in said.splitlines()[1:]}
    assert rows["preset"] == f"{project.main}/invoke.yaml:3".replace(str(sandbox / "home"), "~")
    assert rows["base"] == f"INVOKE_SESSION_BASE, {project.main}/invoke.yaml:4"
    assert rows["wait"] == "~/.invoke.yaml:2"
    assert rows["claude"] == f"{project.main}/invoke.yaml:5, ~/.invoke.yaml:4"
    assert rows["link"] == "preset tally"
    shown = yaml.safe_load(said)["session"]
    assert set(shown) == set(CHECKS)
    assert shown["claude"]["note"] == "…"
    assert (shown["base"], shown["claude"]["command"], shown["wait"]) == ("origin/main", "other", 90)


def test_no_password_is_shown(project: Project, sandbox: Path) -> None:
    (sandbox / "home" / ".invoke.yaml").write_text(_OWN)

    for arguments in ((), ("--json",), ("--explain", "variables")):
        said = project.inv("session.config", *arguments).out
        assert "API_TOKEN" in said and "s3cret" not in said
        assert "fast" in said and "@db/x" in said


def test_no_password_of_a_command_is_shown(project: Project) -> None:
    project.configure("""session:
  variables: {CONNECTION: "Server=x;Password=s3cret"}
  claude: {args: [--api-key, s3cret, --model, opus], command: "API_KEY='s3cret s3cret' claude"}
  setup: ["curl -H 'Authorization: Bearer s3cret' x", "git clone https://s3cret@h", "TOKEN=$TOKEN make --token {name}"]
  windows: [{name: a, run: "psql --password s3cret --port {app_port}"}]
  ports: {app_port: 8000}
""")

    for arguments in ((), ("--json",), ("--explain", "setup"), ("--explain", "windows")):
        assert "s3cret" not in project.inv("session.config", *arguments).out
    shown = project.inv("session.config", "--json").json
    assert shown["claude"]["value"]["args"] == ["--api-key", "…", "--model", "opus"]
    assert shown["setup"]["value"][2] == "TOKEN=$TOKEN make --token {name}"
    assert shown["windows"]["value"][0]["run"] == "psql --password … --port {app_port}"


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
    assert "\nvalue    5 GB\n" in project.inv("session.config", "--explain", "keep_removed_size").out
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
