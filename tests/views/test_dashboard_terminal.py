"""The dashboard and `pick` as a person sees them in a terminal, in tmux and outside of it."""

import os
import re
import subprocess

import pytest

from testing.project import INV, Project, eventually
from testing.terminal import screen, shows, tmux

_OUTSIDE = "env -u TMUX -u TMUX_PANE"
_POPUP = "env -u TMUX_PANE"  # as in a popup, which is not a pane


def terminal(project: Project, line: str) -> str:
    """Run *line* in a terminal of its own, kept when it ends, and return its pane."""
    place = ("-x", "120", "-y", "24", "-c", str(project.main), "-n", "mine")
    tmux("new-session", "-d", "-s", "mine", *place, "-e", f"PATH={os.environ['PATH']}", "bash", "--norc")
    pane = tmux("list-panes", "-t", "=mine:", "-F", "#{pane_id}")
    again(pane, line)
    return pane


def again(pane: str, line: str) -> None:
    """Run another *line* there."""
    tmux("send-keys", "-t", pane, f"clear; {line}; echo ended $?", "Enter")


def attached() -> list[str]:
    return sorted(tmux("list-clients", "-F", "#{session_name}").splitlines())


def outer(*arguments: str) -> None:
    """Have another tmux server attach to ours: its pane is a person's terminal."""
    subprocess.run(["tmux", "-L", "outer", "-f", "/dev/null", *arguments], check=True)


def test_in_a_terminal_attaching_comes_back_and_the_end_leaves_it_as_it_was(project: Project) -> None:
    project.inv("session.add", "a")
    pane = terminal(project, f"stty -g >before; {_OUTSIDE} COLUMNS=120 NO_COLOR=1 {INV} session.watch --interval 0.3")
    shows(pane, "enter attach")
    shows(pane, "running")
    colours = re.findall(r"\x1b\[([\d;]*)m", tmux("capture-pane", "-p", "-e", "-t", pane))
    assert [each for each in colours if set(each.split(";")) - {"", "0", "1", "2", "3", "4", "7", "39", "49"}] == []
    tmux("resize-window", "-t", pane, "-x", "40", "-y", "8")
    eventually(lambda: "details" not in screen(pane) and "q quit" in screen(pane))
    tmux("resize-window", "-t", pane, "-x", "120", "-y", "24")
    shows(pane, "details")
    tmux("send-keys", "-t", pane, "C-z")
    shows(pane, "ended 14")  # by a signal that stops it
    tmux("send-keys", "-t", pane, "fg", "Enter")
    shows(pane, "details")
    tmux("send-keys", "-t", pane, "Enter")
    eventually(lambda: attached() == ["tally-a"])
    tmux("detach-client", "-s", "=tally-a")
    shows(pane, "details")
    tmux("send-keys", "-t", pane, "C-c")

    form = "#{alternate_on}#{mouse_any_flag}#{cursor_flag}"
    eventually(lambda: tmux("display-message", "-p", "-t", pane, form) == "001")
    tmux("send-keys", "-t", pane, "clear; stty -g | diff before - && echo as it was", "Enter")
    eventually(lambda: screen(pane).startswith("as it was"))


@pytest.mark.slow
def test_in_tmux_it_switches_stays_in_its_pane_and_leaves_a_popup(project: Project) -> None:
    for name in ("feature-auth", "bugfix-ui"):
        project.inv("session.add", name)
    pane = terminal(project, f"{INV} session.watch --interval 0.3")
    outer("new-session", "-d", f"TMUX= tmux attach -t {pane}")
    shows(pane, "○ 2 idle")
    eventually(lambda: attached() == ["mine"])
    # By name: else the one whose conversation began last is the first, and on a busy machine that may be either.
    tmux("send-keys", "-t", pane, "s")
    shows(pane, "sorted by name")
    tmux("send-keys", "-t", pane, "G", "Enter")
    eventually(lambda: attached() == ["tally-feature-auth"])
    assert tmux("display-message", "-p", "-t", pane, "#{alternate_on}") == "1"
    tmux("switch-client", "-t", "=mine")
    tmux("send-keys", "-t", pane, "q")
    shows(pane, "ended 0")

    again(pane, f"{_POPUP} {INV} session.watch --interval 0.3")
    shows(pane, "○ 2 idle")
    tmux("send-keys", "-t", pane, "s")
    shows(pane, "sorted by name")
    tmux("send-keys", "-t", pane, "g", "Enter")
    eventually(lambda: attached() == ["tally-bugfix-ui"])
    shows(pane, "ended 0")

    tmux("switch-client", "-t", "=mine")
    again(pane, f"{INV} session.pick")
    shows(pane, "session: letters of its name")
    shows(pane, "feature-auth")  # all of them, before anything is typed
    tmux("send-keys", "-t", pane, "Escape")
    shows(pane, "Nothing was chosen.")
    again(pane, f"{INV} session.pick zzz")
    shows(pane, 'No session matches "zzz". Sessions: bugfix-ui, feature-auth')
    again(pane, f"{_POPUP} {INV} session.pick")
    shows(pane, "session: letters of its name")
    tmux("send-keys", "-t", pane, "-l", "fau")
    eventually(lambda: "bugfix" not in screen(pane))
    tmux("send-keys", "-t", pane, "Enter")
    eventually(lambda: attached() == ["tally-feature-auth"])
