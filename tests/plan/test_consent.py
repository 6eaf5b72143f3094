"""What nobody committed or approved is asked for, value by value: by a list of what is harmless, not of what is not."""

import shlex
import stat
from pathlib import Path
from typing import Any

import pytest

from tasks.config.harmless import Difference, find_differences
from tasks.config.schema import CHECKS
from tasks.config.settings import parse_settings
from tasks.plan import committed_configuration
from testing.project import CHECKOUT, INV, Project
from testing.terminal import enter, screen, shows, tmux
from tests.plan import test_row_consent

_NAMES = """
    HOME PATH XDG_CONFIG_HOME XDG_DATA_HOME ZDOTDIR CLAUDE_CONFIG_DIR ANTHROPIC_BASE_URL ANTHROPIC_API_KEY DOCKER_HOST
    LESSOPEN MAKEFLAGS RUSTC_WRAPPER LD_PRELOAD PYTHONPATH NODE_OPTIONS GIT_SSH_COMMAND BASH_ENV COMPOSE_FILE
    HTTPS_PROXY PGHOST DATABASE_URL EDITOR SHELL KUBECONFIG AWS_PROFILE MY_OWN
""".split()
_OWN_SECTIONS = {
    "run.shell": "run: {shell: /tmp/sh}", "run.env.HOME": "run: {env: {HOME: /tmp/x}}",
    "run.replace_env": "run: {replace_env: true}", "sudo.user": "sudo: {user: other}",
    "runners.remote": "runners: {remote: any}", "tasks.search_root": "tasks: {search_root: /tmp}",
}  # fmt: skip
# For each key of the configuration a value that is no preset's.
_CHANGES: dict[str, Any] = {
    "preset": "tally", "project": "other", "numbered": True, "worktree": "../w-{slug}", "branch": "b/{name}",
    "base": "HEAD~1", "fetch": True, "ports": {"backend_port": 9000}, "copy": ["x"], "link": ["x"],
    "env": {"x": {"A": "1"}}, "databases": {"x": {"A": "own"}}, "activate": "true", "host": "x.localhost",
    "setup": ["true"], "teardown": ["true"], "verify": ["true"],
    "env_file": ".env.x",
    "app_env": {"web": {"A": "1"}}, "variables": {"A": "b"}, "date": "%Y", "windows": [{"name": "x", "run": "true"}],
    "keep_removed": 3, "keep_removed_size": "1 GB", "thin": ["dist"], "compose": {"file": "c.yml"},
    "components": {"server": ["src"]}, "work_log": "LOG.md",
    "claude": {"command": "other"}, "agents": {"codex": {"command": "other"}},
    "hosts": {"box": {"host": "x", "path": "~/x"}}, "host_timeout": 3, "wait": 3,
    "pull_requests": False,
}  # fmt: skip
_HARMLESS = {
    "preset",
    "numbered",
    "ports",
    "keep_removed",
    "keep_removed_size",
    "host_timeout",
    "wait",
    "pull_requests",
}


def _uncommitted(project: Project, text: str) -> None:
    (project.main / "invoke.yaml").write_text(text)


