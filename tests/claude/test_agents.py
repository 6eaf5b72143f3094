"""What running conversations say: asked once, bounded in time, believed only where it fits; and since when."""

import json
import os
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import psutil
import pytest

from tasks.claude import answering, hooks, launch, live, send
from tasks.claude import state as claude_state
from tasks.errors import SessionError
from tasks.model import Agent, Repository, Session, Window
from tasks.tools import tmux
from tasks.tools.tmux import Pane

_OTHER = "22222222-2222-4333-8444-555555555555"
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

    found = live.list_live(_program(sandbox, f"cat {sandbox}/said")) or []

    assert [each.state for each in found] == ["working", "idle", "waiting", "idle", "unknown", "unknown"]
    assert [each.has_tasks for each in found] == [False, True, False, False, False, False]
    assert (found[2].waiting_for, found[3].waiting_for, found[3].started) == ("permission prompt", "", 5.0)


def test_numbers_and_paths_that_cannot_be_are_none(sandbox: Path, session: Session) -> None:
    said = ['{"pid": 1e999, "startedAt": NaN, "cwd": "/w\\u0000"}', '{"pid": -5, "startedAt": 1e300}', '{"pid": "7"}']
    (sandbox / "said").write_text(f"[{', '.join(said)}]")

    found = live.list_live(_program(sandbox, f"cat {sandbox}/said")) or []

    assert [(each.pid, each.started, each.directory) for each in found] == [(0, 0, ""), (0, 0, "/"), (0, 0, "/")]
    pane = Pane("%1", "@1", "/dev/none", "claude", "claude", True, session.tmux, str(session.worktree))
    odd = live.Live("a", "", 1, "idle", "", 1e13)
    now = claude_state.talk_state(session, [pane], {Agent(command="claude", config=session.agent.config): [odd]})
    assert (now.state, now.since) == ("idle", ""), "its clock is past the last year that there is"


