"""The live list and the choice by letters, as a person sees them in a terminal."""

import os
import subprocess

from tests.project import INV, Project, eventually
from tests.terminal import screen, shows, tmux


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
    assert " a " in f" {screen(pane)} "

    project.inv("session.add", "b")
    eventually(lambda: "\nb " in screen(pane))
    tmux("send-keys", "-t", pane, "j")
    eventually(lambda: marked(pane).startswith("b "))
    for name in "ab":
        (project.worktree(name) / "same.txt").write_text(name)
    shows(pane, "a and b cannot be merged in same.txt")
    tmux("send-keys", "-t", pane, "l")
    shows(pane, f" | $ cd {project.worktree('b')}/backend")
    tmux("send-keys", "-t", pane, "l")
    eventually(lambda: " | " not in screen(pane))
    tmux("send-keys", "-t", pane, "s")
    shows(pane, "stopped b; to go on")
    assert (project.listed("a")["status"] != "stopped", project.listed("b")["status"]) == (True, "stopped")
    assert "  note  " not in screen(pane)  # what would be told meanwhile
    tmux("send-keys", "-t", pane, "r")
    shows(pane, "resumed b")
    tmux("send-keys", "-t", pane, "q")

    shows(pane, "ended 0")


def test_some_letters_choose_the_session_to_attach_to(project: Project) -> None:
    for name in ("feature-auth", "bugfix-ui"):
        project.inv("session.add", name)
    pane = terminal(project, "session.pick")
    shows(pane, "session:")
    shows(pane, "feature-auth")  # all of them, before anything is typed
    tmux("send-keys", "-t", pane, "zzz", "Enter")
    shows(pane, "no session matches 'zzz'; known: bugfix-ui, feature-auth")
    subprocess.run(
        ["tmux", "-L", "outer", "-f", "/dev/null", "new-session", "-d", f"TMUX= tmux attach -t {pane}"], check=True
    )
    eventually(lambda: attached() == ["mine"])

    tmux("send-keys", "-t", pane, f"clear; {INV} session.pick", "Enter")
    eventually(lambda: screen(pane).startswith("session:"))
    tmux("send-keys", "-t", pane, "fxu", "Enter")

    eventually(lambda: attached() == ["tally-bugfix-ui"])


def attached() -> list[str]:
    return tmux("list-clients", "-F", "#{session_name}").splitlines()


def test_without_a_terminal_they_say_what_to_use_instead(project: Project) -> None:
    for task in ("watch", "pick"):
        assert "for programs: inv session.list --json" in project.inv(f"session.{task}", code=1).err
