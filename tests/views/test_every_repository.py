"""The dashboard with the sessions of every repository of this machine: what is done there is done by its own code."""

import sys
from pathlib import Path

import pytest

from tasks.tools import other_inv
from testing.project import EMBEDDING, INV, Project, eventually, make
from testing.terminal import panes, screen, shows, tmux

# Notes what runs it, where and as what; the directory of the main checkout decides which tasks these are.
_NOTING = """import os, sys
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ran"), "a") as file:
    print(os.getcwd(), os.environ.get("TALLY_SESSION"), *sys.argv[1:], file=file)
"""


@pytest.mark.slow
def test_sessions_of_other_repositories_are_stopped_and_attached_to(project: Project, sandbox: Path) -> None:
    project.configure("session: {windows: [{name: shell}]}\n")
    project.inv("session.add", "here")
    other = make(sandbox / "a" / "other")
    other.configure("session: {windows: [{name: shell}]}\n")
    for name in ("one", "two"):
        other.inv("session.add", name)
    (other.main / "tasks.py").write_text(_NOTING + EMBEDDING)
    place = ("-x", "120", "-y", "30", "-c", str(project.main))
    tmux("new-session", "-d", "-s", "mine", *place, "-e", f"TALLY_SESSION={project.worktree('here')}", "bash", "--norc")
    (pane,) = panes("mine", "#{pane_id}")
    tmux("new-session", "-d", "-s", "outer", "-x", "120", "-y", "30", "TMUX= tmux attach -t =mine")
    eventually(lambda: tmux("list-clients", "-F", "#{session_name}").split() == ["mine"])

    tmux("send-keys", "-t", pane, f"{INV} session.watch --all-repositories; echo ended $?", "Enter")
    shows(pane, "other")
    eventually(lambda: all(name in screen(pane) for name in ("here", "one", "two", "All repositories")))
    lines = screen(pane)
    assert lines.index("here") < lines.index("one") < lines.index("two")
    tmux("send-keys", "-t", pane, "s", "G")  # by name, the last
    eventually(lambda: "Sessions 3/3" in screen(pane))
    tmux("send-keys", "-t", pane, "x")
    eventually(lambda: (other.main / "ran").is_file())
    eventually(lambda: other.listed("two")["status"] == "stopped")

    assert f"{other.main} None session.stop two\n" in (other.main / "ran").read_text()
    assert (other.listed("one")["status"], project.listed("here")["status"]) == ("running", "running")
    tmux("send-keys", "-t", pane, "k")
    eventually(lambda: "Sessions 2/3" in screen(pane))
    tmux("send-keys", "-t", pane, "Enter")
    eventually(lambda: tmux("list-clients", "-F", "#{session_name}").split() == ["other-one"])
    tmux("send-keys", "-t", pane, "q")
    shows(pane, "ended 0")


@pytest.mark.slow
def test_a_repository_that_gets_its_first_session_appears_and_one_that_loses_its_last_goes(
    project: Project, sandbox: Path
) -> None:
    project.configure("session: {windows: [{name: shell}]}\n")
    project.inv("session.add", "here")
    other = make(sandbox / "a" / "other")
    other.configure("session: {windows: [{name: shell}]}\n")
    place = ("-x", "120", "-y", "30", "-c", str(project.main))
    tmux("new-session", "-d", "-s", "mine", *place, "bash", "--norc")
    (pane,) = panes("mine", "#{pane_id}")

    tmux("send-keys", "-t", pane, f"{INV} session.watch --all-repositories; echo ended $?", "Enter")
    shows(pane, "Sessions 1/1")
    other.inv("session.add", "there")
    shows(pane, "All repositories")
    shows(pane, "Sessions 1/2")
    other.inv("session.remove", "there", "--force")
    shows(pane, "Sessions 1/1")
    tmux("send-keys", "-t", pane, "q")
    shows(pane, "ended 0")


def test_nothing_of_another_repository_runs_for_a_list_and_what_is_wrong_there_stays_there(
    project: Project, sandbox: Path
) -> None:
    other = make(sandbox / "a" / "other")
    for each in (project, other):
        each.configure("session: {windows: [{name: shell}]}\n")
        each.inv("session.add", "one")
    other.git("remote", "add", "origin", "https://github.com/a/b.git")  # pull requests of a forge could be followed
    (other.main / "invoke.yaml").unlink()
    (other.main / "invoke.py").write_text(_NOTING)

    listed = project.inv("session.list", "--all-repositories")
    assert "other " in listed.out
    assert not (other.main / "ran").exists()
    for wrong in ("a: [", "- 1\n", "session: 3\n", "session: &a {windows: *a}\n", "run: 5\n", "\0"):
        (other.main / "invoke.yaml").write_text(wrong)
        assert "other " in project.inv("session.list", "--all-repositories").out, wrong


def test_a_repository_with_its_own_python_is_asked_through_that(sandbox: Path) -> None:
    own = sandbox / ".venv" / "bin" / "inv"

    assert other_inv.inv_command(sandbox) == [sys.executable, sys.argv[0]]
    own.parent.mkdir(parents=True)
    own.touch(0o755)
    assert other_inv.inv_command(sandbox) == [str(own)]