def _changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the keys that are asked for when *before* was committed and *after* is there."""
    tables = [
        {"session": committed_configuration.as_table(parse_settings({"env_file": ".env", **each}))}
        for each in (before, after)
    ]
    return [each.key for each in find_differences(*tables)]


def test_a_variable_that_nobody_committed_is_asked_for(project: Project) -> None:
    project.configure("session: {windows: []}\n")
    for name in _NAMES:
        _uncommitted(project, f"session: {{windows: [], variables: {{{name}: /tmp/elsewhere}}}}\n")
        before = project.world()

        said = project.inv("session.add", "x", code=1).err

        assert f"    session.variables.{name}\n      + " in said
        assert said.endswith("\nRun: inv session.add x --yes\n"), name
        assert project.world() == before, name


def test_invokes_own_sections_count(project: Project) -> None:
    for key, text in _OWN_SECTIONS.items():
        project.configure("session: {windows: []}\n")
        _uncommitted(project, f"session: {{windows: []}}\n{text}\n")

        assert f"    {key}\n" in project.inv("session.add", "x", code=1).err
        project.configure(f"session: {{windows: []}}\n{text}\n")
        project.inv("session.add", "x", "--dry-run")


def test_no_time_limit_and_no_stream_of_the_configuration_is_for_our_own_steps(project: Project) -> None:
    project.configure("session: {windows: []}\ntimeouts: {command: 0.001}\nrun: {out_stream: x, watchers: [y]}\n")

    project.inv("session.add", "x")
    project.inv("session.remove", "x")


def test_the_shell_of_the_configuration_never_runs_our_own_steps(project: Project, sandbox: Path) -> None:
    shell = sandbox / "sh"
    shell.write_text(f'#!/bin/sh\ntouch {sandbox}/ran\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    project.inv("session.add", "x")
    _uncommitted(project, f"run: {{shell: {shell}}}\n")

    for task in (["session.list"], ["session.doctor"], ["session.stop", "x"], ["session.start", "x"]):
        project.inv(*task)
    project.inv("session.remove", "x")

    assert not (sandbox / "ran").exists()


@pytest.mark.parametrize("key", CHECKS)
def test_every_key_is_on_the_list_or_asked_for(key: str) -> None:
    assert key in _CHANGES, "a new key needs a value here; whether it is harmless is then your decision"

    for before, after in (({}, {key: _CHANGES[key]}), ({key: _CHANGES[key]}, {})):
        asked = [each for each in _changed(before, after) if each.startswith(f"session.{key}")]
        removed_whole = key == "compose" and not after
        assert bool(asked) == (key not in _HARMLESS and not removed_whole)


def test_what_is_on_the_list_is_not_asked_for(project: Project) -> None:
    project.configure("session: {windows: [], compose: {}, variables: {DEBUG: '0'}}\n")
    _uncommitted(
        project,
        "session: {preset: tally, windows: [], wait: 5, host_timeout: 5, keep_removed: 5, ports: {web_port: 8123},"
        " variables: {DEBUG: '1', LOG_LEVEL: debug, NO_COLOR: '1', API_PORT: '{web_port}'}}\nrun: {echo: true}\n",
    )

    assert "Would ask" not in project.inv("session.add", "x", "--dry-run").err


@pytest.mark.parametrize(
    ("before", "after", "asked"),
    [
        ({"variables": {"KUBECONFIG": "dev"}}, {}, ["session.variables.KUBECONFIG"]),  # then it is the person's own
        ({}, {"ports": {"HOME": 8000}}, ["session.ports.HOME"]),  # HOME=8000 in every window
        ({}, {"variables": {"LOG_LEVEL": "$(x)"}}, ["session.variables.LOG_LEVEL"]),
        ({"ports": {"http": 8000}}, {"ports": {"http": 8001}}, []),
        ({"windows": [{"name": "a", "dir": "x", "run": "y"}]}, {"windows": [{"name": "a", "run": "y"}]},
         ["session.windows.a.dir"]),
        ({"windows": [{"name": "a", "run": "y"}]}, {"windows": []}, []),
        ({"setup": ["a", "b"]}, {"setup": ["b", "a"]}, ["session.setup"]),
        ({"verify": ["a"]}, {}, ["session.verify"]),
    ],
)  # fmt: skip
def test_what_is_gone_or_moved_counts_where_something_else_runs(
    before: dict[str, Any], after: dict[str, Any], asked: list[str]
) -> None:
    whole: dict[str, Any] = {"windows": [], "ports": {}}
    assert _changed({**whole, **before}, {**whole, **after}) == asked


def test_a_secret_is_named_and_not_shown() -> None:
    assert Difference("session.variables.API_TOKEN", (), ("x",)).is_secret
    assert Difference("session.env.backend/.env.SECRET_KEY", (), ("x",)).is_secret
    assert Difference("sudo.password", (), ("x",)).is_secret
    assert not Difference("session.setup", (), ("x",)).is_secret
    assert not Difference("session.variables.HOME", (), ("x",)).is_secret


def test_old_and_new_are_shown_and_nothing_hides(project: Project) -> None:
    project.configure("session: {windows: [], setup: [npm ci], variables: {API_TOKEN: one}}\n")
    sly, note = "npm ci \\u202egnp.exe", "Be good.\\n    session.wait\\n      + 5"
    _uncommitted(
        project,
        f'session: {{windows: [], setup: ["{sly}"], variables: {{API_TOKEN: hunter2}}, claude: {{note: "{note}"}}}}\n',
    )

    said = project.inv("session.add", "x", code=1).err

    assert "    session.setup\n      - npm ci\n      + npm ci \\u202egnp.exe\n" in said
    assert "      + Be good.\n      +     session.wait\n      +       + 5\n" in said
    assert "    session.variables.API_TOKEN\n      - (hidden)\n      + (hidden)\n" in said
    assert "hunter2" not in said


def test_only_what_is_new_is_asked_and_only_in_this_repository(project: Project, sandbox: Path) -> None:
    _uncommitted(project, "session: {windows: [], setup: ['true']}\n")
    project.inv("session.add", "x", "--yes")
    _uncommitted(project, "session: {windows: [], setup: ['true'], variables: {HOME: /tmp/x}}\n")

    said = project.inv("session.add", "y", code=1).err

    assert "session.setup" not in said
    assert "session.variables.HOME" in said
    kept = sandbox / "state" / "tally-sessions"
    for file in (kept / "trusted.json", kept / "seal.key"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "true" not in (kept / "trusted.json").read_text()
    project.git("clone", "--quiet", str(project.main), str(sandbox / "dev" / "other"))
    other = Project(sandbox / "dev" / "other")
    _uncommitted(other, "session: {windows: [], setup: ['true']}\n")
    assert "session.setup" in other.inv("session.add", "x", code=1).err


def test_a_dry_run_says_what_would_be_asked_and_remembers_nothing(project: Project) -> None:
    _uncommitted(project, "session: {windows: [], setup: [touch ran]}\n")

    for _again in range(2):
        said = project.inv("session.add", "x", "--dry-run")
        assert "session.add would ask you to approve:\n    session.setup\n      + touch ran\n" in said.err
    assert project.inv("session.add", "x", "--dry-run", "--json").json


@pytest.mark.parametrize("file", ["invoke.yml", "invoke.json"])
def test_the_other_names_of_the_configuration_count_as_well(project: Project, file: str) -> None:
    project.unconfigure()
    text = '{"session": {"windows": [], "setup": ["true"]}}'
    (project.main / file).write_text(text)
    assert "session.setup" in project.inv("session.add", "x", code=1).err

    project.git("add", file)
    project.git("commit", "--quiet", "-m", "configure")

    project.inv("session.add", "x", "--dry-run")
    (project.main / file).write_text(text.replace('"true"', '"false"'))
    assert "      - true\n      + false\n" in project.inv("session.add", "x", code=1).err


def test_a_configuration_that_was_deleted_is_asked_for(project: Project) -> None:
    project.configure("session: {windows: [{name: web, run: serve}], setup: ['true'], variables: {KUBECONFIG: dev}}\n")
    project.inv("session.add", "x")

    for delete in (["rm", "--quiet", "--cached"], ["rm", "--quiet"]):
        project.git("reset", "--quiet", "--hard")
        project.git(*delete, "invoke.yaml")
        (project.main / "invoke.yaml").unlink(missing_ok=True)
        said = project.inv("session.add", "y", code=1).err
        assert "    session.setup\n      - true\n" in said
        assert "    session.variables.KUBECONFIG\n      - dev\n" in said
    project.git("commit", "--quiet", "-m", "delete")
    project.inv("session.add", "y", "--dry-run")


def test_the_configuration_of_a_sessions_branch_is_asked_for_as_well(project: Project) -> None:
    project.configure("session: {windows: []}\n")
    project.inv("session.add", "x")
    tree = project.worktree("x")
    (tree / "invoke.yaml").write_text("session: {windows: [], setup: [touch ran]}\n")
    project.git("commit", "--quiet", "-am", "sly", cwd=tree)

    assert "      + touch ran\n" in project.inv("session.add", "y", cwd=tree, code=1).err
    project.inv("session.add", "y")


def test_git_is_asked_once_for_a_configuration_that_is_committed(project: Project) -> None:
    project.configure("session: {windows: [], setup: ['true']}\n")
    project.inv("session.add", "x")
    shown = f"git -C {project.main} show HEAD:invoke.yaml"

    assert shown not in project.inv("--echo", "session.add", "y").err
    project.configure("session: {windows: [], setup: ['true', 'true']}\n")
    assert shown in project.inv("--echo", "session.add", "z").err


def test_approvals_that_others_could_have_written_do_not_count(project: Project, sandbox: Path) -> None:
    _uncommitted(project, "session: {windows: [], setup: ['true']}\n")
    project.inv("session.add", "x", "--yes")
    state = sandbox / "state" / "tally-sessions"
    state.chmod(0o770)

    said = project.inv("session.add", "y", code=1).err

    assert f"Other users may write to {state}" in said
    assert f"chmod go-w {state}" in said
    state.chmod(0o700)
    project.inv("session.add", "y")
    (state / "trusted.json").chmod(0o666)
    assert "session.setup" in project.inv("session.add", "z", code=1).err


def test_an_uncommitted_compose_file_counts_with_what_it_includes(project: Project) -> None:
    configured = "session: {windows: [], copy: [c.yml, deploy], compose: {file: c.yml}}\n"
    project.configure(configured)
    (project.main / "deploy").mkdir()
    (project.main / "c.yml").write_text("include: [deploy/db.yml]\nservices: {}\n")
    (project.main / "deploy" / "db.yml").write_text("services:\n  db: {image: postgres}\n")
    project.git("add", "--all")
    project.git("commit", "--quiet", "-m", "containers")
    assert "session.compose" not in project.inv("session.add", "x", "--dry-run", code=None).err

    (project.main / "deploy" / "db.yml").write_text("services:\n  db: {image: postgres, privileged: true}\n")

    said = project.inv("session.add", "x", code=1).err
    assert "    deploy/db.yml (content " in said
    assert "      -   db: {image: postgres}\n      +   db: {image: postgres, privileged: true}\n" in said


@pytest.mark.parametrize(("answer", "made"), [("y", True), ("", False), ("n", False)])
def test_on_a_terminal_it_is_asked_there_and_then(project: Project, answer: str, made: bool) -> None:
    _uncommitted(project, "session: {windows: [], setup: [touch ran]}\n")
    tmux("new-session", "-d", "-s", "person", "-x", "120", "-y", "40", "-c", str(project.main))
    (pane,) = tmux("list-panes", "-t", "person", "-F", "#{pane_id}").split()
    enter(pane, f"clear; {shlex.join([INV, 'session.add', 'x'])}; echo ended=$?")

    shows(pane, "Approve this for this repository? [y/N]")
    assert "      + touch ran" in screen(pane)
    assert not project.worktree("x").exists()
    enter(pane, answer)

    shows(pane, f"ended={0 if made else 1}")
    assert (project.worktree("x") / "ran").exists() is made
    assert ("Not approved, so nothing was changed." in screen(pane)) is not made
    if made:
        project.inv("session.add", "y")  # it was remembered


def test_hosts_that_a_repository_names_are_asked_for_where_they_are_used(project: Project) -> None:
    hosts = "session: {windows: [], hosts: {box: {host: sly.invalid, path: ~/x}}}\n"
    (Path.home() / ".invoke.yaml").write_text("session: {hosts: {own: {host: own.invalid, path: ~/x}}}\n")
    _uncommitted(project, hosts)

    said = project.inv("fleet.pull", "x", code=1).err

    assert "    session.hosts.box.host\n      + sly.invalid\n" in said
    assert "session.hosts.own" not in said
    assert said.endswith("\nRun: inv fleet.setup HOST --yes\n")
    assert "session.hosts" not in project.inv("session.add", "x", "--dry-run").err
    project.configure(hosts)
    assert "not committed or approved" not in project.inv("fleet.pull", "x", "--host", "box", code=1).err


def test_the_page_about_reliability_has_the_number_of_configurations_tried() -> None:
    pairs = next(mark for mark in test_what_is_gone_or_moved_counts_where_something_else_runs.pytestmark)
    added = len(_NAMES) + len(_OWN_SECTIONS)
    compared = 2 * len(CHECKS) + len(pairs.args[1])
    rows = 2 * len(test_row_consent._CHANGES)  # with and without a seal

    page = (CHECKOUT / "docs" / "about" / "reliability.md").read_text(encoding="utf-8")

    assert f"Configurations tried for consent: {added + compared}, of which {added} by `session.add`" in page
    assert f"Rows tried: {rows}, by `session.start`" in page


_EXTRA = "  setup: [touch ran]\n  verify: [test -e ran]\n  windows: []\n"


def _configure_uncommitted(project: Project, text: str) -> None:
    (project.main / "invoke.yaml").write_text(f"session:\n{text}")


def test_commands_that_are_not_committed_stop_add_and_are_named(project: Project) -> None:
    project.configure("released: 2026-13-45\n")  # a date that is none is a ValueError in YAML
    _configure_uncommitted(project, _EXTRA)
    before = project.world()

    said = project.inv("session.add", "x", code=1)

    assert "    session.setup\n      + touch ran\n    session.verify\n      + test -e ran\n" in said.err
    assert "--yes" in said.err
    assert project.world() == before


def test_passwords_are_not_told_and_what_a_shell_would_act_upon_is(project: Project) -> None:
    run, sly = "serve postgres://me:hun@ter2@db/x", "curl http://x;rm$IFS-rf@y"
    _configure_uncommitted(project, f"  setup: ['{sly}']\n  windows: [{{name: web, run: '{run}'}}]\n")

    asked = project.inv("session.add", "x", code=1).err
    planned = project.inv("session.add", "x", "--yes", "--dry-run").out

    assert f"      + {sly}\n" in asked
    assert "    session.windows.web.run\n      + serve postgres://…@db/x\n" in asked
    assert "run serve postgres://…@db/x" in planned
    assert "ter2" not in asked + planned


def test_a_name_that_would_be_a_command_where_it_is_put_into_one_is_asked_for(project: Project) -> None:
    for text in ("project: tally; ls", "worktree: ../$(ls)-{slug}"):
        _configure_uncommitted(project, f"  {text}\n  windows: []\n")

        assert f"      + {text.partition(': ')[2]}\n" in project.inv("session.add", "x", code=1).err


def test_a_variable_that_makes_programs_run_something_is_asked_for(project: Project) -> None:
    variables = "  variables: {BASH_ENV: /tmp/any, GIT_SSH_COMMAND: any, DEBUG: '1'}\n  windows: []\n"
    _configure_uncommitted(project, variables)

    said = project.inv("session.add", "x", code=1).err

    assert "    session.variables.BASH_ENV\n      + /tmp/any\n    session.variables.GIT_SSH_COMMAND\n" in said
    assert "      + any\nCommit them" in said
    project.configure(f"session:\n{variables}")
    project.inv("session.add", "x", "--dry-run")


def test_what_was_agreed_to_is_not_asked_again(project: Project) -> None:
    _configure_uncommitted(project, _EXTRA)
    project.inv("session.add", "x", "--yes")

    project.inv("session.add", "y")

    assert (project.worktree("x") / "ran").exists()
    assert (project.worktree("y") / "ran").exists()


def test_other_commands_are_asked_for_again(project: Project) -> None:
    _configure_uncommitted(project, _EXTRA)
    project.inv("session.add", "x", "--yes")
    _configure_uncommitted(project, _EXTRA.replace("ran", "other"))

    assert "touch other" in project.inv("session.add", "y", code=1).err


def test_committed_commands_and_those_of_a_preset_are_not_asked_for(project: Project) -> None:
    project.configure(f"session:\n{_EXTRA}")
    project.inv("session.add", "x")

    project.inv("session.add", "y", env={"INVOKE_SESSION_PRESET": "tally"})


def test_the_persons_own_file_counts_as_not_committed(project: Project) -> None:
    (Path.home() / ".invoke.yaml").write_text("session: {activate: 'echo hello'}\n")

    assert "echo hello" in project.inv("session.add", "x", code=1).err


def test_a_failing_setup_keeps_the_session_and_start_tries_it_again(project: Project) -> None:
    project.configure(
        "session:\n  activate: ' '\n  setup: ['echo told; test -e allowed || lx', touch after]\n  windows: []\n"
    )

    said = project.inv("session.add", "x", code=1)

    assert "Setup command failed: echo told; test -e allowed || lx" in said.err
    assert "told" in said.err
    assert not (project.worktree("x") / "after").exists()
    assert "stopped, setup failed" in project.inv("session.list").out
    assert project.listed("x")["setup_failed"] == ["echo told; test -e allowed || lx", "touch after"]
    assert "failed: echo told; test -e allowed || lx. Run: inv session.start x" in project.inv("session.show", "x").out
    assert "Setup command failed: touch after" in project.inv("session.start", "x", code=1).err
    (project.worktree("x") / "allowed").touch()
    assert "setup failed" not in project.inv("session.start", "x").out
    assert (project.worktree("x") / "after").exists()
    assert len(project.row("x")["setup_done"]) == 2
