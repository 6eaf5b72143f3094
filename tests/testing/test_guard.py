"""The guard itself: what would reach the person's own files or tmux server is stopped before it starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from testing import guard

# As the guard found it when the tests were loaded, not as the sandbox sets it.
_REAL_HOME = guard._REAL_HOME


def inside(**changes: str) -> dict[str, str]:
    return {**os.environ, **changes}


def test_a_child_inside_of_the_sandbox_may_start() -> None:
    assert subprocess.run(["true"], env=inside(), check=False).returncode == 0


@pytest.mark.parametrize("key", ["HOME", "TMUX_TMPDIR", "XDG_STATE_HOME"])
def test_a_child_without_a_place_in_the_sandbox_is_stopped(key: str) -> None:
    environment = inside()
    del environment[key]

    with pytest.raises(guard.OutsideOfSandboxError, match=key):
        subprocess.run(["true"], env=environment, check=False)


def test_a_child_with_the_real_home_is_stopped() -> None:
    with pytest.raises(guard.OutsideOfSandboxError, match="HOME"):
        subprocess.run(["true"], env=inside(HOME=str(_REAL_HOME)), check=False)


def test_a_child_that_inherits_the_real_home_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(_REAL_HOME))

    with pytest.raises(guard.OutsideOfSandboxError, match="HOME"):
        subprocess.run(["true"], check=False)


def test_tmux_on_the_persons_own_server_is_stopped() -> None:
    with pytest.raises(guard.OutsideOfSandboxError, match="TMUX_TMPDIR"):
        subprocess.run(["tmux", "list-sessions"], env=inside(TMUX_TMPDIR="/tmp"), check=False)
    with pytest.raises(guard.OutsideOfSandboxError, match="TMUX="):
        subprocess.run(["tmux", "list-sessions"], env=inside(TMUX="/tmp/tmux-0/default,1,0"), check=False)


def test_posix_spawn_is_stopped_too() -> None:
    with pytest.raises(guard.OutsideOfSandboxError):
        os.posix_spawn("/bin/true", ["true"], {"HOME": str(_REAL_HOME)})


@pytest.mark.parametrize("name", [".claude.json", ".claude/projects/x.jsonl", ".local/state/tally-sessions/x"])
def test_opening_the_persons_own_files_is_stopped(name: str) -> None:
    with pytest.raises(guard.OutsideOfSandboxError):
        (_REAL_HOME / name).open()


def test_changing_the_persons_own_files_is_stopped() -> None:
    path = _REAL_HOME / ".claude" / "of-a-test-that-must-not-make-it"

    with pytest.raises(guard.OutsideOfSandboxError):
        path.mkdir()
    with pytest.raises(guard.OutsideOfSandboxError):
        path.unlink(missing_ok=True)


def test_a_rename_onto_the_persons_own_file_is_stopped(sandbox: Path) -> None:
    with pytest.raises(guard.OutsideOfSandboxError):
        os.replace(sandbox / "missing", _REAL_HOME / ".claude.json")


def test_a_task_that_changes_sessions_starts_in_the_sandbox_only(sandbox: Path) -> None:
    argv = [sys.executable, "-c", "", "session.add", "x"]  # a program that does nothing, should it start after all

    with pytest.raises(guard.OutsideOfSandboxError, match=r"session\.add would start in "):
        subprocess.run(argv, cwd=Path(__file__).parent, check=False)
    subprocess.run(argv, cwd=sandbox, check=True)
