"""Hosts that don't reach PyPI, and hosts whose clock is wrong."""

import json
import sys
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from testing import hosts
from testing.answers import check_answer
from testing.hosts import Fleet

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="how to start a second sshd was tried on Linux only")

_PACKAGES = {"invoke": "2.2", "libtmux": "0.40", "python_dotenv": "1.2", "tabulate": "0.9", "psutil": "6.0"}


def _wheels(place: Path) -> None:
    """Make a wheel of each package that the tasks need, with an empty module."""
    place.mkdir()
    for name, version in _PACKAGES.items():
        info = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(place / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name.removeprefix('python_')}/__init__.py", "")
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")


@pytest.mark.slow
def test_a_host_that_does_not_reach_pypi_gets_wheels_from_here(
    fleet: Fleet, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, alpha = fleet.here, fleet.alpha
    config = alpha.top / "sshd_config"
    nowhere = "PIP_INDEX_URL=http://127.0.0.1:9/simple PIP_RETRIES=0 PIP_CONFIG_FILE=/dev/null"
    config.write_text(config.read_text().replace("SetEnv ", f"SetEnv {nowhere} "))
    alpha.stop()
    alpha.start()
    fleet.configure(alpha=hosts.entry("alpha", inv=None))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", str(sandbox / "wheels"))

    failed = here.inv("fleet.setup", "alpha", "--yes", code=1).err
    assert "alpha couldn't install invoke>=2.2" in failed
    assert "Install them on the host, then run: inv fleet.setup alpha" in failed

    _wheels(sandbox / "wheels")
    done = here.inv("fleet.setup", "alpha", "--yes", "--json")
    check_answer(done.json, "fleet.setup")
    assert "Sending it wheels." in done.err
    assert fleet.ssh(alpha, "~/dev/tally/.git/tally-sessions/venv/bin/python -c 'import dotenv, psutil'") == ""
    assert "Sending it wheels." not in here.inv("fleet.setup", "alpha", "--yes").err


@pytest.mark.slow
def test_the_age_of_a_session_is_right_though_the_clock_of_its_host_is_wrong(ready: Fleet) -> None:
    here, alpha = ready.here, ready.alpha
    here.configure("session: {windows: []}\n")
    here.inv("fleet.add", "x", "--host", "alpha", "--bare")
    file = alpha.main / ".tally-sessions"
    rows = json.loads(file.read_text())
    ahead = timedelta(hours=26)
    rows["x"]["created"] = (datetime.fromisoformat(rows["x"]["created"]) + ahead - timedelta(hours=5)).isoformat()
    file.write_text(json.dumps(rows))
    shift = alpha.top / "shift"
    shift.mkdir()
    (shift / "sitecustomize.py").write_text(
        f"import time\nnow = time.time\ntime.time = lambda: now() + {ahead.total_seconds()}\n"
    )
    alpha.put("python-late", f'#!/bin/sh\nPYTHONPATH={shift} exec {sys.executable} "$@"\n')
    ready.configure(alpha=hosts.entry("alpha", python=str(alpha.top / "bin" / "python-late")))

    (line,) = [each for each in here.inv("fleet.list").out.splitlines() if " x " in each]
    assert " 5h " in line
