"""Worktrees that the real Claude Code makes itself are sessions: `claude -w`, subagents, visits; and its own forks."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from develop.embedding import assistant
from testing import claude_api
from testing.project import Project, eventually
from testing.real_claude import becomes, open_conversations, press, typed
from testing.terminal import enter, panes, screen, tmux


@pytest.fixture
def hooked(real: Project) -> Project:
    """Return the project with our hooks, and a terminal beside it."""
    assistant.give_to_claude(real.main)
    real.git("add", ".claude")
    real.git("commit", "--quiet", "-m", "hooks")
    tmux("new-session", "-d", "-s", "hand", "-x", "150", "-y", "50", "-c", str(real.main), "bash")
    return real


def _sees(true: Callable[[], object]) -> None:
    """Wait for *true*; on failure show the terminal."""
    try:
        eventually(true, 120)
    except AssertionError:
        raise AssertionError(screen("=hand:")) from None


def test_a_subagent_in_isolation_works_in_a_session_of_ours(hooked: Project) -> None:
    enter("=hand:", "claude --permission-mode acceptEdits 'DO isolate DO write inside.txt ;; DO say done'")
    _sees(lambda: [*hooked.top.glob("tally-agent-*/inside.txt")])
    (file,) = hooked.top.glob("tally-agent-*/inside.txt")
    name = file.parent.name.removeprefix("tally-")
    assert (hooked.listed(name)["bare"], panes(f"tally-{name}", "#{pane_id}")) == (True, [])
    assert (file.parent / "backend" / "db.sqlite3").exists()


def test_the_worktree_of_claude_w_is_a_session_of_ours(hooked: Project) -> None:
    enter("=hand:", "claude -w login --permission-mode acceptEdits 'DO write note.txt ;; DO say done'")
    place = hooked.worktree("login")
    _sees(lambda: (place / "note.txt").exists())
    assert (hooked.row("login")["bare"], hooked.listed("login")["status"]) == (True, "stopped")
    assert (place / "backend" / "db.sqlite3").exists()
    _sees(lambda: "done" in screen("=hand:") and typed("=hand:") == "")
    tmux("send-keys", "-t", "=hand:", "-l", "/exit")
    _sees(lambda: typed("=hand:") == "/exit")
    press("=hand:", "Enter", lambda: "emove worktree" in screen("=hand:"))
    press("=hand:", "Down", lambda: re.search("\u276f .*emove worktree", screen("=hand:")))
    press("=hand:", "Enter", lambda: not place.exists())
    hooked.inv("session.restore", "login")
    assert (place / "note.txt").exists()


def test_a_fork_and_a_visit_elsewhere_stay_with_their_session(
    hooked: Project, sandbox: Path, api: claude_api.Server
) -> None:
    hooked.inv("session.add", "x", "--prompt", "DO say first")
    becomes(hooked, claude="idle", claude_what="first")
    hooked.inv("session.send", "x", "/fork DO hold ;; DO write forked.txt ;; DO say forked")
    becomes(hooked, claude="working")
    api.go.set()
    _allows(hooked, hooked.worktree("x") / "forked.txt")
    becomes(hooked, claude="idle")
    assert (hooked.worktree("x") / "forked.txt").exists()

    hooked.inv("session.send", "x", "DO enter other ;; DO write inside.txt ;; DO say entered", "--when-idle")
    _allows(hooked, hooked.worktree("other") / "inside.txt")
    becomes(hooked, claude="idle", claude_what="entered")
    assert (hooked.worktree("other") / "inside.txt").exists()
    assert (hooked.listed("other")["bare"], hooked.listed("other")["claude"]) == (True, "off")
    assert [each["sessionId"] for each in open_conversations(sandbox)] == [hooked.row("x")["conversation"]]

    hooked.inv("session.stop", "other")
    assert hooked.listed("x")["claude"] == "idle"
    hooked.inv("session.stop", "x")
    hooked.inv("session.resume", "x")
    becomes(hooked, claude="idle")
    assert [each["sessionId"] for each in open_conversations(sandbox)] == [hooked.row("x")["conversation"]]


def _allows(project: Project, file: Path) -> None:
    becomes(project, claude="waiting", claude_what=f"Write {file}")
    project.inv("session.answer", "x", "yes")
