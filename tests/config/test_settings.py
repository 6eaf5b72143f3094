"""The `session:` part of Invoke's configuration: what is taken, what is refused, and where it may come from."""

from pathlib import Path
from typing import Any

import pytest

from tasks.config import settings
from tasks.config.presets import PRESETS
from tasks.config.schema import CHECKS
from tasks.errors import SessionError
from testing.project import Project

_WRONG: list[tuple[dict[str, Any], str]] = [
    ({"colour": "red"}, "session.colour is not a setting."),
    ({"preset": "none"}, "session.preset: no preset"),
    ({"preset": 5}, "session.preset must be text"),
    ({"project": 5}, "session.project must be text"),
    ({"project": ""}, "session.project is empty"),
    ({"worktree": ["a"]}, "session.worktree must be text"),
    ({"branch": {"a": "b"}}, "session.branch must be text"),
    ({"branch": "a\nb"}, "session.branch .*control character"),
    ({"base": 1.5}, "session.base must be text"),
    ({"fetch": "maybe"}, "session.fetch must be true, false or background"),
    ({"fetch": 1}, "session.fetch must be true, false or background"),
    ({"ports": [8000]}, "session.ports must be a table"),
    ({"ports": {"backend_port": "8000"}}, "session.ports.backend_port must be a port number"),
    ({"ports": {"backend_port": True}}, "session.ports.backend_port must be a port number"),
    ({"ports": {"backend_port": 0}}, "session.ports.backend_port must be a port from 1 to 65535, not 0"),
    ({"ports": {"backend_port": 65536}}, "session.ports.backend_port must be a port from 1 to 65535, not 65536"),
    ({"ports": {8000: 8000}}, "session.ports.8000 must be text"),
    ({"numbered": "often"}, "session.numbered must be true or false"),
    ({"ports": {"offsets": {"A": -1}}}, "session.ports.offsets.A must be a whole number, 0 or more"),
    ({"ports": {"offsets": {"A": "0"}}}, "session.ports.offsets.A must be a whole number"),
    ({"ports": {"offsets": {"name": 0}}}, "session.ports.offsets.name: .name. is not a valid name for a port"),
    ({"ports": {"seal": 8000}}, "session.ports.seal: .seal. is not a valid name for a port"),
    ({"ports": {"offsets": {"A": 1, "B": 1}}}, "session.ports.offsets has the same offset twice"),
    ({"ports": {"offsets": [1]}}, "session.ports.offsets must be a table"),
    ({"ports": {"offsets": {}, "base": 0}}, "session.ports.base must be a port from 1 to 65535, not 0"),
    ({"ports": {"offsets": {}, "stride": 0}}, "session.ports.stride must be .* not 0"),
    ({"ports": {"offsets": {}, "stride": 1.5}}, "session.ports.stride must be a whole number"),
    ({"ports": {"offsets": {}, "step": 1}}, "session.ports.step is not a setting."),
    ({"env_file": ["a"]}, "session.env_file must be text"),
    ({"env_file": "../.env"}, "session.env_file: .* is outside of the repository"),
    ({"env_file": ".env.s", "app_env": {"a": "b"}}, "session.app_env.a must be a table"),
    ({"env_file": ".env.s", "app_env": {"/a": {}}}, r"session.app_env./a: .* is outside of the repository"),
    (
        {"env_file": ".env.s", "app_env": {"a": {"B-C": "d"}}},
        "session.app_env.a.B-C: .* is not a valid name for a variable",
    ),
    ({"env_file": ".env.s", "app_env": {"a": {"B": True}}}, "session.app_env.a.B must be text"),
    ({"app_env": {"a": {"B": "c"}}}, "session.app_env needs the setting env_file"),
    ({"copy": "a"}, "session.copy must be a list"),
    ({"project": "a" * 200_000}, "session.project is longer than 100,000 characters"),
    ({"variables": {"A": "a" * 200_000}}, "session.variables.A is longer than 100,000 characters"),
    ({"copy": "a" * 1000}, "session.copy must be a list, not .{200}…."),
    ({"copy": ["ok", 7]}, r"session.copy\[1\] must be text"),
    ({"copy": ["../secret"]}, r"session.copy\[0\]: .* is outside of the repository"),
    ({"copy": ["/etc/passwd"]}, r"session.copy\[0\]: .* is outside of the repository"),
    ({"link": ["a/../../b"]}, r"session.link\[0\]: .* is outside of the repository"),
    ({"link": {"a": "b"}}, "session.link must be a list"),
    ({"env": {"../.env": {"A": "b"}}}, r"session.env\.\.\./\.env: .* is outside of the repository"),
    ({"env": {".env": ["A=b"]}}, r"session.env\.\.env must be a table"),
    ({"env": {".env": {"A": True}}}, r"session.env\.\.env\.A must be text"),
    ({"env": {".env": {"A": None}}}, r"session.env\.\.env\.A must be text"),
    ({"activate": 1}, "session.activate must be text"),
    ({"setup": "make"}, "session.setup must be a list"),
    ({"verify": "make"}, "session.verify must be a list"),
    ({"setup": [" "]}, r"session.setup\[0\] is empty"),
    ({"windows": [{"run": "x"}]}, r"session.windows\[0\] must be a table with at least `name`"),
    ({"windows": [{"name": "a", "cmd": "x"}]}, r"session.windows\[0\].cmd is not a setting."),
    ({"windows": [{"name": "a", "dir": "../b"}]}, r"session.windows\[0\].dir: .* is outside of the repository"),
    ({"windows": [{"name": "a", "run": "x", "type": "y"}]}, r"session.windows\[0\] has more than one of"),
    ({"compose": "docker-compose.yml"}, "session.compose must be a table"),
    ({"compose": {"files": "a"}}, "session.compose.files is not a setting."),
    ({"compose": {"file": "../a.yml"}}, "session.compose.file: .* is outside of the repository"),
    ({"compose": {"profiles": "apps"}}, "session.compose.profiles must be a list"),
    ({"compose": {"wait": 0}}, "session.compose.wait must be a number of seconds"),
    ({"wait": 1e300}, "session.wait must be a number of seconds"),
    ({"windows": [{"name": "a", "needs": "../b"}]}, r"session.windows\[0\].needs: .* is outside of the repository"),
    ({"work_log": 5}, "session.work_log must be a file, or a table"),
    ({"work_log": "../x.md"}, "session.work_log.file: .* is outside of the repository"),
    ({"work_log": {"files": "x"}}, "session.work_log.files is not a setting."),
    ({"work_log": {"templates": {}}}, "session.work_log.templates is empty"),
    ({"work_log": {"templates": {"a": "no place"}}}, r"session.work_log.templates.a must contain {status}"),
    ({"work_log": {"templates": {"a": "{status}\a"}}}, "session.work_log.templates.a contains a control"),
    ({"work_log": {"templates": {"a": "<!-- {status}"}}}, "session.work_log.templates.a contains .* comment"),
    ({"claude": "aider"}, "session.claude must be a table"),
    ({"claude": {"model": "opus"}}, "session.claude.model is not a setting. Known: command, args, note, notify"),
    ({"claude": {"command": ""}}, "session.claude.command is empty"),
    ({"claude": {"args": "--model opus"}}, "session.claude.args must be a list"),
    ({"claude": {"args": [5]}}, r"session.claude.args\[0\] must be text"),
    ({"claude": {"note": "a\x1bb"}}, "session.claude.note contains a control character"),
    ({"claude": {"notify": ["a"]}}, "session.claude.notify must be text"),
    ({"windows": [{"name": "a", "claude": "perhaps"}]}, r"session.windows\[0\].claude must be true or false"),
]


