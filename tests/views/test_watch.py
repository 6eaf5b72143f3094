"""The live list and the choice by letters, as a person sees them in a terminal."""

import os
import re
import socket
import subprocess
from types import SimpleNamespace
from typing import Any

from tasks.errors import SessionError
from tasks.views import live, picker, tables
from testing.project import INV, Project, eventually
from testing.terminal import runs, screen, shows, tmux


def terminal(project: Project, *arguments: str) -> str:
    """Run `inv` in a terminal of its own, kept when it ends, and return its pane."""
    place = ("-x", "120", "-y", "20", "-c", str(project.main), "-n", "mine")
    tmux("new-session", "-d", "-s", "mine", *place, "-e", f"PATH={os.environ['PATH']}", "bash", "--norc")
    pane = tmux("list-panes", "-t", "=mine:", "-F", "#{pane_id}")
    tmux("send-keys", "-t", pane, f"clear; {INV} {' '.join(arguments)}; echo ended $?", "Enter")
    return pane


def marked(pane: str) -> str:
    """Return the line that is shown in bold and reverse: the chosen one."""
    shown = tmux("capture-pane", "-p", "-e", "-t", pane)
    return shown.rpartition("\x1b[1;7m")[2].partition("\n")[0]


def test_the_live_list_follows_and_its_keys_act(project: Project) -> None:
    project.inv("session.add", "a")
    pane = terminal(project, "session.watch", "--interval", "0.2")
    shows(pane, "enter attach")
    assert re.search("^ ?a  ", screen(pane), re.MULTILINE)

    project.inv("session.add", "b")
    eventually(lambda: "\nb " in screen(pane))
    tmux("send-keys", "-t", pane, "j")
    eventually(lambda: marked(pane).startswith("b "))
    for name in "ab":
        (project.worktree(name) / "same.txt").write_text(name)
    shows(pane, "a conflicts with b in same.txt")
    runs(project, "b")
    with socket.create_connection(("127.0.0.1", project.row("b")["backend_port"])) as line:
        line.sendall(b"GET / HTTP/1.0\r\n\r\n")
    tmux("send-keys", "-t", pane, "l")
    shows(pane, " | GET / 200")
    tmux("send-keys", "-t", pane, "l")
    eventually(lambda: " | " not in screen(pane))
    tmux("send-keys", "-t", pane, "s")
    shows(pane, "Stopped b. Start again: ")
    tmux("send-keys", "-t", pane, "Enter")
    shows(pane, "b is stopped. Press r to resume it.")
    assert (project.listed("a")["status"] != "stopped", project.listed("b")["status"]) == (True, "stopped")
    assert "  note  " not in screen(pane)  # what would be told meanwhile
    tmux("send-keys", "-t", pane, "r")
    shows(pane, "Resumed b.")
    tmux("resize-window", "-t", pane, "-x", "38", "-y", "8")
    tmux("send-keys", "-t", pane, "s")
    shows(pane, "Stopped b. Start again: inv session")  # in two lines
    assert screen(pane).endswith("l logs s stop r resume q quit")  # all of them are in the last one
    tmux("resize-window", "-t", pane, "-x", "50", "-y", "5")
    eventually(lambda: "branch" not in screen(pane).split("\n")[0])  # which has no room
    eventually(lambda: marked(pane).startswith("b "))  # although there is room for few rows
    tmux("send-keys", "-t", pane, "C-z")
    shows(pane, "ended 148")
    tmux("send-keys", "-t", pane, "fg", "Enter")
    eventually(lambda: marked(pane).startswith("b "))
    tmux("send-keys", "-t", pane, "q")

    eventually(lambda: tmux("display-message", "-p", "-t", pane, "#{alternate_on}") == "0")


