"""Sessions that the seeds' own scripts made: four keys in the registry, a worktree, a tmux session."""

import json
from pathlib import Path

import pytest

from testing import port_slot
from testing.project import Project, eventually
from testing.terminal import enter, panes, runs, tmux, windows


@pytest.fixture
def old(project: Project) -> Project:
    """Return the project with the session `old`, made by hand."""
    worktree = project.worktree("old")
    project.git("worktree", "add", "--quiet", "-b", "old", str(worktree))
    ports = {"backend_port": 8000 + port_slot.own() + 7, "frontend_port": 5000 + port_slot.own() + 7}
    row = {**ports, "worktree": str(worktree), "branch": "old"}
    (project.main / ".tally-sessions").write_text(json.dumps({"old": row}))
    for index, name in enumerate((f"backend:{ports['backend_port']}", f"frontend:{ports['frontend_port']}", "claude")):
        place = worktree / name.split(":")[0] if index < 2 else worktree
        start = ("new-session", "-d", "-s", "tally-old") if index == 0 else ("new-window", "-d", "-t", "=tally-old:")
        tmux(*start, "-n", name, "-c", str(place))
    return project


def _serve(project: Project) -> None:
    port = project.row("old")["backend_port"]
    enter(windows("tally-old")[f"backend:{port}"], f"python manage.py runserver {port}")
    eventually(lambda: project.listed("old")["answering"] == [port])


def test_a_seeds_row_is_listed(old: Project) -> None:
    listed = old.listed("old")

    assert (listed["branch"], listed["ports"]["backend_port"]) == ("old", old.row("old")["backend_port"])
    assert (listed["dirty"], listed["ahead"], listed["created"]) == (False, 0, "")
    assert "old" in old.inv("session.list").out


def test_a_seeds_ports_are_not_given_away(old: Project) -> None:
    old.configure(f"session: {{ports: {{backend_port: {old.row('old')['backend_port']}, frontend_port: 5000}}}}\n")

    old.inv("session.add", "new")

    assert old.row("new")["backend_port"] != old.row("old")["backend_port"]


def test_a_seeds_session_is_resumed_in_its_own_windows(old: Project) -> None:
    before = windows("tally-old")
    _serve(old)

    old.inv("session.resume")

    after = windows("tally-old")
    assert {name: after[name] for name in before} == before
    assert [name.split(":")[0] for name in after] == ["backend", "frontend", "claude", "shell", "cli"]
    eventually(lambda: len(old.listed("old")["answering"]) == 2)


def test_a_seeds_session_without_tmux_is_resumed(old: Project) -> None:
    tmux("kill-server")

    old.inv("session.resume", "old")

    runs(old, "old")


def test_a_seeds_session_is_removed_with_its_tmux_session(old: Project) -> None:
    _serve(old)

    old.inv("session.remove", "old")

    assert not old.worktree("old").exists()
    assert not (old.main / ".tally-sessions").exists()
    assert panes("tally-old", "#{pane_id}") == []
    assert "old" not in old.git("branch", "--list")


def test_a_seeds_session_that_was_resumed_is_removed(old: Project) -> None:
    old.inv("session.resume")

    old.inv("session.remove", "old")

    assert not old.worktree("old").exists()
    assert panes("tally-old", "#{pane_id}") == []


def test_a_tmux_session_of_that_name_elsewhere_is_not_a_seeds(old: Project, sandbox: Path) -> None:
    tmux("kill-session", "-t", "=tally-old")
    tmux("new-session", "-d", "-s", "tally-old", "-n", "mine", "-c", str(sandbox / "home"))

    old.inv("session.remove", "old")

    assert panes("tally-old", "#{window_name}") == ["mine"]


def test_unmerged_work_of_a_seeds_session_is_not_removed(old: Project) -> None:
    old.git("commit", "--quiet", "--allow-empty", "-m", "work", cwd=old.worktree("old"))

    said = old.inv("session.remove", "old", code=1)

    assert "unmerged" in said.err
    assert old.worktree("old").exists()


def test_what_becomes_of_a_seeds_session_is_remembered(old: Project) -> None:
    tmux("kill-server")
    old.configure("session: {setup: ['true'], windows: [{name: shell}]}\n")

    old.inv("session.resume")
    assert "failed" not in old.inv("session.list").out  # the setup command succeeded

    file = old.main / ".tally-sessions"
    row = {**old.row("old"), "conversation": "11111111-2222-4333-8444-555555555555"}
    file.write_text(json.dumps({"old": row}))
    shown = old.inv("session.show", "old").out
    assert row["conversation"] in shown
    assert "created" not in shown

    file.write_text(json.dumps({"old": {**row, "state": "removing", "creates_branch": False}}))
    assert old.listed("old")["status"] == "removing"
    old.inv("session.remove", "old")  # as it was agreed to: without the branch
    assert "old" in old.git("branch", "--list")


def test_a_seeds_session_is_brought_back_with_its_work(old: Project) -> None:
    (old.worktree("old") / "backend" / "new.py").write_text("x = 1\n")
    row = old.row("old")

    assert "session.restore old" in old.inv("session.remove", "old", "--force").out
    assert "on branch old, as it was" in old.inv("session.restore", "old").err

    assert (old.worktree("old") / "backend" / "new.py").read_text() == "x = 1\n"
    assert {key: old.row("old")[key] for key in row} == row
    runs(old, "old")
    old.inv("session.remove", "old", "--force")
    assert "old" not in old.git("branch", "--list")