@pytest.mark.parametrize(("configured", "message"), _WRONG)
def test_a_wrong_value_is_refused_and_its_key_named(configured: dict[str, Any], message: str) -> None:
    with pytest.raises(SessionError) as error:
        settings.parse_settings(configured)

    assert error.match(message)


def test_nothing_configured_is_the_points_preset() -> None:
    found = settings.parse_settings({})

    assert (found.preset, found.ports) == ("points", {"backend_port": 8000, "frontend_port": 5000})
    assert (found.project, found.activate) == (None, None)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_passes_its_own_checks(preset: str) -> None:
    assert settings.parse_settings({"preset": preset}).preset == preset


def test_tally_links_the_database_that_points_copies() -> None:
    assert "backend/db.sqlite3" in settings.parse_settings({"preset": "tally"}).link
    assert "backend/db.sqlite3" in settings.parse_settings({"preset": "points"}).copy


def test_none_means_not_given() -> None:
    assert settings.parse_settings(dict.fromkeys(CHECKS)) == settings.parse_settings({})


def test_a_given_key_replaces_the_whole_value_of_the_preset() -> None:
    assert settings.parse_settings({"ports": {"app_port": 8001}}).ports == {"app_port": 8001}


def test_who_gives_arguments_keeps_the_note() -> None:
    note = settings.parse_settings({}).claude["note"]

    assert settings.parse_settings({"claude": {"args": ["--model", "opus"]}}).claude == {
        "command": "claude", "args": ["--model", "opus"], "notify": "", "note": note,
    }  # fmt: skip
    assert settings.parse_settings({"claude": {"note": ""}}).claude["note"] == ""


