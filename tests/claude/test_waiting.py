"""Waiting for conversations: until one is idle, before something is sent, and which of them needs a person first."""

import os
import threading
import time
from pathlib import Path

import pytest

from tasks.claude import send, state, waiting
from tasks.model import Repository, Session
from testing import sessions
from testing.project import Project, eventually
from testing.terminal import enter, shows, windows


@pytest.mark.slow
def test_what_is_sent_and_waited_for_comes_when_it_can(project: Project) -> None:
    project.configure("session: {windows: [{name: claude, claude: true}]}\n")
    for name in ("x", "y"):
        project.inv("session.add", name)
    assert project.inv("session.send", "x", "work").out == "Sent to x.\n"  # it was only just started
    assert project.inv("session.wait", "x", "--timeout", "0.5", code=2).out == "working\n"
    assert project.inv("session.wait", "x", "--until", "working").out == "working\n"
    assert "--until must be one of" in project.inv("session.wait", "x", "--until", "done", code=1).err
    assert "Nothing was sent." in project.inv("session.send", "x", "more", code=1).err

    sending = threading.Thread(target=project.inv, args=("session.send", "x", "late", "--when-idle"))
    sending.start()
    project.inv("session.send", "y", "ask me")
    assert project.inv("session.wait", "y", code=3).out == "waiting\n"
    for arguments, message in (
        (("y", "yes"), "The window of y doesn't show the whole prompt (Bash me). Nothing was answered."),
        (("y", "perhaps"), 'The answer must be one of yes, always, no, not "perhaps".'),
        (("y", "yes", "--message", "a"), "--message goes with the answer no."),
    ):
        assert message in project.inv("session.answer", *arguments, code=1).err
    assert "tally-y" in project.inv("session.next", code=1).err  # there is no terminal to attach here
    enter(windows("tally-x")["claude"], "")
    sending.join()
    shows(windows("tally-x")["claude"], "heard: 'late'")
    eventually(lambda: project.inv("session.wait", "x").out == "idle\n")
    project.inv("session.stop", "y")
    assert project.inv("session.wait", "y", "--until", "off").out == "off\n"
    ended = project.inv("session.wait", "y", code=3)
    assert ended.out == "off\n"
    assert "Claude isn't running in y.\nRun: inv session.start y\n" in ended.err
    assert 'No session "x,y".' in project.inv("session.wait", "x,y", code=1).err  # one name, as its help says


def test_who_waits_longest_is_first_then_what_failed_then_what_finished_last(
    sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = Repository(sandbox, sandbox)
    talks: dict[str, state.Talk] = {}
    monkeypatch.setattr(waiting, "current_talks", lambda _sessions: talks)

    def first(*known: tuple[str, str, str]) -> str:
        talks.clear()
        talks.update({name: state.Talk(what, since=since) for name, what, since in known})
        sessions = [Session(name, name, repository, sandbox, "", {}, "") for name in talks]
        found = waiting.first_in_need(sessions)
        return found.name if found else ""

    idle = (("a", "idle", "1"), ("b", "idle", "3"), ("c", "working", "4"))
    assert first(*idle) == "b"
    assert first(*idle, ("d", "failed", "2")) == "d"
    assert first(*idle, ("d", "failed", "2"), ("e", "waiting", "9"), ("f", "waiting", "8")) == "f"
    assert first(("c", "working", "4"), ("d", "off", "")) == ""


def test_one_that_has_yet_to_take_its_first_prompt_is_not_idle(project: Project) -> None:
    project.configure("session: {windows: [{name: claude, claude: true}]}\n")
    project.inv("session.add", "x")
    eventually(lambda: project.listed("x")["claude"] == "idle")
    notes = project.main / ".git" / "tally-sessions" / "conversations" / "x"
    for prompt, ago, expected in (("do it", 0, "unknown"), ("/review", 0, "idle"), ("do it", 60, "idle")):
        (notes / "prompt").write_text(prompt)
        now = time.time() - ago
        os.utime(notes / "SessionStart", (now, now))
        assert project.listed("x")["claude"] == expected, prompt


def test_what_was_only_just_typed_has_not_ended(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.configure("session: {windows: [{name: claude, claude: true}]}\n")
    project.inv("session.add", "x")
    eventually(lambda: project.listed("x")["claude"] == "idle")
    (session,) = sessions.all_of(project)
    start = project.main / ".git" / "tally-sessions" / "conversations" / "x" / "SessionStart"
    start.rename(start.with_name("noted"))  # as before its first start
    states = ["off", "off", "idle"]
    monkeypatch.setattr(waiting, "current_talks", lambda _all: {"x": state.Talk(states.pop(0))})

    send._wait_until_ready(session, when_idle=False)

    assert states == []
    states += ["off", "idle"]
    assert waiting.wait_for_state(session, ("idle",)).state == "idle"
    start.with_name("noted").rename(start)
    states += ["off"]
    send._wait_until_ready(session, when_idle=False)  # it was open before, so it has ended
    assert states == []


def test_a_session_without_a_window_for_claude_is_not_waited_for(project: Project) -> None:
    project.configure("session: {windows: [{name: shell}]}\n")
    project.inv("session.add", "x")

    done = project.inv("session.wait", "x", code=3)

    assert done.out == "off\n"
    assert "Claude isn't running in x. It has no window for Claude.\n" in done.err
    assert "inv session.start" not in done.err
