"""Two sessions of a real Django and Svelte project side by side, in a real virtualenvwrapper environment."""

import json
import shutil
import subprocess
import urllib.request
from pathlib import Path

import psutil
import pytest

from develop import demo, sample
from testing import missing
from testing.project import Project, eventually

_SHELL = """export WORKON_HOME=~/.virtualenvs VIRTUALENVWRAPPER_PYTHON={python}
source {script}
"""
_CHROMIUM = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --virtual-time-budget=8000 --dump-dom"
).split()


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    """The dependencies are installed before the sandbox hides the person's settings of pip and npm."""
    sample.installed(demo.CACHE, print)


@pytest.fixture
def tally(sandbox: Path) -> Project:
    """Return the built sample with the tasks embedded; `workon tally` is its environment."""
    main = sample.build(sandbox / "dev" / "tally", demo.CACHE, print)
    demo.embed(main)
    settings = (main / "invoke.yaml").read_text().splitlines(keepends=True)
    (main / "invoke.yaml").write_text("".join(line for line in settings if "activate" not in line))  # it is found
    project = Project(main)
    project.git("commit", "--quiet", "--all", "-m", "other settings")
    (sandbox / "home" / ".virtualenvs").mkdir()
    (sandbox / "home" / ".virtualenvs" / "tally").symlink_to((main / ".venv").resolve())
    (main / ".venv").unlink()
    script, python = shutil.which("virtualenvwrapper.sh"), shutil.which("python")
    with (sandbox / "home" / ".bashrc").open("a") as rc:
        rc.write(_SHELL.format(script=script, python=python))
    return project


def _total(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return int(json.load(answer)["total"])


def _add(url: str, points: int) -> None:
    body = json.dumps({"player": "Test", "points": points}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=10):
        pass


def _page(url: str, profile: Path) -> str:
    argv = ["chromium", *_CHROMIUM, f"--user-data-dir={profile}", url]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False).stdout


def _listener(port: int) -> psutil.Process:
    for process in psutil.process_iter():
        try:
            if any(c.laddr.port == port and c.status == "LISTEN" for c in process.net_connections("tcp")):
                return process
        except psutil.Error:
            continue
    raise AssertionError(f"nobody listens on {port}")


def _all_answer(project: Project) -> bool:
    return all(demo.answers(url) for url in demo.addresses(project.main).values())


def test_two_sessions_serve_their_own_data_at_the_same_time_and_come_back(tally: Project, sandbox: Path) -> None:
    before = tally.world()
    for name in ("feature-auth", "bugfix-ui"):
        tally.inv("session.add", name)
    eventually(lambda: _all_answer(tally), 60)
    api = demo.addresses(tally.main)

    _add(api["feature-auth backend"], 1000)
    own, other = _total(api["feature-auth backend"]), _total(api["bugfix-ui backend"])

    assert own == other + 1000
    server = _listener(tally.row("feature-auth")["backend_port"])
    assert server.cwd() == str(tally.worktree("feature-auth") / "backend")
    assert server.environ()["VIRTUAL_ENV"] == str((sandbox / "home" / ".virtualenvs" / "tally").resolve())
    if shutil.which("chromium"):
        for name, total in (("feature-auth", own), ("bugfix-ui", other)):
            address = f"http://{name}.localhost:{tally.row(name)['frontend_port']}/"
            page = _page(address, sandbox / f"chromium-{name}")
            assert f">{total}</strong>" in page, page

    python = sandbox / "home" / ".virtualenvs" / "tally" / "bin" / "python"
    subprocess.run([python, "manage.py", "test"], cwd=tally.worktree("bugfix-ui") / "backend", check=True)

    subprocess.run(["tmux", "kill-server"], check=True)
    eventually(lambda: not _all_answer(tally), 20)
    tally.inv("session.resume")
    eventually(lambda: _all_answer(tally), 60)

    assert _total(api["feature-auth backend"]) == own
    assert [each["status"] for each in tally.inv("session.list", "--json").json] == ["running", "running"]

    tally.inv("session.stop", "feature-auth")
    assert not demo.answers(api["feature-auth frontend"])
    assert demo.answers(api["bugfix-ui frontend"])
    tally.inv("session.remove", "--all")
    assert tally.world() == before


@pytest.mark.slow
def test_workon_is_typed_when_its_hooks_do_something(tally: Project, sandbox: Path) -> None:
    environment = sandbox / "home" / ".virtualenvs"
    (environment / "postactivate").write_text("#!/bin/bash\nexport HOOKED=yes\n")
    (environment / "tally" / ".project").unlink(missing_ok=True)

    tally.inv("session.add", "hooked")
    eventually(lambda: _all_answer(tally), 60)

    assert tally.row("hooked")["activate"] == "workon tally"
    assert _listener(tally.row("hooked")["backend_port"]).environ()["HOOKED"] == "yes"
    assert _listener(tally.row("hooked")["backend_port"]).cwd() == str(tally.worktree("hooked") / "backend")


def test_chromium_is_there_where_the_whole_suite_must_run() -> None:
    missing.require("chromium")
