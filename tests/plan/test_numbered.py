"""Sessions with a number for a NAME: the first free one, its ports by formula, its env files."""

import json
import os
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import dotenv
import pytest

from tasks.config.settings import Settings, parse_settings
from tasks.errors import SessionError
from tasks.model import Repository
from tasks.plan import add, contents
from tasks.store import ports
from tasks.system import locks
from testing import port_slot
from testing.project import INV, Project

# Ten numbers of ten ports each, which no other process of a test run uses.
_BASE = 12000 + 10 * port_slot.own()
_PORTS = f"{{base: {_BASE}, stride: 10, offsets: {{APP_PORT: 0, POSTGRES_PORT: 3}}}}"
_APPS = (
    "{frontend: {DATABASE_URL: 'postgres://p:p@localhost:${POSTGRES_PORT}/d', KEEP: '${NOPE} $APP_PORT'}, gone: {A: b}}"
)


def configure(project: Project, more: str = "") -> None:
    """Make *project* one of numbered sessions, with nothing of a person's own configuration."""
    (Path.home() / ".invoke.yaml").unlink(missing_ok=True)
    project.configure(f"session:\n  preset: dev-session\n  ports: {_PORTS}\n  compose: {{}}\n  windows: []\n{more}")


def place(project: Project, name: str) -> Path:
    return project.top / "tally-sessions" / f"session-{name}"


@contextmanager
def listening(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port)):
        yield


