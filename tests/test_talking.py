"""A conversation as a person has it: asked at add, seen in list, spoken to from outside, found again after /clear."""

import os
import signal
from pathlib import Path

from tests.project import Project, eventually
from tests.terminal import enter, screen, shows, tmux, windows


def _is(project: Project, state: str) -> None:
    eventually(lambda: project.listed("x")["claude"] == state)


def test_a_conversation_from_its_prompt_to_its_end(project: Project, sandbox: Path) -> None:
    project.configure(f"session: {{claude: {{notify: 'echo {{name}} {{state}} >> {sandbox}/told'}}}}\n")
    (project.main / "task.md").write_text("work on\nthe 'thing'\n")
    said = project.inv("session.add", "x", "--prompt-file", "task.md").err
    pane, private = windows("tally-x")["claude"], project.main / ".git" / "tally-sessions" / "conversations"

    assert "begin with: work on…" in said
    _is(project, "working")
    shows(pane, "heard: \"work on\\nthe 'thing'\"")
    eventually(lambda: project.listed("x")["claude_since"] >= project.row("x")["created"])
    assert "is working, not at its prompt" in project.inv("session.send", "x", "hello", code=1).err
    enter(pane, "")
    _is(project, "idle")

    for others in ((), ("--all",)):
        assert "session x is given no text" in project.inv("session.send", "x", *others, code=1).err
    assert "is the only word" in project.inv("session.send", "x", "a", "--all", code=1).err
    tmux("copy-mode", "-t", pane)  # somebody scrolled back there
    assert project.inv("session.send", "--all", "two\r\nlines").out == "sent to x\n"
    shows(pane, "heard: 'two\\nlines'")
    _is(project, "idle")
    project.inv("session.send", "x", "ask me")
    _is(project, "waiting")
    eventually(lambda: (sandbox / "told").exists() and (sandbox / "told").read_text() == "x waiting\n")
    assert project.listed("x")["claude_waiting_for"] == "permission prompt"
    assert "waiting 0m: permission prompt" in project.inv("session.show", "x").out
    assert "waiting for permission prompt" in project.inv("session.send", "x", "yes", code=1).err

    enter(pane, "")
    _is(project, "idle")
    tmux("send-keys", "-t", pane, "-l", "half a thought")
    shows(pane, "> half a thought")
    assert "'half a thought' is typed at its prompt already" in project.inv("session.send", "x", "more", code=1).err
    tmux("send-keys", "-t", pane, "C-c")
    _is(project, "off")
    assert "has ended" in project.inv("session.send", "x", "hello", code=1).err
    enter(pane, "exec sleep 300")  # what runs there now is no conversation
    eventually(lambda: tmux("display-message", "-p", "-t", pane, "#{pane_current_command}") == "sleep")
    assert project.listed("x")["claude"] == "off"
    assert "heard: 'hello'" not in screen(pane)

    project.inv("session.remove", "x", "--force")
    assert not private.exists()


def test_after_clear_and_a_stop_the_conversation_used_last_goes_on(project: Project) -> None:
    project.inv("session.add", "x", "--prompt", "first")
    first = project.row("x")["conversation"]
    pane = windows("tally-x")["claude"]
    shows(pane, "claude stand-in")  # from then on it reads its terminal
    enter(pane, "/clear")
    enter(pane, "second")
    shows(pane, "heard: 'second'")
    _is(project, "idle")
    project.inv("session.stop", "x")
    assert project.listed("x")["claude"] == "off"

    told = project.inv("session.start", "x").err

    second = project.row("x")["conversation"]
    assert second != first
    assert f"goes on, {second}; others there: claude --resume {first}" in told
    _is(project, "idle")
    pane = windows("tally-x")["claude"]
    shows(pane, f"claude --resume {second}")
    assert "heard" not in screen(pane)  # the prompt was not said again

    tmux("new-session", "-d", "-s", "own", "-c", str(project.worktree("x")))
    tmux("kill-window", "-t", pane)
    eventually(lambda: project.listed("x")["claude"] == "off")
    enter("=own:", f"claude --resume {second}")
    shows("=own:", "claude stand-in")
    assert "open already, by process" in project.inv("session.resume", "x").err
    assert "claude stand-in" not in screen(windows("tally-x")["claude"])


def test_a_claude_that_hangs_or_is_not_ready_is_unknown(project: Project, sandbox: Path) -> None:
    claude = sandbox / "bin" / "claude"
    claude.write_text('#!/bin/sh\n[ "$1" = agents ] && { echo []; exit; }\necho a dialog; read answer\n')
    project.inv("session.add", "x")
    shows(windows("tally-x")["claude"], "a dialog")
    assert project.listed("x")["claude"] == "unknown"
    assert "is unknown, not at its prompt" in project.inv("session.send", "x", "y", code=1).err

    claude.write_text(f"#!/bin/sh\necho $$ > {sandbox}/pid; exec sleep 300\n")
    assert project.listed("x")["claude"] == "unknown"
    try:
        os.kill(int((sandbox / "pid").read_text()), signal.SIGKILL)
    except ProcessLookupError:
        return
    raise AssertionError("the question that hung was not ended")


def test_what_cannot_be_asked_or_said_is_refused(project: Project, sandbox: Path) -> None:
    assert "there is no session" in project.inv("session.send", "--all", "a", code=1).err
    before = project.world()
    (sandbox / "empty").write_text(" \n")
    (sandbox / "binary").write_bytes(b"\xff")
    (sandbox / "long").write_text("x" * 200_000)
    for arguments, message in (
        (("--prompt", "a", "--prompt-file", "b"), "only one of"),
        (("--prompt-file", str(sandbox / "no")), "No such file"),
        (("--prompt-file", str(sandbox / "empty")), "holds no prompt"),
        (("--prompt-file", str(sandbox / "long")), "longer"),
        (("--prompt-file", str(sandbox / "binary")), "UTF-8"),
        (("--prompt", "caf\udce9"), "is no text"),
    ):
        assert message in project.inv("session.add", "x", *arguments, code=1).err
    assert project.world() == before
    project.configure("session: {windows: [{name: shell}]}\n")
    assert "claude: true" in project.inv("session.add", "x", "--prompt", "a", code=1).err
    project.inv("session.add", "x")

    assert "has no conversation" in project.inv("session.send", "x", "a", code=1).err
    assert "control character" in project.inv("session.send", "x", "\x1b[201~", code=1).err
