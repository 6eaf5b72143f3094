"""Every test runs in a sandbox of its own: HOME, tmux server, state and PATH."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests import fork_server, guard, port_slot, stand_ins
from tests.project import Project, make

# In memory where that is, and short: a socket's path has 108 bytes, and 104 on macOS, whose own TMPDIR takes 50.
_PLACE = next((place for place in ("/dev/shm", "/tmp") if os.access(place, os.W_OK)), None)
_INHERITED = ("CLAUDE", "GIT_", "INVOKE_", "TALLY_", "TMUX", "VIRTUAL", "WORKON", "XDG_")
_RC = 'PS1="$ "\nPATH={path}\n'


def _fill_home(home: Path, path: str) -> None:
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Test\n\temail = test@example.invalid\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n"
        "[protocol \"file\"]\n\tallow = always\n"
    )  # fmt: skip
    (home / ".claude.json").write_text("{}")  # of somebody who has used Claude Code before
    (home / ".invoke.yaml").write_text(port_slot.configuration())
    (home / ".bashrc").write_text(_RC.format(path=path))
    (home / ".bash_profile").write_text(". ~/.bashrc\n")  # a login shell: /etc/profile has reset PATH


def _end_leftovers(sandbox: Path) -> None:
    """End the sandbox's tmux server and what carries its mark; nothing else."""
    if any((sandbox / "tmux").rglob("default")):
        subprocess.run(["tmux", "kill-server"], capture_output=True, check=False)
    for process in psutil.process_iter():
        try:
            if process.environ().get("HOME") == str(sandbox / "home") and process.pid != os.getpid():
                process.kill()
        except psutil.Error:
            continue


@pytest.fixture(autouse=True, scope="session")
def programs() -> Iterator[None]:
    """Have `inv` run in forks for the whole run."""
    fork_server.start()
    yield
    fork_server.stop()


@pytest.fixture(autouse=True)
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the directory outside of which this test cannot start anything."""
    directory = Path(tempfile.mkdtemp(prefix="ts-", dir=_PLACE)).resolve()
    for key in [key for key in os.environ if key.startswith(_INHERITED)]:
        monkeypatch.delenv(key)
    path = os.pathsep.join([str(directory / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    stand_ins.install(directory / "bin")
    _fill_home(directory / "home", path)
    (directory / "tmux").mkdir()
    for key, value in {
        "HOME": directory / "home", "TMUX_TMPDIR": directory / "tmux", "XDG_STATE_HOME": directory / "state",
        "PATH": path, "SHELL": "/bin/bash", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TERM": "screen",
        "BASH_SILENCE_DEPRECATION_WARNING": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(key, str(value))
    guard.enter(directory)
    yield directory
    _end_leftovers(directory)
    guard.enter(None)
    shutil.rmtree(directory, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that containers were not tested, where no Docker engine can run."""
    for report in terminalreporter.stats.get("skipped", []):
        if isinstance(report.longrepr, tuple) and "no Docker engine" in report.longrepr[2]:
            said = report.longrepr[2].removeprefix("Skipped: ")
            terminalreporter.section("CONTAINERS WERE NOT TESTED", sep="!", red=True, bold=True)
            terminalreporter.line(said, red=True, bold=True)
            return


@pytest.fixture
def project(sandbox: Path) -> Project:
    """Return a small project shaped like Tally, with stand-in servers."""
    return make(sandbox / "dev" / "tally")