def test_without_a_name_it_is_the_first_id_with_nothing_in_its_way(project: Project) -> None:
    configure(project)
    today = datetime.now().astimezone().strftime("%Y-%m-%d")
    project.git("branch", f"session/{today}/002")
    place(project, "001").mkdir(parents=True)

    busy = project.main / ".git" / "tally-sessions" / "session-004.lock"
    with listening(_BASE + 33), locks.file_lock(busy):  # somebody is just removing 004
        adds = [
            subprocess.Popen(
                [INV, "session.create"], cwd=project.main, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            for _each in range(3)
        ]
        said = [each.communicate(timeout=60)[0].decode() for each in adds]
        taken = project.inv("session.add", "003", code=1).err

    assert [each.returncode for each in adds] == [0] * 3, said
    rows = json.loads((project.main / ".tally-sessions").read_text())
    assert sorted(rows) == ["005", "006", "007"]
    row = rows["005"]
    assert (row["APP_PORT"], row["POSTGRES_PORT"], row["ports"]) == (
        _BASE + 50,
        _BASE + 53,
        ["APP_PORT", "POSTGRES_PORT"],
    )
    assert (row["worktree"], row["branch"]) == (str(place(project, "005")), f"session/{today}/005")
    assert f"Session 003 can't have its ports: POSTGRES_PORT {_BASE + 33} is in use by process {os.getpid()}" in taken
    assert '"7" is not a session number' in project.inv("session.add", "7", code=1).err
    assert f"{place(project, '001')} already exists" in project.inv("session.add", "001", code=1).err
    assert f"on existing branch session/{today}/002" in project.inv("session.add", "002", "--dry-run").out
    assert f"session-003 on new branch session/{today}/003" in project.inv("session.add", "--dry-run").out
    shown = project.inv("session.show", "005").out
    assert all(f"\n{label:<13} " in shown for label in ("APP_PORT", "POSTGRES_PORT", "worktree", "commit"))
    assert "on new branch own from main" in project.inv("session.add", "--branch", "own", "--dry-run").out
    taken = project.inv("session.add", "--branch", "main", "--dry-run", code=1).err
    assert f"main is checked out at {project.main}. Choose another NAME, or another --branch" in taken


def test_env_files_are_private_ignored_remade_and_follow_the_ports(project: Project) -> None:
    """Beside a session whose ports were counted, in the same repository."""
    project.configure("session: {windows: []}\n")
    project.inv("session.add", "x")
    counted = project.row("x")["backend_port"]
    configure(project, f"  app_env: {_APPS}\n  variables: {{SESSION_ID: '{{name}}', API: 'at:{{POSTGRES_PORT}}'}}\n")

    said = project.inv("session.add", "001")

    tree = place(project, "001")
    own, app = tree / ".env.session", tree / "frontend" / ".env.session"
    number = {"SESSION_ID": "001"}
    url = f"postgres://p:p@localhost:{_BASE + 13}/d"
    assert own.read_text() == (
        f"SESSION_ID=001\nAPI=at:{_BASE + 13}\nAPP_PORT={_BASE + 10}\nPOSTGRES_PORT={_BASE + 13}\n"
    )
    assert dotenv.dotenv_values(app, interpolate=False) == {**number, "DATABASE_URL": url, "KEEP": "${NOPE} $APP_PORT"}
    assert "001: gone/.env.session was not written: gone doesn't exist on this branch." in said.err
    assert {stat.S_IMODE(file.stat().st_mode) for file in (own, app)} == {0o600}
    assert project.git("status", "--porcelain", cwd=tree) == ""
    listed = {each["name"]: each["ports"] for each in project.inv("session.list", "--json").json}
    assert (listed["x"]["backend_port"], listed["001"]["APP_PORT"]) == (counted, _BASE + 10)

    own.unlink()
    app.write_text(f"DATABASE_URL={url}\nMINE=1\n")
    assert "001: .env.session is missing" in project.inv("session.doctor", code=1).out
    project.inv("session.resume", "001")
    assert f"APP_PORT={_BASE + 10}\n" in own.read_text()
    assert "MINE=1" in app.read_text()

    kept = project.inv("session.remove", "001").out
    assert "Removed 001. Saved .env.session, frontend/.env.session." in kept
    with listening(_BASE + 13):
        project.inv("session.restore", "001")
    moved = project.row("001")["POSTGRES_PORT"]
    assert moved != _BASE + 13
    assert f"POSTGRES_PORT={moved}\n" in own.read_text()
    assert project.row("001")["variables"]["API"] == f"at:{moved}"
    follows = url.replace(str(_BASE + 13), str(moved))
    assert app.read_text() == f"DATABASE_URL={follows}\nMINE=1\nSESSION_ID=001\nKEEP='${{NOPE}} $APP_PORT'\n"
    project.inv("session.remove", "--all")
    assert "env.session" not in (project.main / ".git" / "info" / "exclude").read_text()


def settings(**configured: object) -> Settings:
    return parse_settings(
        {"preset": "dev-session", "ports": {"base": 20000, "stride": 100, "offsets": {"A": 0, "B": 5}}, **configured}
    )


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every port be free."""
    monkeypatch.setattr(ports, "is_port_free", lambda _port: True)


@pytest.mark.usefixtures("free")
def test_a_number_has_its_ports_and_another_name_those_of_the_first_free_number() -> None:
    assert add.ports_of("042", settings(), set()) == {"A": 24200, "B": 24205}
    assert add.ports_of("feature", settings(), {20105, 20200}) == {"A": 20300, "B": 20305}
    assert add.ports_of("2026", settings(), set()) == {"A": 20100, "B": 20105}


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize(
    ("name", "base", "held", "reason"),
    [
        ("456", 20000, set(), "A would be 65600, above the highest port, 65535"),
        ("455", 20031, set(), "B would be 65536, above"),
        ("001", 20000, {20105}, "B 20105 belongs to another session"),
        ("x", 65400, {65500}, "No number from 001 to 999 has all of its ports free"),
    ],
)
def test_ports_that_cannot_be_had_are_refused_with_the_reason(
    name: str, base: int, held: set[int], reason: str
) -> None:
    by_formula = settings(ports={"base": base, "offsets": {"A": 0, "B": 5}})

    with pytest.raises(SessionError, match=reason):
        add.ports_of(name, by_formula, held)


@pytest.mark.parametrize("name", ["1", "000", "0001", "abc", "1000", "feature/x"])
def test_what_is_no_id_is_refused_where_sessions_are_numbered_only(name: str) -> None:
    with pytest.raises(SessionError, match=r"is not a session number\. .* 001 to 999"):
        add.check_numbered_name(name, settings())

    add.check_numbered_name(name, settings(numbered=False))


def test_a_name_may_be_left_out_where_sessions_are_numbered_only() -> None:
    add.check_numbered_name("", settings())

    with pytest.raises(SessionError, match="needs a NAME"):
        add.check_numbered_name("", parse_settings({}))


def test_a_compose_project_gets_a_name_that_compose_takes() -> None:
    facts = {"name": "001", "project": "_My.App", "component": "", "worktree": "/w"}
    repository = Repository(Path("/r"), Path("/r/.git"))

    decided = contents.decide_contents(settings(activate=""), {**facts}, {"A": 1, "low_port": 2}, repository)

    assert decided["variables"]["COMPOSE_PROJECT_NAME"] == "my-app-001"
    assert decided["env"][".env.session"]["LOW_PORT"] == "2"


def test_what_is_configured_for_a_file_of_ours_wins_and_an_app_at_the_top_shares_the_file() -> None:
    files = {".env.session": {"A": "own"}}
    configured = settings(activate="", env=files, app_env={".": {"URL": "${low_port} ${LOW_PORT} {x}"}}, variables={})

    decided = contents.decide_contents(
        configured,
        {"x": "fact", "component": "", "worktree": "/w"},
        {"A": 1, "low_port": 2},
        Repository(Path("/r"), Path("/g")),
    )

    assert decided["env"] == {".env.session": {"A": "own", "LOW_PORT": "2", "URL": "2 2 fact"}}
