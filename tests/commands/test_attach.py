"""Going to a session: from inside tmux, from a terminal, and from neither."""

import shlex
import subprocess

import pytest

from testing.project import INV, Project, eventually
from testing.terminal import enter, shows, tmux, windows


@pytest.fixture
def two(project: Project) -> Project:
    """Return the project with the sessions `a` and `b`."""
    for name in ("a", "b"):
        project.inv("session.add", name)
    return project


def _outside(project: Project, command: str) -> None:
    """Run *command* in a terminal of its own: a pane of another tmux server, without its variables."""
    place = ("-x", "100", "-y", "30", "-c", str(project.main))
    argv = ["tmux", "-L", "outer", "-f", "/dev/null", "new-session", "-d", *place, f"env -u TMUX {command}"]
    subprocess.run(argv, check=True)


def _attached() -> list[str]:
    return tmux("list-clients", "-F", "#{session_name}").splitlines()


def test_from_inside_tmux_the_terminal_switches(two: Project) -> None:
    _outside(two, "tmux attach-session -t =tally-a")
    eventually(lambda: _attached() == ["tally-a"])
    pane = windows("tally-a")["shell"]
    shows(pane, "$")

    enter(pane, "inv session.attach b")

    eventually(lambda: _attached() == ["tally-b"])


def test_a_terminal_outside_of_tmux_is_attached(two: Project) -> None:
    _outside(two, shlex.join([INV, "session.attach", "b"]))

    eventually(lambda: _attached() == ["tally-b"])


def test_without_a_terminal_it_is_explained(two: Project) -> None:
    said = two.inv("session.attach", "a", code=1)

    assert "terminal" in said.err
    assert "tmux attach -t '=tally-a'" in said.err


def test_inside_another_tmux_server_it_is_explained(two: Project) -> None:
    keep = shlex.join(["sh", "-c", f"{INV} session.attach a; sleep 100"])
    argv = ["tmux", "-L", "outer", "-f", "/dev/null", "new-session", "-d", "-x", "200", "-c", str(two.main), keep]
    subprocess.run(argv, check=True)

    def shown() -> str:
        seen = ["tmux", "-L", "outer", "capture-pane", "-p"]
        return subprocess.run(seen, capture_output=True, text=True, check=True).stdout

    eventually(lambda: "another tmux server" in shown())
    assert _attached() == []


def test_a_session_that_was_stopped_says_how_to_start_it(two: Project) -> None:
    two.inv("session.stop", "a")

    assert "inv session.start a" in two.inv("session.attach", "a", code=1).err
