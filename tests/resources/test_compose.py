"""Sessions with containers, on a real Docker engine and a real compose: whole stories, for each costs seconds."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from develop import detection
from develop.detection.facts import collect_facts
from testing import engine as engines
from testing import failing_inv
from testing.engine import IMAGE, Engine
from testing.project import INV, Project, eventually

# One engine for the whole run: these tests run in one worker.
pytestmark = pytest.mark.xdist_group("engine")

_FILE = "docker-compose.session.yml"
_SETTINGS = """session:
  copy: []
  link: []
  env: {{}}
  activate: ""
  windows: [{{name: shell}}]
  compose: {compose}
"""
_DB = f"""services:
  db:
    image: {IMAGE}
    stop_signal: KILL
    command: [sh, -c, 'test -f /data/index.html || echo "made by $$HOSTNAME" >/data/index.html; echo up; sleep 999']
    volumes: ["data:/data"]
    healthcheck: {{test: [CMD, test, -f, /data/index.html], interval: 200ms, timeout: 5s}}
"""
_WEB = f"""  web:
    image: {IMAGE}
    profiles: [apps]
    stop_signal: KILL
    depends_on: [db]
    command: [httpd, -f, -p, "80", -h, /data]
    volumes: ["data:/data"]
    ports: ["${{BACKEND_PORT}}:80"]
"""
_VOLUMES = "volumes: {data: {}}\n"


@pytest.fixture(scope="module")
def one_engine() -> Iterator[Engine]:
    try:
        with engines.running() as engine:
            yield engine
    except engines.NoEngineError as error:
        pytest.skip(f"no Docker engine: {error}")


@pytest.fixture
def engine(one_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Return the engine, empty."""
    monkeypatch.setenv("DOCKER_HOST", one_engine.host)
    yield one_engine
    one_engine.clear()


@pytest.fixture
def shop(engine: Engine, project: Project) -> Project:
    """Return a project whose sessions have a database and a web service in containers."""
    _compose(project, _DB + _WEB + _VOLUMES)
    return project


def _compose(project: Project, text: str, settings: str = "{wait: 20}") -> None:
    (project.main / _FILE).write_text(text)
    project.git("add", _FILE)
    project.configure(_SETTINGS.format(compose=settings) + f"# {len(text)}\n")