def test_empty_lists_and_tables_are_given_values() -> None:
    found = settings.parse_settings({"ports": {}, "copy": [], "env": {}, "windows": [], "activate": ""})

    assert (found.ports, found.copy, found.env, found.windows, found.activate) == ({}, [], {}, [], "")


@pytest.mark.parametrize(("text", "expected"), [("1", True), ("true", True), ("0", False), ("False", False)])
def test_a_switch_may_come_from_an_environment_variable(text: str, expected: bool) -> None:
    assert settings.parse_settings({"fetch": text}).fetch is expected


def test_a_work_log_is_off_a_file_or_a_table_in_which_the_rest_is_the_guides() -> None:
    guide = settings.parse_settings({"preset": "parallel"}).work_log

    assert settings.parse_settings({"preset": "parallel", "work_log": ""}).work_log == {}
    assert settings.parse_settings({"work_log": "docs/LOG.md"}).work_log == {**guide, "file": "docs/LOG.md"}
    assert settings.parse_settings({"work_log": {"templates": {"own": "{status}\n"}}}).work_log == {
        "file": "WORK_LOG.md",
        "templates": {"own": "{status}"},
    }


def test_numbers_in_env_become_text() -> None:
    assert settings.parse_settings({"env": {".env": {"PORT": 80, "RATE": 0.5}}}).env == {
        ".env": {"PORT": "80", "RATE": "0.5"}
    }


def test_variables_are_read_by_key_and_others_are_not_ours() -> None:
    variables = {
        "INVOKE_SESSION_PROJECT": "p",
        "INVOKE_SESSION_COLOUR": "red",
        "INVOKE_RUN_ECHO": "1",
        "SESSION_BASE": "b",
    }

    assert settings.settings_from_environment(variables) == {"project": "p"}


def test_an_environment_variable_sets_a_key(project: Project) -> None:
    said = project.inv("session.add", "x", "--dry-run", env={"INVOKE_SESSION_PROJECT": "other"})

    assert "tmux session other-x " in said.out


def test_an_environment_variable_chooses_the_preset(project: Project) -> None:
    project.unconfigure()

    said = project.inv("session.add", "x", "--dry-run", env={"INVOKE_SESSION_PRESET": "tally"})

    assert "windows backend, frontend, claude\n" in said.out


def test_the_projects_invoke_yaml_is_used_and_the_environment_wins(project: Project) -> None:
    project.configure("session:\n  project: ours\n  branch: 'x-{name}'\n")

    said = project.inv("session.add", "y", "--dry-run", env={"INVOKE_SESSION_PROJECT": "mine"})

    assert "on new branch x-y from main" in said.out
    assert "tmux session mine-y " in said.out


def test_the_users_invoke_yaml_is_used_and_the_projects_wins(project: Project, sandbox: Path) -> None:
    (sandbox / "home" / ".invoke.yaml").write_text("session:\n  project: personal\n  branch: 'me/{name}'\n")
    project.configure("session:\n  project: ours\n")

    said = project.inv("session.add", "y", "--dry-run")

    assert "on new branch me/y from main" in said.out
    assert "tmux session ours-y " in said.out


def test_tables_in_invoke_yaml_are_used(project: Project) -> None:
    project.configure("session:\n  ports: {app_port: 9100}\n  env: {.env: {PORT: '{app_port}'}}\n  windows: []\n")

    said = project.inv("session.add", "y", "--dry-run")

    assert "app        http://localhost:91" in said.out


@pytest.mark.parametrize("text", ["session:\n", "session: 5\n", "session: [a]\n"])
def test_a_session_key_that_is_no_table_is_one_line_and_no_traceback(project: Project, text: str) -> None:
    (Path.home() / ".invoke.yaml").unlink(
        missing_ok=True
    )  # Invoke itself gives up on a table in one and none in the other
    project.configure(text)

    said = project.inv("session.add", "y", "--dry-run", code=1)

    assert "session must be a table" in said.err


def test_an_unknown_key_in_invoke_yaml_is_refused_by_add(project: Project) -> None:
    project.configure("session:\n  colour: red\n")

    said = project.inv("session.add", "y", code=1)

    assert said.err.startswith(f"{project.main}/invoke.yaml:2: session.colour is not a setting.")
    project.configure("session:\n  ports: {}\n")
    variable = project.inv("session.add", "y", code=1, env={"INVOKE_SESSION_COPY": "x"}).err
    assert variable.startswith("INVOKE_SESSION_COPY: session.copy must be a list")
    assert not project.worktree("y").exists()


@pytest.mark.parametrize("key", ["worktree", "branch", "state", "ports", "name", "slug", "tmux", "copy"])
def test_a_port_key_that_a_row_or_a_placeholder_needs_is_refused(key: str) -> None:
    with pytest.raises(SessionError, match=r"session\.ports"):
        settings.parse_settings({"ports": {key: 8000}})
