"""Assistants other than Claude Code, chosen at add: started and continued as the configuration says."""

import json
import sqlite3
import time
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import pytest

from testing.project import Project, eventually


def _calls(sandbox: Path) -> list[list[str]]:
    log = sandbox / "called"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def _stand_in(sandbox: Path, agent: str) -> None:
    program = sandbox / "bin" / agent
    write = f"import json, sys; print(json.dumps(sys.argv[1:]), file=open('{sandbox}/called', 'a'))"
    program.write_text(f'#!/bin/sh\npython3 -c "{write}" "$@"\nexec sleep 600\n')
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("agent", "begins", "resumes"),
    [
        ("gemini", ["--session-id", "ID", "do it"], ["--session-id", "ID"]),  # nothing was saved yet
        ("copilot", ["--session-id", "ID", "-i", "do it"], ["--session-id", "ID"]),
        ("mine", ["new", "ID", "--fast", "do it"], ["old", "ID", "--fast"]),
    ],
)
def test_it_begins_and_continues_with_its_own_arguments(
    project: Project, sandbox: Path, agent: str, begins: list[str], resumes: list[str]
) -> None:
    project.configure(
        "session: {agents: {mine: {command: mine, args: [--fast], begin: [new, '{id}'], resume: [old, '{id}']}}}\n"
    )
    _stand_in(sandbox, agent)
    project.inv("session.add", "x", "--agent", agent, "--prompt", "do it")
    own = project.row("x")["conversation"]
    eventually(lambda: _calls(sandbox))
    project.inv("session.stop", "x")
    project.inv("session.resume", "x")
    eventually(lambda: len(_calls(sandbox)) == 2)

    assert _calls(sandbox) == [[own if word == "ID" else word for word in words] for words in (begins, resumes)]
    assert "x doesn't run Claude Code" in project.inv("session.send", "x", "more", code=1).err
    assert project.row("x")["agent"]["name"] == agent


def test_gemini_goes_on_with_what_it_has_saved(project: Project, sandbox: Path) -> None:
    _stand_in(sandbox, "gemini")
    project.inv("session.add", "x", "--agent", "gemini")
    own = project.row("x")["conversation"]
    chats = sandbox / "home/.gemini/tmp/tally-x/chats"
    chats.mkdir(parents=True)
    (chats / f"session-2026-11-29T16-16-{own[:8]}.jsonl").touch()
    project.inv("session.stop", "x")
    project.inv("session.resume", "x")
    eventually(lambda: _calls(sandbox)[1:] == [["--resume", own]])
    assert (
        "gemini can't copy a conversation, so a new one starts." in project.inv("session.add", "y", "--fork", "x").err
    )


def test_an_unknown_one_is_refused_before_any_effect(project: Project) -> None:
    before = project.world()
    assert "No agent 'codx' in the setting agents." in project.inv("session.add", "x", "--agent", "codx", code=1).err
    assert project.world() == before


_ID = "01a22818-0e8b-7513-8265-75c183080b47"
_OTHER = "01a22818-0e8b-7513-8265-75c183080b48"


def _codex_writes(sandbox: Path, place: Path, identity: str, *events: str, source: str = "vscode") -> None:
    """Write what Codex 0.171.0 keeps of a conversation."""
    now = datetime.now(timezone.utc)
    file = sandbox / "home/.codex/sessions" / now.strftime(f"%Y/%m/%d/rollout-%Y-%m-%dT%H-%M-%S.%f-{identity}.jsonl")
    facts = {"id": identity, "cwd": str(place), "timestamp": now.isoformat().replace("+00:00", "Z"), "source": source}
    records = [{"type": "session_meta", "payload": facts}]
    records += [{"type": "event_msg", "payload": {"type": event}} for event in events]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(record) + "\n" for record in records))


