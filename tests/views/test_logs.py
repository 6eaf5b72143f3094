"""What the windows of a session printed, and waiting for the servers in them."""

import os
import socket
from pathlib import Path

import pytest

from tasks.system import copies, copy, progress
from tasks.tools.tmux_output import added_lines
from testing.project import INV, Project, eventually
from testing.terminal import enter, screen, shows, tmux, windows

_WINDOWS = """session:
  windows:
    - {name: "web:{backend_port}", dir: backend, run: "python manage.py {backend_port}"}
    - {name: shell}
"""
_BROKEN = """session:
  windows:
    - {name: web, dir: backend, run: "python manage.py {backend_port}"}
    - {name: bad, run: "echo oops; false"}
    - {name: late, run: "sleep 1000 {frontend_port}"}
    - {name: gone, run: "exit"}
"""


def terminal(project: Project, columns: int = 120) -> str:
    """Return the pane of a terminal of its own in the main checkout."""
    place = ("-x", str(columns), "-y", "30", "-c", str(project.main), "-n", "mine")
    tmux("new-session", "-d", "-s", "mine", *place, "-e", f"PATH={os.environ['PATH']}", "bash", "--norc")
    return tmux("list-panes", "-t", "=mine:", "-F", "#{pane_id}")


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        ([], ["a"], ["a"]),
        (["a"], ["a", "b"], ["b"]),
        (["a", "a"], ["a", "a", "a"], ["a"]),
        (["a", "b", "b"], ["b", "b", "b"], ["b"]),  # the first has scrolled out of reach
        (["a", "b"], ["a"], []),
        (["a", "b"], [], []),
        (["log", "10 %", "foot"], ["log", "20 %", "foot"], ["20 %"]),  # drawn anew
    ],
)
def test_what_was_printed_since_the_last_look(before: list[str], now: list[str], new: list[str]) -> None:
    assert added_lines(before, now) == new


@pytest.mark.slow
def test_logs_of_windows_of_one_window_and_what_follows(project: Project) -> None:
    project.configure(_WINDOWS)
    project.inv("session.add", "x", "--wait")
    panes = windows("tally-x")
    web = next(name for name in panes if name.startswith("web"))
    with socket.create_connection(("127.0.0.1", project.row("x")["backend_port"])) as line:
        line.sendall(b"GET / HTTP/1.0\r\n\r\n")
    shows(panes[web], "GET / 200")
    enter(panes["shell"], "seq 1 300")
    shows(panes["shell"], "\n300\n")

    both = project.inv("session.logs", "x").out
    assert f"{web:<8} | GET / 200\n" in both
    assert "shell    | 300\n" in both
    assert project.inv("session.logs", "x", "--window", "shell", "--lines", "300").out.startswith("2\n3\n")
    assert "GET / 200" in project.inv("session.logs", "x", "--window", "web").out
    known = project.inv("session.logs", "x", "--window", "we", code=1).err
    assert f'x has no window "we". Its windows: {web}, shell' in known
    assert "has no containers" in project.inv("session.logs", "x", "--service", "db", code=1).err

    mine = terminal(project)
    enter(mine, f"clear; {INV} session.logs x --follow --lines 1; echo ended $?")
    shows(mine, " | 300")
    enter(panes["shell"], "echo $((41 + 1)) is new")
    shows(mine, "shell    | 42 is new")
    assert screen(mine).count("300") == 1
    tmux("send-keys", "-t", mine, "C-c")
    shows(mine, "ended 0")

    follow = f"{INV} session.logs x --follow --window shell --lines"
    enter(mine, f"clear; {follow} 1 | head -n 1; echo left ${{PIPESTATUS[0]}}")
    shows(mine, "left 0")

    enter(mine, f"clear; echo again; {follow} 3; echo over $?")
    eventually(lambda: "is new" in screen(mine).partition("again")[2])
    project.inv("session.stop", "x")
    shows(mine, "Session x, or a window of it, has ended")
    shows(mine, "over 0")
    assert "x is not running" in project.inv("session.logs", "x", code=1).err


@pytest.mark.slow
def test_waiting_tells_which_server_came_up_and_why_another_did_not(project: Project) -> None:
    project.configure(_BROKEN)

    said = project.inv("session.add", "x", "--wait", "--json", code=1, env={"INVOKE_SESSION_WAIT": "5"})

    port = project.row("x")["backend_port"]
    assert f"servers    web of x responds on {port}" in said.err
    assert said.json["answering"] == [port]
    assert said.err.index("servers    bad of x ended  ") < said.err.index("bad of x ended. Its last lines:")
    assert "\n    oops\n" in said.err
    assert "Run: inv session.logs x --window bad" in said.err
    assert f"late of x doesn't respond on {project.row('x')['frontend_port']} after 5 s" in said.err
    assert "gone of x no longer has a window.\nRun: inv session.start x" in said.err
    unknown = project.inv("session.logs", "x", "--window", "gone", code=1).err
    assert "web, bad, late\nOpen it again: inv session.start x" in unknown
    assert project.row("x")["state"] == "ready"

    mine = terminal(project)
    enter(mine, f"clear; {INV} session.start x --wait; echo ended $?")
    shows(mine, f"web of x responds on {port}")
    shows(mine, "waiting for bad")  # and no longer for web
    tmux("send-keys", "-t", mine, "C-c")
    shows(mine, "Stopped waiting for bad of x, late of x")
    shows(mine, "ended 1")
    assert f"{port} up" in screen(mine)


def test_add_attaches_in_the_end_or_refuses_before_anything(project: Project) -> None:
    project.configure("session: {windows: [{name: shell}]}\n")
    before = project.world()
    assert "Attaching needs a terminal" in project.inv("session.add", "x", "--attach", code=1).err
    assert project.world() == before

    mine = terminal(project)
    enter(mine, f"TMUX= {INV} session.add x --attach")

    eventually(lambda: "tally-x" in tmux("list-clients", "-F", "#{session_name}"))


def test_a_line_appears_as_work_begins_and_is_completed(project: Project) -> None:
    long = "until test -e go; do sleep 0.1; done; : and more words than fit into a line of it"
    project.configure(f'session: {{windows: [{{name: shell}}], setup: ["{long}"]}}\n')
    mine = terminal(project, columns=60)
    enter(mine, f"clear; PYTHONIOENCODING=ascii NO_COLOR=1 {INV} session.add x; echo ended $?")
    shows(mine, "  setup      until")

    line = next(line for line in screen(mine).splitlines() if "setup" in line)
    assert (line.isascii(), len(line) < 60, "... " in line) == (True, True, True)
    (project.worktree("x") / "go").touch()
    shows(mine, "ended 0")

    done = screen(mine).partition("  setup  ")[2].partition("backend ")[0]
    assert " ".join(done.split()[:-2]) == long  # no rest of the shorter line
    assert done.splitlines()[1].startswith(" " * 13)
    assert screen(mine).count("setup  ") == 1
    assert "\x1b[3" not in tmux("capture-pane", "-p", "-e", "-t", mine)


def test_how_far_a_large_file_is_copied_is_told(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    monkeypatch.setattr(copies, "_PART", 4)
    monkeypatch.setattr(progress, "show_progress", told.append)
    (sandbox / "large").write_text("0123456789")

    copy.copy_file(sandbox / "large", sandbox / "copied")

    assert told == [0.4, 0.8, 1.0]