def test_some_letters_choose_the_session_to_attach_to(project: Project) -> None:
    for name in ("feature-auth", "bugfix-ui"):
        project.inv("session.add", name)
    pane = terminal(project, "session.pick")
    shows(pane, "session:")
    shows(pane, "feature-auth")  # all of them, before anything is typed
    tmux("send-keys", "-t", pane, "Escape")
    shows(pane, "Nothing was chosen.")
    tmux("send-keys", "-t", pane, f"clear; {INV} session.pick zzz", "Enter")
    shows(pane, 'No session matches "zzz". Sessions: bugfix-ui, feature-auth')
    subprocess.run(
        ["tmux", "-L", "outer", "-f", "/dev/null", "new-session", "-d", f"TMUX= tmux attach -t {pane}"], check=True
    )
    eventually(lambda: attached() == ["mine"])
    other = "TMUX= tmux attach -t =tally-feature-auth"
    subprocess.run(["tmux", "-L", "outer", "new-window", "-d", other], check=True)
    eventually(lambda: sorted(attached()) == ["mine", "tally-feature-auth"])

    tmux("send-keys", "-t", pane, f"clear; env -u TMUX_PANE {INV} session.pick", "Enter")  # as in a popup
    eventually(lambda: screen(pane).startswith("session:"))
    tmux("send-keys", "-t", pane, "fxu", "Enter")

    eventually(lambda: sorted(attached()) == ["tally-bugfix-ui", "tally-feature-auth"])


def test_letters_of_one_session_only_need_no_question() -> None:
    names = ["bugfix", "bugfix-ui", "feature"]

    assert [picker.pick_name(names, letters) for letters in ("bugfix", "fxu", "ea")] == [
        "bugfix",
        "bugfix-ui",
        "feature",
    ]


def test_the_chosen_session_stays_chosen_whatever_comes_and_goes() -> None:
    now: list[Any] = [[]]
    state = "stopped"

    def look() -> tuple[list[Any], list[str]]:
        if isinstance(now[0], Exception):
            raise now[0]
        return [SimpleNamespace(session=SimpleNamespace(name=name), state=state) for name in now[0]], []

    shown = live.View(live.Source(look, lambda _session, _lines: [], lambda _task, _name: ""))

    def chosen(*names: str) -> str:
        now[0] = names
        shown.renew()
        return str(found.session.name) if (found := shown.chosen()) else ""

    assert chosen("b", "c") == "b"
    shown.move(1)
    assert [chosen("a", "b", "c"), chosen("c"), chosen("a", "b"), chosen()] == ["c", "c", "a", ""]
    for failure in (SessionError("not valid JSON"), OSError("no space")):
        now[0] = failure
        shown.renew()
        assert (shown.told(), shown.table(80)) == (str(failure), ([], [], []))
    assert (chosen("a"), shown.told()) == ("a", "")
    assert (shown.attachable(), shown.told()) == (None, "a is stopped. Press r to resume it.")
    state = "broken"  # which is resumed by nothing
    chosen("a")
    assert (shown.attachable(), shown.told()) == (None, "a is broken. Run: inv session.show a")


def test_a_table_leaves_out_columns_for_which_there_is_no_room() -> None:
    titles, rows = ["name", "branch", "state", "age"], [["x" * 10, "b" * 10, "running", "0m"]]

    assert "branch" in tables.fit_table(titles, rows, 0)
    assert tables.fit_table(titles, rows, 38) == tables.fit_table(titles, rows, 0)
    narrow = tables.fit_table(titles, rows, 30).splitlines()
    assert (narrow[0].split(), narrow[-1]) == (["name", "state", "age"], "(hidden: branch; widen the terminal)")
    assert "name" in tables.fit_table(titles, rows, 5)


def attached() -> list[str]:
    return tmux("list-clients", "-F", "#{session_name}").splitlines()


def test_without_a_terminal_they_say_what_to_use_instead(project: Project) -> None:
    for task in ("watch", "pick"):
        assert "Run: inv session.list --json" in project.inv(f"session.{task}", code=1).err
