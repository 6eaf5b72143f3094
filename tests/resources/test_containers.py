"""What is decided about containers, and how they are told apart, without an engine."""

import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from tasks import model
from tasks.errors import SessionError
from tasks.model import Compose, Repository, Request, Session, Window
from tasks.plan import compose
from tasks.store import rows
from tasks.tools import docker, docker_services
from tasks.tools.docker import Container
from testing.project import Project

_CONFIGURED = {"file": "dc.yml", "profiles": ["apps"], "wait": 60.0}
_TEXT = """
services:
  db: {image: a, ports: !reset []}
  web: {profiles: [apps], depends_on: {migrate: {condition: service_completed_successfully}}}
  tools: {profiles: [tools]}
  migrate:
  seed: {restart: "no"}
"""


def _chosen(**asked: Any) -> Compose:
    found = compose.compose_services("dc.yml", _TEXT)
    return compose.choose_services(Request("x", **asked), _CONFIGURED, found, "tally-x")


def _session(compose: Compose | None = None) -> Session:
    made = compose or _chosen()
    repository = Repository(Path("/tally"), Path("/tally/.git"))
    return Session("x", "x", repository, Path("/tally-x"), "x", {"app_port": 1}, "tally-x", compose=made)


def _container(service: str, status: str, **other: Any) -> Container:
    state = {"Up": "running", "Ex": "exited", "Cr": "created", "Re": "restarting"}[status[:2]]
    return Container(**{"id": service, "project": "tally-x", "directory": "/tally-x", "service": service,
                        "state": state, "status": status, "ports": (), **other})  # fmt: skip


def test_the_mode_chooses_the_services() -> None:
    assert _chosen().services == ("db", "web", "migrate", "seed")
    assert (_chosen().profiles, _chosen().once) == (("apps",), ("migrate", "seed"))
    assert _chosen(mode="native").services == ("db", "migrate", "seed")
    assert _chosen(mode="native").profiles == ()
    assert _chosen(without="web, seed").services == ("db", "migrate")
    odd = compose.choose_services(Request("x"), _CONFIGURED, {"db": {}, "x": {"profiles": 5}}, "tally-x")
    assert odd.services == ("db",)
    with pytest.raises(SessionError, match=r"--without tools: .* Services: db, web"):
        _chosen(without="tools")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("services: [\n", r"dc\.yml:2:1: not valid YAML"),
        ("a: 1\n", r"dc\.yml: expected a table `services`"),
        ("services: [db]\n", r"dc\.yml: expected a table `services`"),
        ("services: {db: postgres}\n", r"dc\.yml: expected a table `services`"),
        ("\tx", r"dc\.yml:1:1: not valid YAML"),
        ("services: {db: {released: 2026-13-45}}", r"dc\.yml: not valid YAML: month"),
    ],
)
def test_a_broken_file_is_named(text: str, message: str) -> None:
    with pytest.raises(SessionError, match=message):
        compose.compose_services("dc.yml", text)


def test_services_that_are_included_are_nobody_s_business() -> None:
    assert compose.compose_services("dc.yml", "include: [other.yml]\n") == {}


def test_a_row_says_what_was_decided_and_a_wrong_one_is_refused(sandbox: Path) -> None:
    session = _session()
    row = rows.session_row(session)
    read = rows.session_from_row("x", row, session.repository, lambda *_: pytest.fail("asked for settings"))
    assert read.compose == session.compose
    assert "compose" not in rows.session_row(Session("x", "x", session.repository, Path("/x"), "x", {}, "x"))

    for key, value in {"file": 1, "services": [1], "wait": "x", "colour": "red", "keeps_volumes": "no"}.items():
        wrong = {**row, "compose": {**row["compose"], key: value}}
        with pytest.raises(SessionError, match="has a wrong value"):
            rows.session_from_row("x", wrong, session.repository, lambda *_: pytest.fail("asked for settings"))


def test_its_windows_know_the_compose_project() -> None:
    found = _session().environment

    assert (found["COMPOSE_PROJECT_NAME"], found["COMPOSE_FILE"]) == ("tally-x", "/tally-x/dc.yml")


def test_each_state_of_a_container_is_told() -> None:
    found = [
        _container("db", "Up 3 seconds (healthy)"), _container("web", "Up 2 hours (health: starting)"),
        _container("migrate", "Exited (0) 1 second ago"), _container("db", "Exited (1) 1 second ago", by_hand=True),
        _container("cache", "Exited (137) 1 second ago"), _container("late", "Created"),
        _container("loop", "Restarting (1) 2 seconds ago"),
    ]  # fmt: skip

    told = {each.name: (each.state, each.up) for each in docker_services.list_services(_session(), found)}

    assert told == {
        "db": ("healthy", True), "web": ("starting", False), "migrate": ("done", True), "seed": ("missing", False),
        "cache": ("exited (137)", False), "late": ("created", False), "loop": ("restarting", False),
    }  # fmt: skip


