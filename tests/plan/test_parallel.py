"""The preset parallel: what its sessions are made of, what is told before, what cannot be asked for."""

import socket
from contextlib import closing
from typing import Any

import pytest

from tasks.config import settings
from tasks.errors import SessionError
from tasks.model import Request
from tasks.plan import add, contents
from tasks.store import ports
from tasks.tools import git
from testing.project import Project, eventually
from testing.remotes import LIGHT, PARALLEL, PORT, others_push, share
from testing.terminal import enter, shows, windows

_PARALLEL = settings.parse_settings({"preset": "parallel"})


def test_a_session_begins_at_what_the_remote_has_now_with_its_port_and_profile(project: Project) -> None:
    (project.main / "Makefile").write_text("run: ; python3 backend/manage.py $(UVICORN_PORT)\n")
    project.git("add", "Makefile")
    project.configure(PARALLEL)
    share(project)
    newest = others_push(project, 2)

    assert "fetch" not in project.inv("session.add", "add-auth", "--dry-run").err
    said = project.inv("session.add", "add-auth", "--profile", "test,local", "--component", "server")
    assert "fetch      origin: origin/main was 2 commits behind  " in said.err
    row, there = project.row("add-auth"), windows("tally-add-auth")
    assert (row["base"], row["start"], list(there)) == ("origin/main", newest, ["server", "claude", "shell"])
    assert row["branch"] == f"session-{row['created'][:10].replace('-', '')}-add-auth"
    eventually(lambda: project.listed("add-auth")["answering"] == [row["app_port"]])
    enter(there["shell"], 'echo "$UVICORN_PORT $PGPT_PROFILES."')
    shows(there["shell"], f"{row['app_port']} test,local.")

    project.git("rm", "--quiet", "Makefile")
    project.git("commit", "--quiet", "-m", "no Makefile")
    said = project.inv("session.add", "bare", "--base", "main")
    assert "bare: Window server was left out: Makefile doesn't exist on this branch." in said.err
    assert list(windows("tally-bare")) == ["claude", "shell"]
    assert list(project.row("bare")["variables"]) == ["UVICORN_PORT"]


def test_a_restored_session_on_another_port_says_so_to_its_programs(project: Project) -> None:
    project.configure(LIGHT)
    project.inv("session.add", "x")
    port = project.row("x")["app_port"]
    project.inv("session.remove", "x")
    with closing(socket.create_server(("127.0.0.1", port))):
        project.inv("session.restore", "x")

    assert project.row("x")["app_port"] != port
    assert project.row("x")["variables"] == {"UVICORN_PORT": str(project.row("x")["app_port"])}


_FREE = next(port for port in range(PORT + 3000, PORT + 4000) if ports.is_port_free(port))


def told(project: Project, capsys: pytest.CaptureFixture[str], preset: str = "parallel", **facts: Any) -> list[str]:
    configured = settings.parse_settings({"preset": preset, "ports": {"app_port": _FREE}})
    repository = git.find_repository(project.main)
    add.warn_before_add(add.check_request(Request("new", **facts), configured, repository), configured, repository)
    return [line.removeprefix("  note       ") for line in capsys.readouterr().err.splitlines()]


def test_the_checklist_tells_what_is_changed_who_works_and_who_has_the_port(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.configure(LIGHT.replace(str(PORT), str(_FREE)))
    share(project)
    (project.main / "WORK_LOG.md").write_text("by hand\n")
    assert told(project, capsys) == []

    with closing(socket.create_server(("127.0.0.1", _FREE))):
        (line,) = told(project, capsys)
        assert line.startswith(f"Port {_FREE} is taken by process ")
    project.inv("session.add", "a", "--component", "ui")
    project.inv("session.add", "b")
    for name in ("z1", "z2", "z3", "z4", "z5"):
        (project.main / name).touch()
    assert told(project, capsys, component="ui") == [
        "The main checkout has uncommitted changes, which the session won't have: z1, z2, z3 and 2 more.",
        "Other sessions: a (ui), b.",
        "Component ui is already claimed by a.",
        f"Port {_FREE} is taken by session a. app_port will be another.",
    ]
    assert told(project, capsys, preset="points") == []


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"component": "a b"}, 'Invalid --component: "a b". Use letters'),
        ({"profile": "$(x)"}, r'Invalid --profile: "\$\(x\)"\. Use letters'),
        ({"component": "api"}, "No component .api. in the setting components. Known: ui, server"),
        ({"issue": "a\nb"}, "--issue must be one line"),
        ({"issue": "a\udcff"}, "--issue must be one line"),
        ({"eta": "<!-- x -->"}, "--eta must be one line of text without <!--"),
        ({"template": "odd"}, "No template .odd. in .* Known: feature, fix"),
    ],
)
def test_what_cannot_be_asked_for(facts: dict[str, Any], said: str) -> None:
    configured = _PARALLEL._replace(components={"ui": ["ui/"], "server": ["server/"]})

    with pytest.raises(SessionError) as error:
        contents.check_assignment(Request("x", **facts), configured)
    assert error.match(said)


def test_a_template_without_a_log_is_refused_and_a_component_without_any_configured_is_not() -> None:
    with pytest.raises(SessionError, match="the work log, which is off"):
        contents.check_assignment(Request("x", template="fix"), settings.parse_settings({}))
    contents.check_assignment(Request("x", component="any", profile="a,b", issue="« été » ✓", eta="4 h"), _PARALLEL)


def test_a_variable_that_says_nothing_is_left_out_and_one_configured_empty_is_not(project: Project) -> None:
    configured = _PARALLEL._replace(variables={"A": "{profile}", "B": "", "C": "c"}, windows=[])
    facts = {"profile": "", "project": "p", "component": "", "worktree": "/w"}

    assert contents.decide_contents(configured, facts, {}, git.find_repository(project.main))["variables"] == {
        "B": "",
        "C": "c",
    }