@pytest.mark.parametrize("body", ["exit 1", "echo []; exit 1", "echo no", "echo {}", ":", "sleep 99 & sleep 99", _DEEP])
def test_who_does_not_answer_is_not_known(sandbox: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    monkeypatch.setattr(live, "PATIENCE", 0.3)

    assert live.list_live(_program(sandbox, body)) is None
    assert live.list_live(Agent(command="missing-claude")) is None


def test_the_question_is_about_the_sessions_own_directory(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "/of/this/shell")
    asking = _program(sandbox, f'echo "$CLAUDE_CONFIG_DIR" >> {sandbox}/asked; echo []')

    for config in ("", "/own", str(sandbox / "home" / ".claude")):
        live.list_live(asking._replace(config=config))

    assert (sandbox / "asked").read_text() == "/of/this/shell\n/own\n\n"


def test_what_the_hook_says_counts_and_what_runs_beside_it_never(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def talk(identity: str, pid: int, started: float = 1, background: bool = False) -> live.Live:
        where = str(session.worktree)
        return live.Live(identity, where, pid, "idle", "", started, job="j", in_background=background)

    own, side, moved = talk("a", 11), talk("b", 12, 2), talk("c", 13, 3, background=True)
    pane = Pane("%1", "@1", "/dev/pts/own", "claude", "claude", True, session.tmux, str(session.worktree))
    monkeypatch.setattr(claude_state, "terminal_of", lambda pid: "/dev/pts/own" if pid == 12 else "")

    assert claude_state.live_of_session(session, [side, own, moved], [pane]) == own
    assert claude_state.live_of_session(session, [side, moved]) is None
    assert claude_state.live_of_session(session, [side, moved], [pane]) == side  # none of our hooks is in it

    session.private.mkdir(parents=True)
    said = {"session_id": _OTHER, "source": "clear"}
    (session.private / "SessionStart").write_text(json.dumps(said) + "\n14\n")
    assert claude_state.live_of_session(session, [own, side, moved], [pane]) is None
    assert claude_state.live_of_session(session, [own, talk(_OTHER, 15)]) == talk(_OTHER, 15)
    assert claude_state.live_of_session(session, [own, talk("d", 14)]) == talk("d", 14)  # its hook has not come yet
    assert claude_state.live_of_session(session, [own, talk("d", 14, 9e9)]) is None  # the number is another's now
    assert claude_state.background_of_session(session, [own, side, moved]) == moved


def _noted(sandbox: Path, *records: dict[str, Any]) -> Agent:
    """Note *records* as Claude Code does, of this very process, and return an assistant whose command may not run."""
    own = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    directory = sandbox / "config" / "sessions"
    directory.mkdir(parents=True, exist_ok=True)
    for record in records:
        full = {**_SAID, "pid": os.getpid(), "procStart": own, "statusUpdatedAt": 7000, **record}
        (directory / f"{full['pid']}.json").write_text(json.dumps(full))
    return Agent(command="missing-claude", config=str(sandbox / "config"))


def test_what_is_open_is_read_from_the_files_of_living_processes(sandbox: Path) -> None:
    ended = subprocess.Popen(["true"])
    agent = _noted(sandbox, {"status": "shell"}, {"pid": ended.pid, "status": "busy"}, {"pid": 1, "procStart": "5"})
    (sandbox / "config" / "sessions" / "notes.json").touch()

    (one,) = live.list_live(agent) or []

    assert (one.identity, one.state, one.has_tasks, one.since) == ("a", "idle", True, 7.0)
    ended.wait()
    spare = {"agent": "claude", "name": "7ca26672", "jobId": "7ca26672", "kind": "bg"}  # of 2.1.197
    for odd in ({"procStart": "5"}, {"spare": True}, spare):
        assert live.list_live(_noted(sandbox, {"status": "idle", **odd})) == [], odd
    _noted(sandbox, {"status": "idle", "agent": "reviewer", "name": "tally-x"})  # with `--agent reviewer` in `args`
    assert len(live.list_live(agent) or []) == 1
    _noted(sandbox, {"status": "idle", "procStart": "Sun Nov 29", "startedAt": 9e12})  # as on other systems
    assert len(live.list_live(agent) or []) == 1
    _noted(sandbox, {"startedAt": time.time() * 1000})  # it has just begun, and noted no state yet
    assert [each.state for each in live.list_live(agent) or []] == ["unknown"]
    for form in ({"kind": 5}, {}):  # of another version: then its command is asked, which is missing here
        assert live.list_live(_noted(sandbox, form)) is None
        assert live.list_live(agent, ask=False) is None


def test_ten_conversations_are_read_in_no_time(sandbox: Path) -> None:
    agent = _noted(sandbox, {"status": "idle"})
    (file,) = (sandbox / "config" / "sessions").iterdir()
    for number in range(2, 11):  # of processes that are alive
        (file.parent / f"{number if psutil.pid_exists(number) else 1}.json").write_bytes(file.read_bytes())
    before = time.process_time()
    for _time in range(10):
        live.list_live(agent)

    assert (time.process_time() - before) / 10 < 0.05


def test_a_conversation_that_was_moved_is_shown_with_what_brings_it_back(session: Session) -> None:
    pane = Pane("%1", "@1", "/dev/none", "claude", "claude", True, session.tmux, str(session.worktree))
    question = Agent(command="claude", config=session.agent.config)
    own = live.Live("a", str(session.worktree), 1, "working", "", 1.0)
    moved = own._replace(identity="b", job="5a", in_background=True, started=2.0)
    elsewhere = moved._replace(directory="/elsewhere")

    def state(*running: live.Live, panes: list[Pane] | None = None) -> claude_state.Talk:
        return claude_state.talk_state(session, [pane] if panes is None else panes, {question: list(running)})

    for talk in (state(own._replace(job="5a"), moved), state(own, moved), state(moved, panes=[])):
        assert (talk.state, talk.resume, str(talk)) == (
            "background",
            "claude attach 5a",
            "in the background: claude attach 5a",
        )
    assert state(own, elsewhere).state == "working"
    session.private.mkdir(parents=True)
    (session.private / "SessionStart").write_text(json.dumps({"session_id": _OTHER}) + "\n1\n")
    assert state(own, moved).state == "working"  # with our settings it cannot be moved


@pytest.mark.parametrize(
    ("event", "said", "line"),
    [
        ("PermissionRequest", {"tool_name": "Bash", "tool_input": {"command": "a\nb", "description": "d"}}, "Bash a b"),
        ("PermissionRequest", {"tool_name": "Ask", "tool_input": {"questions": [{"question": "A?"}, 5]}}, "Ask A?"),
        ("PermissionRequest", {"tool_name": 5, "tool_input": []}, ""),
        ("StopFailure", {"error": "rate_limit", "last_assistant_message": "API Error"}, "rate limit"),
        ("StopFailure", {"last_assistant_message": "API\x1b Error"}, "API  Error"),
        ("Stop", {"last_assistant_message": "I ran it! All is well.\n"}, "All is well."),
        ("Stop", {"last_assistant_message": "v1.2 is out"}, "v1.2 is out"),
        ("Stop", {"last_assistant_message": ["no"]}, ""), ("Notification", {"message": "It waits"}, "It waits"),
        ("Odd", {}, ""),
    ],
)  # fmt: skip
def test_a_line_says_what_happened(session: Session, event: str, said: dict[str, Any], line: str) -> None:
    record = {"hook_event_name": event, **said}
    assert hooks.summarize(record) == line
    session.private.mkdir(parents=True)
    (session.private / "Stop").write_text(json.dumps(record) + "\n5\n")
    script = session.private / "summary.py"
    script.write_text(hooks.summary_script())
    argv = [sys.executable, "-IS", str(script), str(session.private / "Stop")]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == f"{line}\n"


def test_a_notification_is_a_command_or_the_desktops(session: Session) -> None:
    def commands(notify: str) -> dict[str, str]:
        settings = json.loads(hooks.hook_settings(session._replace(agent=Agent(notify=notify))))
        return {event: each[0]["hooks"][0]["command"] for event, each in settings["hooks"].items()}

    assert [event for event, line in commands("my-bell").items() if "my-bell" in line] == [
        "Notification",
        "PermissionRequest",
    ]
    asked = commands("say {state} {what}")
    assert "say finished $TALLY_WHAT" in asked["Stop"]
    assert "say failed" in asked["StopFailure"]
    assert "notify-send -- 'x: waiting' \"$TALLY_WHAT\"" in commands("desktop")["PermissionRequest"]
    assert subprocess.run(["sh", "-n", "-c", commands("desktop")["Stop"]], check=False).returncode == 0


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

    assert hooks.state_since(hooks.read_events(session), state, started=5) == expected


def test_a_window_in_which_nothing_runs_is_off_and_asks_nobody(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_ask_command", None)
    monkeypatch.setattr(Pane, "at_prompt", property(lambda pane: pane.window != "shell"))
    panes = [Pane("%1", "@1", "/dev/null", "bash", name, True, "t-x", "w") for name in ("claude", "shell")]

    running = claude_state.ask_assistants([session], {str(session.worktree): panes})

    assert claude_state.talk_state(session, panes, running).state == "off"
    assert claude_state.talk_state(session, [], {}).state == "off"


def test_a_line_of_the_note_without_its_fact_is_left_out(session: Session) -> None:
    (session.worktree / "data").mkdir(parents=True)
    (session.worktree / "data" / "own.db").touch()
    (session.worktree / "shared").symlink_to(session.worktree)
    template = (
        "{name} at {app_port}: {urls}\nfirst {activate}\n\n{{name}} ${HOME}\nown {own}\nshared {shared}\n{values}\n"
        "{profile}{component}\n{profile}"
    )
    told = session._replace(agent=Agent(note=template), profile="test", copy=("data/own.db", "gone", "shared"),
    link=("shared",),
        env={"data/own.db": {"A": "secret", "B": ""}, "gone": {"C": ""}},
    )  # fmt: skip

    assert launch.note_text(told).splitlines() == [
        "x at 9: app http://localhost:9", "", "{name} ${HOME}", "own data/own.db", "shared shared",
        "A, B in data/own.db", "test",
    ]  # fmt: skip
    with pytest.raises(SessionError, match=r"session.claude.note: unknown placeholder \{colour\}"):
        launch.check_note("{colour} {app_port}", ["app_port"])


# As 2.1.197 and 2.1.329 draw them.
_LINE = "\x1b[38;5;244m" + 40 * "\u2500" + "\x1b[39m\n"
_EMPTY = f"{_LINE}\x1b[39m\u276f\xa0\x1b[7m \x1b[0m\x1b[39m\x1b[49m"


@pytest.mark.parametrize(
    ("screen", "draft"),
    [
        (f"{_EMPTY}\n  ? for shortcuts", ""), (f"\u276f said before\n{_EMPTY}", ""), ("nothing", None),
        (f"{_LINE}\x1b[39m\u276f\xa0first\n  second\x1b[7m \x1b[0m", "first"), (f"{_LINE}> old style", "old style"),
        (f"{_LINE}\u276f\xa0\x1b[7mT\x1b[0m\x1b[2mry this\x1b[0m", ""),
        (f"\u276f /model\n{_LINE}  Select model\n  \u276f 1. Default", None),  # a dialog below what was said
    ],
)  # fmt: skip
def test_a_draft_at_the_prompt_is_seen_and_a_suggestion_is_none(screen: str, draft: str | None) -> None:
    assert tmux.prompt_text(screen) == draft


def test_a_question_that_hangs_is_ended_with_what_it_started(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PATIENCE", 0.5)
    live.list_live(_program(sandbox, f"sleep 98 & echo $! > {sandbox}/child; sleep 98"))
    child = int((sandbox / "child").read_text())

    deadline = time.monotonic() + 10
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_enter_is_pressed_again_only_while_the_text_stands_at_the_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks like a sign that it was accepted may be the end of the turn before; a dialog must get no Enter."""
    pane = Pane("%1", "@1", "/dev/pts/1", "claude", "claude", True, "tally-x", "/w")
    keys: list[object] = []
    monkeypatch.setattr(send, "_AGAIN", 0.1)
    monkeypatch.setattr(tmux, "run_tmux", lambda steps: keys.extend(steps))
    monkeypatch.setattr(send, "_screen", lambda _pane: f"{_LINE}\u276f text" if len(keys) < 2 else f"{_LINE}\u276f ")
    assert (send._submit(pane, lambda: True), len(keys)) == (True, 2)

    keys.clear()
    monkeypatch.setattr(send, "_TAKEN", 0.5)
    monkeypatch.setattr(send, "_screen", lambda _pane: "\u276f text\n Do you want to proceed?\n \u276f 1. Yes")
    assert (send._submit(pane, lambda: False), len(keys)) == (False, 1)


def test_a_key_that_a_slow_permission_prompt_took_twice_is_taken_back(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[object] = []
    line, place = f"{40 * chr(0x2500)}\n", "tasks.claude.answering"
    dialog = answering.Dialog("%1", " Do you want to proceed?\n \u276f 1. Yes\n   2. No", 5.0)

    def screen(*_argv: str, **_options: object) -> str:
        return f"{line}{dialog.text}\n" if len(keys) < 2 else f"{line}\u276f {'1' if len(keys) == 2 else ''}"

    monkeypatch.setattr(answering, "_AGAIN", 0.1)
    monkeypatch.setattr(f"{place}.tmux.run_tmux", lambda steps: keys.extend(step[-1] for step in steps))
    monkeypatch.setattr(f"{place}.shell.read_output", screen)
    monkeypatch.setattr(f"{place}.hooks.read_request", lambda _session: ("", 5.0))
    monkeypatch.setattr(answering, "_still_waits", lambda _session, _dialog: False)
    monkeypatch.setattr(f"{place}.registry.session_lock", lambda *_words: nullcontext())

    answering.answer_prompt(session, dialog, "yes")

    assert keys == ["1", "1", "BSpace"]