def test_only_what_is_known_to_be_a_web_server_is_shown_as_one() -> None:
    keys = "APP_PORT POSTGRES_PORT REDIS_PORT docs_port TLS_PORT db_app_port EXPORTS".split()
    env = {"apps/web/.env": {"URL": "postgres://p:p@localhost:106/d", "TLS": "https://localhost:105/x?a=1071"}}
    session = _session()._replace(ports={key: 101 + at for at, key in enumerate(keys)}, env=env,
    worktree=Path("/nowhere"),
        windows=(Window("docs", run="mkdocs serve -a 104"), Window("docs", run="mkdocs serve -a localhost:104")),
    )  # fmt: skip

    assert [where for _key, where in model.list_addresses(session, session.windows)] == [
        "http://localhost:101", "localhost:102", "localhost:103", "http://localhost:104", "https://localhost:105",
        "localhost:106", "localhost:107",
    ]  # fmt: skip
    found = [_container("db", "Up 1 second", ports=(102, 9)), _container("web", "Up 1 second", ports=(10,))]
    told = {each.name: each.urls for each in docker_services.list_services(session, found)}
    assert (told["db"], told["web"]) == (("localhost:9", "localhost:102"), ("http://localhost:10",))


def test_only_its_own_file_makes_a_container_its_own() -> None:
    found = [_container("db", "Up 1 second", directory=place) for place in ("/tally-x", "/other", "/tally-x/b")]
    found += [_container("db", "Up 1 second", project="tally-x2")]

    assert docker.own_containers(_session(), found) == found[:1]


def test_a_port_answers_when_the_connection_lasts() -> None:
    """Docker's own proxy takes a connection before the container listens, and drops it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert docker_services.port_answers(port)
        server.accept()[0].close()
        dropped = threading.Thread(target=lambda: server.accept()[0].close())
        dropped.start()
        assert not docker_services.port_answers(port)
        dropped.join()
    assert not docker_services.port_answers(port)


def _without(sandbox: Path, *names: str) -> str:
    """Return a PATH on which the programs *names* are not."""
    place = sandbox / "programs"
    place.mkdir()
    for directory in reversed(os.environ["PATH"].split(os.pathsep)):
        for program in Path(directory).glob("*") if Path(directory).is_dir() else ():
            (place / program.name).unlink(missing_ok=True)
            if program.name not in names:
                (place / program.name).symlink_to(program)
    return str(place)


def test_what_is_in_the_way_is_told_before_anything_is_made(project: Project, sandbox: Path) -> None:
    compose = "session: {compose: {file: dc.yml}, windows: [{name: shell}]}\n"
    path = {"PATH": _without(sandbox, "docker")}
    before = project.world()
    assert "no compose file is configured" in project.inv("session.add", "x", "--mode", "native", code=1).err
    assert '--mode must be docker or native, not "x".' in project.inv("session.add", "x", "--mode", "x", code=1).err
    assert project.world() == before

    project.configure("session: {preset: dev-session}\n")
    assert "docker-compose.session.yml is left out: neither main nor" in project.inv("session.add", "007").err
    project.inv("session.remove", "007")
    project.configure(compose)
    before = project.world()
    assert "docker is not installed" in project.inv("session.add", "x", code=1, env=path).err
    (sandbox / "bin" / "docker").write_text("#!/bin/sh\nexit 1\n")
    (sandbox / "bin" / "docker").chmod(0o755)
    (sandbox / "bin" / "docker-compose").write_text("#!/bin/sh\nexit 1\n")
    (sandbox / "bin" / "docker-compose").chmod(0o755)
    assert "dc.yml is not in main" in project.inv("session.add", "x", code=1).err
    assert project.world() == before
    assert "has no containers" in _added(project).inv("session.logs", "y", "--service", "db", code=1).err
    assert "--lines must be a number of lines" in project.inv("session.logs", "y", "--lines", "x", code=1).err


def test_looking_survives_a_machine_without_docker(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(sandbox))

    assert docker_services.services_by_session([_session()]) == {"x": None}


def _added(project: Project) -> Project:
    project.configure("session: {compose: {}, windows: [{name: shell}]}\n")
    project.inv("session.add", "y")
    return project
