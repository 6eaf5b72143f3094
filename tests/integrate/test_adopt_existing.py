"""A worktree, a tmux session and a conversation that a person made by hand are brought in; nothing of them ends."""

import json
import subprocess
from pathlib import Path

import pytest

from tasks.claude import transcripts
from testing.project import Project, eventually
from testing.terminal import enter, panes, shows, tmux, windows

_ID = "11111111-2222-4333-8444-555555555555"
_CONFIGURED = (
    "session: {windows: [{name: server, run: 'sleep 1000'}, {name: claude, claude: true}, {name: shell}],"
    " ports: {app_port: 8000}}\n"
)


@pytest.fixture
def place(project: Project) -> Path:
    """A worktree made by hand, with work that is not committed."""
    project.configure(_CONFIGURED)
    place = project.top / "by-hand"
    project.git("worktree", "add", "--quiet", "-b", "mine", str(place))
    (place / "new").write_text("new\n")
    return place


def _conversation(sandbox: Path, place: Path, identity: str = _ID) -> Path:
    """A conversation that was begun in *place*, as Claude Code keeps it."""
    file = sandbox / "home" / ".claude" / "projects" / transcripts.directory_name(place) / f"{identity}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    record = {"type": "user", "cwd": str(place), "message": {"role": "user", "content": "hello"}}
    file.write_text(json.dumps(record) + "\n")
    return file


def _log(sandbox: Path) -> list[list[str]]:
    log = sandbox / "bin" / "claude.log"
    return [json.loads(line)["argv"] for line in log.read_text().splitlines()] if log.exists() else []


def test_a_tmux_session_continues_with_all_that_runs_in_it(project: Project, place: Path, sandbox: Path) -> None:
    tmux("new-session", "-d", "-s", "own", "-n", "editor", "-c", str(place))
    tmux("new-window", "-d", "-t", "=own:", "-n", "server", "-c", str(place), "exec sleep 4242")
    tmux("new-window", "-d", "-t", "=own:", "-n", "talk", "-c", str(place))
    before = windows("own")
    enter(before["editor"], "MINE=kept")
    enter(before["talk"], f"claude --session-id {_ID} -n mine")
    enter(before["talk"], "hello")
    sessions = sandbox / "home" / ".claude" / "sessions"
    eventually(lambda: any(_ID in each.read_text() for each in sessions.glob("*.json")))

    project.inv("session.adopt", "--tmux", "own")

    row = project.row("mine")
    assert row["tmux"] == "own" and row["worktree"] == str(place) and not row["bare"]
    now = windows("own")
    assert before.items() <= now.items() and set(now) == {"editor", "server", "talk", "shell"}
    assert row["conversation"] == _ID  # which is open in it, and stays
    eventually(lambda: project.listed("mine")["claude"] == "idle")
    assert "sleep" in panes("own", "#{pane_current_command}")  # which is still the person's own
    enter(before["editor"], "echo it-is-$MINE")
    shows(before["editor"], "it-is-kept")
    assert (place / "new").read_text() == "new\n"
    eventually(lambda: project.listed("mine")["status"] == "running")
    assert tmux("show-environment", "-t", "=own:", "TALLY_SESSION") == f"TALLY_SESSION={place}"
    assert "belongs to the session at" in project.inv("session.adopt", "x", "--tmux", "own", code=1).err
    project.inv("session.stop", "mine")
    assert not panes("own", "x")
    project.inv("session.start", "mine")
    assert set(windows("own")) == {"server", "claude", "shell"}


def test_a_conversation_continues_in_its_worktree(project: Project, place: Path, sandbox: Path) -> None:
    file = _conversation(sandbox, place)
    before = file.read_text()

    project.inv("session.adopt", "named", "--conversation", _ID)

    assert project.row("named")["worktree"] == str(place)
    assert project.row("named")["conversation"] == _ID
    eventually(lambda: any(words[:2] == ["--resume", _ID] for words in _log(sandbox)))
    assert file.read_text().startswith(before)


