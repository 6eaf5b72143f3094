"""Worktrees that Claude Code makes itself are sessions: its hooks, with the JSON that it gives them."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from develop.embedding import assistant
from testing import claude_api, real_claude
from testing.project import Project, eventually
from testing.terminal import enter, panes, runs, screen, tmux


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


@pytest.fixture(params=real_claude.VERSIONS)
def real(project: Project, sandbox: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    """Return the project with our hooks, where `claude` is the real one."""
    real_claude.install(request.param, sandbox / "bin")
    (sandbox / "home" / ".claude.json").write_text(claude_api.claude_json(project.main))
    assistant.give_to_claude(project.main)
    project.git("add", ".claude")
    project.git("commit", "--quiet", "-m", "hooks")
    server = claude_api.Server()
    with pytest.MonkeyPatch.context() as patch:
        for key, value in server.environment.items():
            patch.setenv(key, value)
        yield project
    server.shutdown()
    server.server_close()


def test_a_subagent_in_isolation_works_in_a_session_of_ours(real: Project) -> None:
    tmux("new-session", "-d", "-s", "hand", "-x", "150", "-y", "50", "-c", str(real.main), "bash")
    enter("=hand:", "claude --permission-mode acceptEdits 'DO isolate DO write inside.txt ;; DO say done'")
    try:
        eventually(lambda: [*real.top.glob("tally-agent-*/inside.txt")], 120)
    except AssertionError:
        raise AssertionError(screen("=hand:")) from None
    (file,) = real.top.glob("tally-agent-*/inside.txt")
    name = file.parent.name.removeprefix("tally-")
    assert (real.listed(name)["bare"], panes(f"tally-{name}", "#{pane_id}")) == (True, [])
    assert (file.parent / "backend" / "db.sqlite3").exists()


def _chooses_to_remove() -> bool:
    """Go to the answer that removes the worktree, and give it."""
    chosen = re.search("\u276f .*emove worktree", screen("=hand:")) is not None
    tmux("send-keys", "-t", "=hand:", "Enter" if chosen else "Down")
    return chosen


def test_the_real_claude_works_in_a_session_of_ours(real: Project, sandbox: Path) -> None:
    tmux("new-session", "-d", "-s", "hand", "-x", "150", "-y", "50", "-c", str(real.main), "bash")
    enter("=hand:", "claude -w login --permission-mode acceptEdits 'DO write note.txt ;; DO say done'")
    place = real.worktree("login")
    try:
        eventually(lambda: (place / "note.txt").exists(), 120)
    except AssertionError:
        raise AssertionError(screen("=hand:")) from None
    assert (real.row("login")["bare"], real.listed("login")["status"]) == (True, "stopped")
    assert (place / "backend" / "db.sqlite3").exists()
    eventually(lambda: "done" in screen("=hand:"))
    enter("=hand:", "/exit")
    eventually(lambda: "emove worktree" in screen("=hand:"))
    eventually(_chooses_to_remove)
    try:
        eventually(lambda: not place.exists())
    except AssertionError:
        raise AssertionError(screen("=hand:")) from None
    real.inv("session.restore", "login")
    assert (place / "note.txt").exists()
