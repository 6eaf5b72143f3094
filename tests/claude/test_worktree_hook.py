"""Worktrees that Claude Code makes itself are sessions: its hooks, with the JSON that it gives them."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from testing.project import Project
from testing.terminal import panes, runs


def _hook(project: Project, event: str, code: int = 0, cwd: Path | None = None, **facts: Any) -> tuple[str, str]:
    """Run the hook as Claude Code does; return what it printed for it, and for a person."""
    place = cwd or project.main
    given = {"session_id": "0", "transcript_path": "/t", "cwd": str(place), "hook_event_name": event, **facts}
    run = subprocess.run(
        [sys.executable, str(project.main / "tasks" / "claude" / "worktree_hook.py")],
        input=json.dumps(given), cwd=place, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert run.returncode == code, run
    return run.stdout, run.stderr


def test_a_worktree_that_claude_asks_for_is_a_bare_session_and_its_removal_saves_it(project: Project) -> None:
    said, _ = _hook(project, "WorktreeCreate", name="agent-a1b2")
    place = project.worktree("agent-a1b2")
    assert said == f"{place}\n"
    assert _hook(project, "WorktreeCreate", name="agent-a1b2")[0] == said  # `claude -w` in one that exists
    assert (project.listed("agent-a1b2")["bare"], panes("tally-agent-a1b2", "#{pane_id}")) == (True, [])
    (place / "new.txt").write_text("kept")

    said, told = _hook(project, "WorktreeRemove", cwd=place, worktree_path=str(place))
    assert (said, place.exists()) == ("", False)
    assert "Undo: inv session.restore agent-a1b2" in told
    project.inv("session.restore", "agent-a1b2")
    assert (place / "new.txt").read_text() == "kept"


def test_only_a_session_that_was_never_started_is_removed(project: Project) -> None:
    project.inv("session.add", "x")
    place = project.worktree("x")
    assert _hook(project, "WorktreeCreate", name="x")[0] == f"{place}\n"
    told = _hook(project, "WorktreeRemove", code=1, worktree_path=str(place))[1]
    assert told == "x was started, so it stays.\nRun: inv session.remove x\n"
    other = project.top / "elsewhere"
    project.git("worktree", "add", "--quiet", str(other))
    assert "Nothing was removed" in _hook(project, "WorktreeRemove", code=1, worktree_path=str(other))[1]
    assert other.exists()
    runs(project, "x")


def test_a_worktree_for_a_subagent_starts_from_the_branch_of_its_session(project: Project) -> None:
    project.inv("session.add", "x", "--bare")
    (project.worktree("x") / "own.txt").write_text("")
    project.git("add", "own.txt", cwd=project.worktree("x"))
    project.git("commit", "--quiet", "-m", "own", cwd=project.worktree("x"))
    _hook(project, "WorktreeCreate", name="agent-1", cwd=project.worktree("x"))
    assert (project.worktree("agent-1") / "own.txt").exists()
    assert project.row("agent-1")["base"] == "x"


@pytest.mark.parametrize("name", ["--force", "$(touch pwned)", "a;touch pwned", "../up", ""])
def test_a_name_is_never_more_than_a_name(project: Project, name: str) -> None:
    before = project.world()
    said, told = _hook(project, "WorktreeCreate", code=1, name=name)
    assert (said, "NAME" in told or "name" in told) == ("", True), told
    assert project.world() == before, shlex.quote(name)


def test_without_inv_it_says_so(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "inv was not found" in _hook(project, "WorktreeCreate", code=1, name="y")[1]


def test_where_sessions_are_numbered_the_first_free_number_is_taken(project: Project) -> None:
    project.configure("session: {preset: dev-session, base: main, windows: [{name: shell}]}\n")
    said, _ = _hook(project, "WorktreeCreate", name="agent-1")
    assert said.endswith("session-001\n") and project.row("001")["bare"] is True