def test_a_session_that_exists_gets_a_tmux_session_or_another_conversation(
    project: Project, place: Path, sandbox: Path
) -> None:
    project.inv("session.add", "x", "--worktree", str(place))
    eventually(lambda: project.listed("x")["claude"] != "off")
    _conversation(sandbox, place)
    tmux("new-session", "-d", "-s", "own", "-c", str(place))

    refused = project.inv("session.adopt", "x", "--conversation", _ID, code=1).err
    assert "Claude is running in x, in another conversation.\nStop it first: inv session.stop x" in refused
    refused = project.inv("session.adopt", "x", "--tmux", "own", code=1).err
    assert "which is running.\nStop it first: inv session.stop x" in refused
    project.inv("session.stop", "x")
    project.inv("session.adopt", "x", "--conversation", _ID, "--tmux", "own")

    assert project.row("x")["tmux"] == "own" and project.row("x")["conversation"] == _ID
    assert {"server", "claude", "shell"} <= set(windows("own"))
    eventually(lambda: any(words[:2] == ["--resume", _ID] for words in _log(sandbox)))
    assert project.inv("session.doctor").out == "No problems.\n"


def test_what_cannot_be_brought_in_is_refused_with_what_to_do(project: Project, place: Path, sandbox: Path) -> None:
    tmux("new-session", "-d", "-s", "main", "-c", str(project.main))
    _conversation(sandbox, project.main)

    def refusal(*words: str) -> str:
        return project.inv("session.adopt", *words, code=1).err

    assert "No tmux session 'none'. There are: main" in refusal("--tmux", "none")
    assert "The tmux session main is in no worktree of this repository." in refusal("--tmux", "main")
    assert "No conversation 'x' in" in refusal("--worktree", str(place), "--conversation", "x")
    assert f"run: inv session.add NAME --continue-from {_ID}" in refusal("--conversation", _ID)
    elsewhere = refusal("--worktree", str(place), "--conversation", _ID)
    assert f"run: inv session.add NAME --worktree {place} --continue-from {_ID}" in elsewhere
    assert "--commits moves work from the main checkout." in refusal("x", "--commits", "1", "--tmux", "main")
    assert "A new session needs a NAME." in refusal()
    assert project.inv("session.list", "--json").json == []
    project.inv("session.add", "y", "--worktree", str(place), "--continue-from", _ID)
    eventually(lambda: any(words[:3] == ["--resume", _ID, "--fork-session"] for words in _log(sandbox)))
    assert subprocess.run(["tmux", "has-session", "-t", "=main"], check=False).returncode == 0


def test_a_tmux_session_of_another_session_is_not_advised_to_be_ended(project: Project, place: Path) -> None:
    tmux("new-session", "-d", "-s", "tally-foo", "-n", "editor", "-c", str(place))

    adopted = project.inv("session.adopt", "bar", "--tmux", "tally-foo").err
    refused = project.inv("session.add", "foo", code=1).err

    assert "Stopping bar will end these windows of tally-foo, too: editor." in adopted
    project.inv("session.add", "y")
    refused += project.inv("session.rename", "y", "foo", code=1).err
    assert refused.count(f"It belongs to the session in {place}.") == 2
    assert "kill-session" not in refused


def test_a_tmux_session_whose_name_tmux_reads_otherwise_is_refused(project: Project, place: Path) -> None:
    for name in ("it's", "my wörk"):
        tmux("new-session", "-d", "-s", name, "-c", str(place))

    refused = project.inv("session.adopt", "--tmux", "it's", code=1).err
    project.inv("session.adopt", "--tmux", "my wörk")

    assert "The tmux session it's has ' in its name" in refused and "Run: tmux rename-session -t" in refused
    project.inv("session.stop", "mine")
    assert tmux("list-sessions", "-F", "#{session_name}") == "it's"