def _opencode_writes(sandbox: Path, place: Path, identity: str, *, is_over: bool) -> None:
    """Write what OpenCode 1.18.33 keeps of a conversation, in the columns that are read."""
    file = sandbox / "home/.local/share/opencode/opencode.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("create table if not exists session (id, directory, parent_id, time_created)")
        database.execute("create table if not exists message (session_id, time_created, data)")
        now = int(time.time() * 1000)
        database.execute("insert into session values (?, ?, null, ?)", (identity, str(place), now))
        message = {"role": "assistant", "time": {"created": now, **({"completed": now} if is_over else {})}}
        database.execute("insert into message values (?, ?, ?)", (identity, now, json.dumps(message)))


def test_codex_goes_on_by_its_own_id_forks_and_says_what_it_does(project: Project, sandbox: Path) -> None:
    _stand_in(sandbox, "codex")
    project.inv("session.add", "x", "--agent", "codex", "--prompt", "do it")
    eventually(lambda: _calls(sandbox) == [["--no-daemon", "do it"]])
    assert project.listed("x")["claude_reason"] == "codex is open"

    place = project.worktree("x")
    _codex_writes(sandbox, place, "0" * 36, "task_started", source="exec")  # a script's
    _codex_writes(sandbox, project.main, "1" * 36, "task_started")
    _codex_writes(sandbox, place, _ID, "task_complete", "task_started")
    assert project.listed("x")["claude"] == "working"
    _codex_writes(sandbox, place, _OTHER, "task_started", "task_complete")  # by hand, beside it
    assert project.listed("x")["claude"] == "working"

    project.inv("session.stop", "x")
    project.inv("session.resume", "x")
    eventually(lambda: _calls(sandbox)[1:] == [["resume", "--no-daemon", "-C", str(place), _ID]])
    assert project.row("x")["conversation"] == _ID

    project.inv("session.add", "y", "--fork", "x", "--prompt", "more")
    eventually(lambda: _calls(sandbox)[2:] == [["fork", "--no-daemon", "-C", str(project.worktree("y")), _ID, "more"]])
    assert project.row("y")["agent"]["name"] == "codex"
    said = project.inv("session.add", "z", "--fork", "y").err
    assert "Nothing was said to codex in y yet, so a new conversation starts." in said


def test_opencode_goes_on_by_its_own_id_and_says_what_it_does(project: Project, sandbox: Path) -> None:
    _stand_in(sandbox, "opencode")
    project.inv("session.add", "x", "--agent", "opencode", "--prompt", "do it")
    eventually(lambda: _calls(sandbox) == [["--prompt", "do it"]])
    _opencode_writes(sandbox, project.worktree("x"), "ses_own", is_over=False)
    assert project.listed("x")["claude"] == "working"
    _opencode_writes(sandbox, project.main, "ses_other", is_over=True)
    assert project.listed("x")["claude"] == "working"
    project.inv("session.stop", "x")
    project.inv("session.resume", "x")
    eventually(lambda: _calls(sandbox)[1:] == [["--session", "ses_own"]])
    said = project.inv("session.add", "y", "--fork", "x").err  # its own copy would stay in x's worktree
    assert "opencode can't copy a conversation, so a new one starts." in said


@pytest.mark.parametrize(
    ("state", "said"),
    [("cat told", "told"), ("{worktree}/told", "told"), ("{worktree}/to*", "told"), ("echo waiting for {id}", "")],
)
def test_what_one_does_is_said_by_a_command_or_a_file(project: Project, sandbox: Path, state: str, said: str) -> None:
    _stand_in(sandbox, "mine")
    mine = {"command": "mine", "find": "echo my-id", "resume": ["{id}"], "state": state}
    project.configure(json.dumps({"session": {"agents": {"mine": mine}}}) + "\n")
    project.inv("session.add", "x", "--agent", "mine")
    eventually(lambda: _calls(sandbox) == [[]])
    own = project.row("x")["conversation"]
    if said:
        assert project.listed("x")["claude_reason"] == "mine is open"
        (project.worktree("x") / said).write_text(f"waiting for {own}\nmore\n")
    listed = project.listed("x")
    assert (listed["claude"], listed["claude_what"]) == ("waiting", f"for {own}")
    assert project.inv("session.wait", "x", "--until", "idle", code=3)
    project.inv("session.stop", "x")
    project.inv("session.resume", "x")
    eventually(lambda: _calls(sandbox)[1:] == [["my-id"]])