def _page(project: Project, name: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{project.row(name)['backend_port']}/", timeout=5) as answer:
        return str(answer.read().decode())


def _services(project: Project, name: str) -> dict[str, str]:
    return {each["name"]: each["state"] for each in project.listed(name)["services"]}


def test_containers_run_end_and_leave_nothing_but_what_is_asked_for(shop: Project, engine: Engine) -> None:
    engine.docker("volume", "create", "precious")
    engine.docker("run", "-d", "--name", "stranger", "--network=none", "-v", "precious:/data", IMAGE, "sleep", "999")
    nothing = engine.world()

    said = shop.inv("session.add", "A/1")

    assert "containers db is healthy" in said.err
    assert f"web responds on {shop.row('A/1')['backend_port']}" in said.err
    row = shop.row("A/1")["compose"]
    assert (row["project"], row["mode"], row["services"]) == ("tally-a-1", "docker", ["db", "web"])
    assert _page(shop, "A/1")
    listed = shop.listed("A/1")
    assert (listed["status"], listed["foreign"], listed["mode"]) == ("running", {}, "docker")
    refused = shop.inv("session.remove", "A/1", code=1).err
    assert "tally-a-1_data" in refused
    assert "--keep-volumes" in refused
    assert _page(shop, "A/1")

    said = shop.inv("session.remove", "A/1", "--keep-volumes")

    assert "Kept volumes: tally-a-1_data" in said.out
    assert engine.world() == {**nothing, "volumes": sorted([*nothing["volumes"], "tally-a-1_data"])}


@pytest.mark.slow
def test_two_sessions_live_side_by_side_and_leave_nothing_but_what_is_asked_for(shop: Project, engine: Engine) -> None:
    engine.docker("volume", "create", "precious")
    engine.docker("run", "-d", "--name", "stranger", "--network=none", "-v", "precious:/data", IMAGE, "sleep", "999")
    nothing = engine.world()

    said = shop.inv("session.add", "A/1")
    shop.inv("session.add", "b")

    assert "containers db is healthy" in said.err
    assert f"web responds on {shop.row('A/1')['backend_port']}" in said.err
    row = shop.row("A/1")["compose"]
    assert (row["project"], row["mode"], row["services"]) == ("tally-a-1", "docker", ["db", "web"])
    pages = {name: _page(shop, name) for name in ("A/1", "b")}
    assert len(set(pages.values())) == 2
    listed = shop.listed("b")
    url = f"http://localhost:{listed['ports']['backend_port']}"
    assert (listed["status"], listed["foreign"], listed["mode"]) == ("running", {}, "docker")
    assert [each["urls"] for each in listed["services"]] == [[], [url]]
    assert "db healthy, web running" in shop.inv("session.list").out
    assert url in shop.inv("session.show", "b").out
    printed = shop.inv("session.logs", "b", "--service", "db", "--lines", "1").out
    assert "up" in printed
    assert "made" not in printed
    assert "Services: db, web" in shop.inv("session.logs", "b", "--service", "nope", code=1).err

    shop.inv("session.stop", "b")

    assert shop.listed("b")["status"] == "stopped"
    assert _page(shop, "A/1") == pages["A/1"]
    with pytest.raises(urllib.error.URLError):
        _page(shop, "b")
    assert "No problems." in shop.inv("session.doctor").out
    shop.inv("session.start", "b")
    assert _page(shop, "b") == pages["b"]

    engine.docker("stop", "tally-b_web_1")
    assert (shop.listed("b")["status"], _services(shop, "b")["web"]) == ("partial", "exited (137)")
    assert "b: service web is not up: exited (137)" in shop.inv("session.doctor", code=1).out
    shop.inv("session.doctor", "--fix")
    assert _page(shop, "b") == pages["b"]

    others = {kind: [name for name in names if "tally-b" not in name] for kind, names in engine.world().items()}
    refused = shop.inv("session.remove", "b", code=1).err
    assert "tally-b_data" in refused
    assert "--keep-volumes" in refused
    assert _page(shop, "b") == pages["b"]
    said = shop.inv("session.remove", "b", "--keep-volumes")
    assert "Kept volumes: tally-b_data" in said.out
    assert engine.world() == {**others, "volumes": sorted([*others["volumes"], "tally-b_data"])}
    shop.inv("session.restore", "b")  # its data was there before, so that nothing of it is ever lost
    assert _page(shop, "b") == pages["b"]
    assert "Kept volumes: tally-b_data" in shop.inv("session.remove", "b", "--force").out
    engine.docker("volume", "rm", "tally-b_data")
    assert engine.world() == others
    assert _page(shop, "A/1") == pages["A/1"]

    assert len(re.findall("^  containers stop ", shop.inv("session.stop", "--all").err, re.MULTILINE)) == 1
    shop.inv("session.destroy", "--all", "--force")
    assert engine.world() == nothing


_ENDS = "ended with exit code 3. Its last lines:\n    last words"
_BROKEN = {
    "image": ("  gone: {image: 'tally-sessions-nowhere:1'}\n", "tally-sessions-nowhere"),
    "exit": (f"  once: {{image: '{IMAGE}', command: [sh, -c, 'echo last words; exit 3']}}\n", _ENDS),
    "port": (f"  hog: {{image: '{IMAGE}', command: [sleep, '9'], ports: ['%d:80']}}\n", "%d"),
    "deaf": (f"  deaf: {{image: '{IMAGE}', command: [sleep, '9'], ports: ['80']}}\n", "Not ready after 2 s: deaf"),
    "invalid": (f"  bad: {{image: '{IMAGE}', colour: red}}\n", "colour"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("services", "message"), _BROKEN.values(), ids=_BROKEN)
def test_what_cannot_be_started_is_told_and_undone(shop: Project, engine: Engine, services: str, message: str) -> None:
    with socket.socket() as stranger:
        stranger.bind(("0.0.0.0", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        _compose(shop, _DB + services.replace("%d", str(port)) + _VOLUMES, "{wait: 2}")
        engine.docker("volume", "create", "--label", "com.docker.compose.project=tally-x", "tally-x_old")
        before, there = shop.world(), engine.world()

        said = shop.inv("session.add", "x", code=1).err

        assert message.replace("%d", str(port)) in said
        assert "x was removed completely." in said
        assert shop.world() == before
        assert engine.world() == there


@pytest.mark.slow
def test_what_runs_is_chosen_and_the_choice_remembered(shop: Project, engine: Engine) -> None:
    job = f"  job: {{image: '{IMAGE}', command: ['true'], restart: 'no'}}\n"
    _compose(shop, _DB + _WEB + job + _VOLUMES)

    shop.inv("session.add", "native", "--mode", "native")
    shop.inv("session.add", "less", "--without", "web,job")

    assert _services(shop, "native") == {"db": "healthy", "job": "done"}
    assert _services(shop, "less") == {"db": "healthy"}
    engine.docker("rm", "--force", "tally-native_db_1")
    assert _services(shop, "native")["db"] == "missing"
    shop.inv("session.start", "--all")
    assert _services(shop, "native")["db"] == "healthy"
    assert {shop.listed(name)["status"] for name in ("native", "less")} == {"running"}


@pytest.mark.slow
def test_without_its_engine_or_its_worktree_a_session_can_be_finished_later(
    shop: Project, engine: Engine, sandbox: Path
) -> None:
    there = engine.world()
    shop.inv("session.add", "x", "--mode", "native")
    down = {"DOCKER_HOST": f"unix://{sandbox}/no-engine"}

    assert "The Docker engine didn't answer" in shop.inv("session.add", "y", code=1, env=down).err
    found = json.loads(shop.inv("session.list", "--json", env=down).out)[0]
    assert (found["status"], found["services"]) == ("partial", None)
    assert "Docker doesn't answer" in shop.inv("session.list", env=down).out
    refused = shop.inv("session.remove", "x", code=1, env=down).err
    assert "systemctl start docker" in refused
    assert "To remove everything else without it, run: inv session.remove x --force" in refused
    assert shop.listed("x")["status"] == "running"

    guest = ("--network", "tally-x_default", "--name", "guest", IMAGE, "sleep", "99")
    engine.docker("run", "--detach", *guest)
    assert "docker network rm" in shop.inv("session.remove", "x", "--keep-volumes", code=1).err  # a network in use
    assert (shop.listed("x")["status"], engine.world()["volumes"]) == ("removing", ["tally-x_data"])
    engine.docker("rm", "--force", "guest")
    shop.inv("session.remove", "x")
    engine.docker("volume", "rm", "tally-x_data")
    assert engine.world() == there

    shop.inv("session.add", "x", "--mode", "native")
    shutil.rmtree(shop.worktree("x"))
    assert "Its branch x stays" in shop.inv("session.prune").out
    assert engine.world() == {**there, "volumes": ["tally-x_data"]}

    shop.inv("session.add", "y", "--mode", "native")
    left = engine.world()
    said = shop.inv("session.remove", "y", "--force", env=down)
    assert said.out.startswith("Removed y")
    assert "the project tally-y were not looked for and stay where they are" in said.err
    assert "Couldn't list the volumes that were kept" in said.err
    assert (engine.world(), shop.worktree("y").exists(), shop.inv("session.list", "--json").json) == (left, False, [])
    for line in re.findall(r"^ *(docker (?:ps|network) .*)$", said.err, re.MULTILINE):
        subprocess.run(["sh", "-c", line], check=True, capture_output=True)
    assert engine.world() == {**there, "volumes": ["tally-x_data", "tally-y_data"]}


@pytest.mark.slow
def test_a_project_of_the_same_name_is_a_stranger(shop: Project, engine: Engine, sandbox: Path) -> None:
    other = sandbox / "other"
    other.mkdir()
    (other / "docker-compose.yml").write_text("version: '2.4'\n" + _DB + _VOLUMES)
    up = ["docker-compose", "-p", "tally-x", "up", "-d"]

    def stranger() -> None:
        subprocess.run(up, cwd=other, check=True, capture_output=True)

    stranger()
    before, there = shop.world(), engine.world()
    refused = shop.inv("session.add", "x", code=1).err
    assert str(other) in refused
    assert "nothing is left" not in refused  # for nothing was begun
    assert (shop.world(), engine.world()) == (before, there)

    engine.clear()
    shop.inv("session.add", "x")
    engine.docker("rm", "--force", "tally-x_db_1")
    stranger()
    said = shop.inv("session.remove", "x", "--force")
    assert f"{other} uses that project, too." in said.err
    assert engine.world() == there


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_an_interrupted_add_began_does_not_go_on(shop: Project, engine: Engine, number: signal.Signals) -> None:
    many = "".join(f"  many{each}: {{image: '{IMAGE}', command: [sleep, '99']}}\n" for each in range(6))
    _compose(shop, _DB + many + _VOLUMES)
    before, there = shop.world(), engine.world()
    running = subprocess.Popen(
        [INV, "session.add", "x"], cwd=shop.main, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    eventually(lambda: engine.world()["networks"] != there["networks"])

    os.kill(running.pid, number)
    running.wait(30)

    if number == signal.SIGKILL:
        assert shop.listed("x")["status"] == "adding"
        shop.inv("session.remove", "x")
    assert shop.world() == before
    assert engine.world() == there


_NAMELESS = f"""services:
  db:
    image: {IMAGE}
    stop_signal: KILL
    command: [sh, -c, 'test -f /data/made || echo "first" >/data/made; cat /data/made; sleep 999']
    volumes: ["/data"]
"""


@pytest.mark.slow
def test_a_volume_without_a_name_is_refused_kept_and_restored(engine: Engine, project: Project) -> None:
    _compose(project, _NAMELESS)
    project.inv("session.add", "x")
    engine.docker("exec", _only(engine), "sh", "-c", "echo precious >/data/made")

    refused = project.inv("session.remove", "x", code=1).err

    assert "has volumes, whose data is nowhere else: db:/data (without a name)" in refused
    said = project.inv("session.remove", "x", "--keep-volumes").err
    assert "Kept the stopped container of db, which has the volume /data without a name." in said
    assert engine.world()["containers"][0].endswith("exited")
    project.inv("session.restore", "x")
    assert engine.docker("exec", _only(engine), "cat", "/data/made") == "precious"
    (project.worktree("x") / "new.txt").write_text("not yet tracked\n")
    refused = project.inv("session.remove", "x", code=1).err
    assert "db:/data" in refused and "untracked: new.txt" in refused, "one loss must not hide the other"
    said = project.inv("session.remove", "x", "--force").err
    assert "The volumes of x are deleted for good: db:/data" in said
    assert engine.world()["volumes"] == engine.world()["containers"] == []
    assert [each for each in engine.world()["networks"] if "tally" in each] == []


def _only(engine: Engine) -> str:
    (container,) = engine.docker("ps", "-q").split()
    return container


@pytest.mark.slow
def test_a_failed_restore_leaves_a_volume_without_a_name_as_it_was_and_setup_runs_again_without_volumes(
    engine: Engine, project: Project
) -> None:
    _compose(project, _NAMELESS)
    project.configure(_SETTINGS.format(compose="{wait: 20}") + "  setup: ['echo run >> setup.log']\n")
    project.inv("session.add", "x")
    tree = project.worktree("x")
    project.inv("session.remove", "x", "--force", "--keep-volumes")
    kept = engine.world()
    program = str(failing_inv.__file__)
    project.inv("claude", "create", "before", "error", "session.restore", "x", code=1, program=program)
    assert engine.world()["volumes"] == kept["volumes"]
    project.inv("session.restore", "x")
    assert (tree / "setup.log").read_text() == "run\n"
    project.inv("session.remove", "x", "--force")
    project.inv("session.restore", "x")

    assert (tree / "setup.log").read_text() == "run\nrun\n"


@pytest.mark.slow
def test_a_file_with_fixed_names_and_ports_runs_in_two_sessions_at_once(engine: Engine, project: Project) -> None:
    text = f"""services:
  db:
    image: {IMAGE}
    container_name: the-only-one
    stop_signal: KILL
    command: [sh, -c, "mkdir -p /data; echo $$HOSTNAME >/data/index.html; exec httpd -f -p 5432 -h /data"]
    ports: ["18432:5432"]
    volumes: ["data:/data"]
volumes: {{data: {{name: shared-by-all}}}}
"""
    (project.main / "compose.yaml").write_text(text)
    project.git("add", "compose.yaml")
    found = detection.compose.find_compose(collect_facts(project.main), [])
    (project.main / found.file).write_text(found.text)
    project.git("add", ".")
    project.configure(_SETTINGS.format(compose=json.dumps({"file": found.file})) + "  ports: {db_port: 18433}\n")
    assert dict(found.ports) == {"db_port": 18432}

    project.inv("session.add", "a")
    project.inv("session.add", "b")

    ports = [project.row(name)["db_port"] for name in ("a", "b")]
    pages = {urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read() for port in ports}
    assert len(pages) == 2
    project.inv("session.remove", "a", "--force")
    assert _services(project, "b") == {"db": "running"}
    assert engine.docker("volume", "ls", "-q").split() == ["tally-b_data"]
    assert (project.main / "compose.yaml").read_text() == text
