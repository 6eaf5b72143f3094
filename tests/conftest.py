"""Every test runs in a sandbox of its own: HOME, tmux server, state and PATH."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import psutil
import pytest

from testing import fork_server, guard, limits, marked, missing, port_slot, stand_ins
from testing.project import Project, make

# In memory where that is, and short: a socket's path has 108 bytes, and 104 on macOS, whose own TMPDIR takes 50.
_PLACE = next((place for place in ("/dev/shm", "/tmp") if os.access(place, os.W_OK)), None)
# What a developer's shell or a CI service sets; with CI, package managers refuse to change a lock file.
_INHERITED = (
    "CI", "CLAUDE", "GIT_", "GITHUB_", "GITLAB_", "INVOKE_", "PYTHON", "TALLY_", "TMUX", "VIRTUAL", "WORKON", "XDG_",
)  # fmt: skip
_LIMIT = 600.0  # seconds for each part of a test
_HOURS = 24 * 3600.0
_RC = 'PS1="$ "\nPATH={path}\n'


def _fill_home(home: Path, path: str, bytecode: Path) -> None:
    home.mkdir()
    # What one test's `inv` compiled, that of the next one finds: it is half of the time of an `inv` in a new HOME.
    (home / ".cache" / "tally-sessions").mkdir(parents=True)
    (home / ".cache" / "tally-sessions" / "bytecode").symlink_to(bytecode)
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
    for process, _environment in marked.marked_processes(sandbox / "home"):
        if process.pid != os.getpid():
            with suppress(psutil.Error):
                process.kill()


def _limited(item: pytest.Item, when: str) -> AbstractContextManager[None]:
    """Bound every part of every test; what tries kills as long as it may bounds each of them itself."""
    slow = item.get_closest_marker("slow")
    limit = _HOURS if slow and slow.kwargs.get("hours") and when == "call" else _LIMIT
    return limits.hard_limit(limit, f"{when} of {item.name}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    with _limited(item, "setup"):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    with _limited(item, "call"):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    with _limited(item, "teardown"):
        return (yield)


@pytest.fixture(autouse=True, scope="session")
def programs() -> Iterator[None]:
    """Have `inv` run in forks for the whole run; what `&` or nohup had it ignore is not ignored in tests of signals."""
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)
    fork_server.start()
    yield
    fork_server.stop()


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory in which every `inv` of this run keeps its compiled modules, whichever worker starts it."""
    own = tmp_path_factory.getbasetemp()
    place = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "bytecode"
    place.mkdir(exist_ok=True)
    return place.resolve()


@pytest.fixture(autouse=True)
def sandbox(monkeypatch: pytest.MonkeyPatch, bytecode: Path) -> Iterator[Path]:
    """Return the directory outside of which this test cannot start anything."""
    directory = Path(tempfile.mkdtemp(prefix="ts-", dir=_PLACE)).resolve()
    for key in [key for key in os.environ if key.startswith(_INHERITED)]:
        monkeypatch.delenv(key)
    path = os.pathsep.join([str(directory / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    stand_ins.install(directory / "bin")
    _fill_home(directory / "home", path, bytecode)
    (directory / "tmux").mkdir()
    for key, value in {
        "HOME": directory / "home", "TMUX_TMPDIR": directory / "tmux", "XDG_STATE_HOME": directory / "state",
        "PATH": path, "SHELL": "/bin/bash", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TERM": "screen",
        "BASH_SILENCE_DEPRECATION_WARNING": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(key, str(value))
    guard.enter(directory)
    monkeypatch.chdir(Path.cwd())  # some steps leave their directory: a test that runs them in its process comes back
    yield directory
    _end_leftovers(directory)
    guard.enter(None)
    shutil.rmtree(directory, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly how much was skipped, why and what to install for it, and how many kills were tried."""
    skipped = [report.longrepr for report in terminalreporter.stats.get("skipped", [])]
    if lines := missing.summarize([each[2] for each in skipped if isinstance(each, tuple)]):
        terminalreporter.section(f"{len(skipped)} TESTS WERE SKIPPED", sep="!", red=True, bold=True)
        for line in lines:
            terminalreporter.line(line, red=True, bold=True)
    every = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, [])]
    tried = [value for each in every for key, value in each.user_properties if key == "kills"]
    if tried:
        terminalreporter.section("kills: tried and finished, of how many")
    for command in sorted({each[0] for each in tried}):
        done, missed, total = (sum(each[at] for each in tried if each[0] == command) for at in (1, 2, 3))
        never = f" ({missed} calls were not reached again)" if missed else ""
        terminalreporter.line(f"{command}: {done} of {total}{never}")


@pytest.fixture
def project(sandbox: Path) -> Project:
    """Return a small project shaped like Tally, with stand-in servers."""
    return make(sandbox / "dev" / "tally")
