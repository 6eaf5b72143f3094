"""What running conversations say: asked once, bounded in time, believed only where it fits; and since when."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tasks.conversations import agents, hooks, note, sending, talk
from tasks.errors import SessionError
from tasks.machine.panes import Pane
from tasks.model import Repository, Session
from tasks.parts import Agent, Window

_DEEP = "yes '[' | head -n 100000"
_SAID: dict[str, Any] = {"pid": 7, "cwd": "/w", "kind": "interactive", "startedAt": 5000, "sessionId": "a"}


@pytest.fixture
def session(sandbox: Path) -> Session:
    windows = (Window("claude", claude=True), Window("shell"))
    repository = Repository(sandbox / "main", sandbox / "main" / ".git")
    return Session(
        "x", "x", repository, sandbox / "w", "x", {"app_port": 9}, "t-x", conversation="a", windows=windows
    )  # fmt: skip


def _program(sandbox: Path, body: str) -> Agent:
    program = sandbox / "own" / "claude"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return Agent(command=str(program))


def test_each_state_is_translated_and_what_is_odd_is_unknown(sandbox: Path) -> None:
    waiting = {**_SAID, "status": "waiting", "waitingFor": "permission prompt"}
    said = [
        {**_SAID, "status": "busy"},
        {**_SAID, "status": "shell"},
        waiting,
        {**_SAID, "status": "idle"},
        _SAID,
        {},
        5,
    ]
    (sandbox / "said").write_text(json.dumps(said))

    found = agents.running(_program(sandbox, f"cat {sandbox}/said")) or []

    assert [live.state for live in found] == ["working", "working", "waiting", "idle", "unknown", "unknown"]
    assert (found[2].waiting_for, found[3].waiting_for, found[3].started) == ("permission prompt", "", 5.0)


def test_numbers_and_paths_that_cannot_be_are_none(sandbox: Path, session: Session) -> None:
    said = ['{"pid": 1e999, "startedAt": NaN, "cwd": "/w\\u0000"}', '{"pid": -5, "startedAt": 1e300}', '{"pid": "7"}']
    (sandbox / "said").write_text(f"[{', '.join(said)}]")

    found = agents.running(_program(sandbox, f"cat {sandbox}/said")) or []

    assert [(live.pid, live.started, live.directory) for live in found] == [(0, 0, ""), (0, 0, "/"), (0, 0, "/")]
    pane = Pane("%1", "@1", "/dev/none", "claude", "claude", True, session.tmux, str(session.worktree))
    odd = agents.Live("a", "", 1, "idle", "", 1e13)
    now = talk.of(session, [pane], {Agent(command="claude", config=session.agent.config): [odd]})
    assert (now.state, now.since) == ("idle", ""), "its clock is past the last year that there is"


@pytest.mark.parametrize("body", ["exit 1", "echo []; exit 1", "echo no", "echo {}", ":", "sleep 99 & sleep 99", _DEEP])
def test_who_does_not_answer_is_not_known(sandbox: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    monkeypatch.setattr(agents, "_PATIENCE", 0.3)

    assert agents.running(_program(sandbox, body)) is None
    assert agents.running(Agent(command="missing-claude")) is None


def test_the_question_is_about_the_sessions_own_directory(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "/of/this/shell")
    asking = _program(sandbox, f'echo "$CLAUDE_CONFIG_DIR" >> {sandbox}/asked; echo []')

    for config in ("", "/own", str(sandbox / "home" / ".claude")):
        agents.running(replace(asking, config=config))

    assert (sandbox / "asked").read_text() == "/of/this/shell\n/own\n\n"


def test_the_id_counts_before_the_directory_and_the_latest_of_several(session: Session) -> None:
    def live(identity: str, directory: Path, started: float) -> agents.Live:
        return agents.Live(identity, str(directory), 1, "idle", "", started)

    here, there = session.worktree, session.worktree.parent
    old, new, own = live("b", here, 1), live("c", here, 2), live("a", there, 0)

    assert agents.of(session, [old, new, own]) == own
    assert agents.of(session, [old, new]) == new
    assert agents.of(session, [live("b", there, 1)]) is None


@pytest.mark.parametrize(
    ("marks", "state", "expected"),
    [
        ({"SessionStart": 10}, "idle", 10), ({"SessionStart": 10}, "working", 0),
        ({"SessionStart": 10, "UserPromptSubmit": 20}, "working", 20),
        ({"SessionStart": 10, "UserPromptSubmit": 20}, "idle", 0),  # interrupted, of which no hook tells
        ({"UserPromptSubmit": 20, "Notification": 30}, "waiting", 30),
        ({"UserPromptSubmit": 20, "Notification": 30}, "working", 20),
        ({"Notification": 20, "UserPromptSubmit": 30}, "waiting", 0),  # another dialog
        ({"UserPromptSubmit": 20, "Stop": 40}, "idle", 40), ({"UserPromptSubmit": 20, "Stop": 40}, "working", 0),
        ({"Stop": 3}, "idle", 0), ({"UserPromptSubmit": 3}, "working", 0),  # of a process before this one
    ],
)  # fmt: skip
def test_since_when_is_told_only_by_a_hook_that_fits(
    session: Session, marks: dict[str, int], state: str, expected: float
) -> None:
    session.private.mkdir(parents=True)
    for event, at in marks.items():
        (session.private / event).touch()
        os.utime(session.private / event, (at, at))

    assert hooks.since(session, state, started=5) == expected


def test_a_window_in_which_nothing_runs_is_off_and_asks_nobody(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents, "running", None)
    monkeypatch.setattr(Pane, "at_prompt", property(lambda pane: pane.window != "shell"))
    panes = [Pane("%1", "@1", "/dev/null", "bash", name, True, "t-x", "w") for name in ("claude", "shell")]

    running = talk.ask([session], {str(session.worktree): panes})

    assert talk.of(session, panes, running).state == "off"
    assert talk.of(session, [], {}).state == "off"


def test_a_line_of_the_note_without_its_fact_is_left_out(session: Session) -> None:
    (session.worktree / "data").mkdir(parents=True)
    (session.worktree / "data" / "own.db").touch()
    (session.worktree / "shared").symlink_to(session.worktree)
    template = (
        "{name} at {app_port}: {urls}\nfirst {activate}\n\n{{name}} ${HOME}\nown {own}\nshared {shared}\n{values}\n"
        "{profile}{component}\n{profile}"
    )
    told = replace(
        session, agent=Agent(note=template), profile="test", copy=("data/own.db", "gone", "shared"), link=("shared",),
        env={"data/own.db": {"A": "secret", "B": ""}, "gone": {"C": ""}},
    )  # fmt: skip

    assert note.text(told).splitlines() == [
        "x at 9: app http://localhost:9", "", "{name} ${HOME}", "own data/own.db", "shared shared",
        "A, B in data/own.db", "test",
    ]  # fmt: skip
    with pytest.raises(SessionError, match=r"session.claude.note: unknown placeholder \{colour\}"):
        note.check("{colour} {app_port}", ["app_port"])


# As 2.1.197 and 2.1.329 draw them.
_EMPTY = "\x1b[39m\u276f\xa0\x1b[7m \x1b[0m\x1b[39m\x1b[49m"


@pytest.mark.parametrize(
    ("screen", "draft"),
    [
        (f"{_EMPTY}\n  ? for shortcuts", ""), (f"\u276f said before\n{_EMPTY}", ""), ("nothing", ""),
        ("\x1b[39m\u276f\xa0first\n  second\x1b[7m \x1b[0m", "first"), ("> old style", "old style"),
        ("\u276f\xa0\x1b[7mT\x1b[0m\x1b[2mry this\x1b[0m", ""),
    ],
)  # fmt: skip
def test_a_draft_at_the_prompt_is_seen_and_a_suggestion_is_none(screen: str, draft: str) -> None:
    assert sending.unsent(screen) == draft


def test_a_question_that_hangs_is_ended_with_what_it_started(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "_PATIENCE", 0.5)
    agents.running(_program(sandbox, f"sleep 98 & echo $! > {sandbox}/child; sleep 98"))
    child = int((sandbox / "child").read_text())

    deadline = time.monotonic() + 10
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)
