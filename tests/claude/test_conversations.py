"""A conversation as a person has it: asked at add, seen in list, spoken to from outside, found again after /clear."""

import json
import os
import signal
from pathlib import Path

import pytest

from testing.project import Project, eventually
from testing.terminal import enter, screen, shows, tmux, windows


def _is(project: Project, state: str) -> None:
    eventually(lambda: project.listed("x")["claude"] == state)


def test_a_conversation_from_its_prompt_to_its_end(project: Project, sandbox: Path) -> None:
    notify = f'echo {{name}} {{state}} "{{what}}" >> {sandbox}/told'
    project.configure(f"session: {{claude: {{notify: '{notify}'}}}}\n")
    (project.main / "task.md").write_text("work on\nthe 'thing'\n")
    said = project.inv("session.add", "x", "--prompt-file", "task.md").err
    pane, private = windows("tally-x")["claude"], project.main / ".git" / "tally-sessions" / "conversations"

    assert "begin with: work on…" in said
    _is(project, "working")
    shows(pane, "heard: \"work on\\nthe 'thing'\"")
    second = len("2026-11-30T12:00:00")  # the state's time is known to the second only
    eventually(lambda: project.listed("x")["claude_since"][:second] >= project.row("x")["created"][:second])
    assert "Claude in x is working. Nothing was sent." in project.inv("session.send", "x", "hello", code=1).err
    enter(pane, "")
    _is(project, "idle")

    for others in ((), ("--all",)):
        assert "No message for session x." in project.inv("session.send", "x", *others, code=1).err
    assert "--all takes a message and no NAME." in project.inv("session.send", "x", "a", "--all", code=1).err
    tmux("copy-mode", "-t", pane)  # somebody scrolled back there
    assert project.inv("session.send", "--all", "two\r\nlines").out == "Sent to x.\n"
    shows(pane, "heard: 'two\\nlines'")
    _is(project, "idle")
    project.inv("session.send", "x", "serve it")
    eventually(lambda: project.listed("x")["claude_tasks"] == 1)
    assert (project.listed("x")["claude"], "idle 0m, 1 background task" in project.inv("session.list").out) == (
        "idle",
        True,
    )
    project.inv("session.send", "x", "ask me")
    _is(project, "waiting")
    told = ["x finished done"] * 3 + ["x waiting Bash me"]
    eventually(lambda: (sandbox / "told").read_text().splitlines() == told)
    assert project.listed("x")["claude_waiting_for"] == "permission prompt"
    assert project.listed("x")["claude_what"] == "Bash me"
    assert "waiting 0m: Bash me" in project.inv("session.list").out
    assert (
        "is waiting for you to answer a permission prompt. Nothing was sent."
        in project.inv("session.send", "x", "yes", code=1).err
    )

    enter(pane, "")
    _is(project, "idle")
    project.inv("session.send", "x", "fail")
    _is(project, "failed")
    assert "failed 0m: rate limit" in project.inv("session.show", "x").out
    eventually(lambda: (sandbox / "told").read_text().endswith("x finished done\nx failed rate limit\n"))
    project.inv("session.send", "x", "again")  # it is at its prompt
    _is(project, "idle")
    tmux("send-keys", "-t", pane, "-l", "half a thought")
    shows(pane, "> half a thought")
    assert 'x has an unsent prompt: "half a thought".' in project.inv("session.send", "x", "more", code=1).err
    stopped = project.inv("session.stop", "x").err
    assert "x had an unsent prompt for Claude, which isn't saved: half a thought" in stopped
    project.inv("session.start", "x")
    _is(project, "idle")
    pane = windows("tally-x")["claude"]
    tmux("send-keys", "-t", pane, "C-c")
    _is(project, "off")
    assert "has ended" in project.inv("session.send", "x", "hello", code=1).err
    (sandbox / "bin" / "claude").rename(sandbox / "bin" / "away")
    missing = project.inv("session.send", "x", "hello", code=1).err
    assert missing.startswith("Nothing was sent: claude is not installed, or not on PATH.\nRun: npm install")
    (sandbox / "bin" / "away").rename(sandbox / "bin" / "claude")
    enter(pane, "exec sleep 300")  # what runs there now is no conversation
    eventually(lambda: tmux("display-message", "-p", "-t", pane, "#{pane_current_command}") == "sleep")
    assert project.listed("x")["claude"] == "off"
    assert "heard: 'hello'" not in screen(pane)

    project.inv("session.remove", "x", "--force")
    assert not private.exists()


@pytest.mark.slow
def test_after_clear_and_a_stop_the_conversation_used_last_goes_on(project: Project, sandbox: Path) -> None:
    project.inv("session.add", "x", "--prompt", "first")
    first = project.row("x")["conversation"]
    pane = windows("tally-x")["claude"]
    shows(pane, "claude stand-in")  # from then on it reads its terminal
    enter(pane, "/clear")
    enter(pane, "second")
    shows(pane, "heard: 'second'")
    _is(project, "idle")
    tmux("new-session", "-d", "-s", "side", "-c", str(project.worktree("x")))
    enter("=side:", "claude")  # beside it, by hand
    shows("=side:", "claude stand-in")
    enter("=side:", "work on something else")
    shows("=side:", "heard: 'work")
    assert project.listed("x")["claude"] == "idle"
    tmux("kill-session", "-t", "=side")
    project.inv("session.stop", "x")
    assert project.listed("x")["claude"] == "off"

    told = project.inv("session.start", "x").err

    second = project.row("x")["conversation"]
    assert second != first
    assert f"x continues the conversation after /clear. The one before it: claude --resume {first}" in told
    assert "x's worktree has conversations that were used later.\nOpen one: claude --resume " in told
    _is(project, "idle")
    pane = windows("tally-x")["claude"]
    shows(pane, "claude stand-in")
    started = json.loads((sandbox / "bin" / "claude.log").read_text().splitlines()[-1])["argv"]
    assert started[started.index("--resume") + 1] == second
    assert "heard" not in screen(pane)  # the prompt was not said again

    tmux("new-session", "-d", "-s", "own", "-c", str(project.worktree("x")))
    tmux("kill-window", "-t", pane)
    eventually(lambda: project.listed("x")["claude"] == "off")
    enter("=own:", f"claude --resume {second}")
    shows("=own:", "claude stand-in")
    assert "is already open, in process" in project.inv("session.resume", "x").err
    assert "claude stand-in" not in screen(windows("tally-x")["claude"])

    enter("=own:", "/clear")
    eventually(lambda: project.inv("session.remove", "x", "--force"))


@pytest.mark.slow
def test_a_claude_that_hangs_or_is_not_ready_is_unknown(project: Project, sandbox: Path) -> None:
    claude = sandbox / "bin" / "claude"
    claude.write_text('#!/bin/sh\n[ "$1" = agents ] && { echo []; exit; }\necho a dialog; read answer\n')
    (sandbox / "home" / ".claude.json").write_text('{"projects": {}}')
    asks = f"Claude Code asks whether you trust {project.main}"
    assert f"{asks}. Then it starts on the prompt." in project.inv("session.add", "x", "--prompt", "go").err
    assert asks in project.inv("session.doctor", code=1).out
    shows(windows("tally-x")["claude"], "a dialog")
    assert project.listed("x")["claude"] == "unknown"
    assert "not ready" not in project.inv("session.list").out
    trusted = {"projects": {str(project.main): {"hasTrustDialogAccepted": True}}}
    assert "Claude in x asks whether you trust " in project.inv("session.send", "x", "y", code=1).err
    (sandbox / "home" / ".claude.json").write_text(json.dumps(trusted))
    assert asks not in project.inv("session.doctor", code=None).out
    assert project.listed("x")["claude_reason"] == "not ready"
    assert "Claude in x isn't ready: " in project.inv("session.send", "x", "y", code=1).err

    claude.write_text(f"#!/bin/sh\necho $$ > {sandbox}/pid; exec sleep 300\n")
    (project.main / ".git/tally-sessions/conversations/x/Stop").touch()  # trusted, as above
    listed = project.listed("x")
    assert (listed["claude"], listed["claude_reason"], listed["claude_last"]) == ("unknown", "no answer", "idle")
    assert "no answer (idle 0m ago)" in project.inv("session.show", "x").out
    assert "Couldn't reach Claude Code in x (no answer in 4 s)" in project.inv("session.send", "x", "y", code=1).err
    try:
        os.kill(int((sandbox / "pid").read_text()), signal.SIGKILL)
    except ProcessLookupError:
        return
    raise AssertionError("the question that hung was not ended")


@pytest.mark.parametrize("program", ["notify-send", "osascript"])
def test_a_desktop_notification_needs_no_command(project: Project, sandbox: Path, program: str) -> None:
    """Its words reach the program whole, the bell its window, and tmux knows the state."""
    project.configure("session: {claude: {notify: desktop}, windows: [{name: claude, claude: true}, {name: shell}]}\n")
    (sandbox / "bin" / program).write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{sandbox}/told\n')
    (sandbox / "bin" / program).chmod(0o755)
    project.inv("session.add", "x")
    tmux("select-window", "-t", "=tally-x:shell")
    project.inv("session.send", "x", 'ask say "$HOME" & more')

    eventually(lambda: (sandbox / "told").exists() and "more" in (sandbox / "told").read_text())
    words = (sandbox / "told").read_text().splitlines()
    assert words[-2:] == ["x: waiting", 'Bash say "$HOME" & more']
    pane = windows("tally-x")["claude"]
    eventually(lambda: tmux("display-message", "-p", "-t", pane, "#{window_bell_flag}") == "1")
    assert tmux("show-options", "-wv", "-t", pane, "@tally_state") == "waiting"
    enter(pane, "")
    eventually(lambda: tmux("show-options", "-wv", "-t", pane, "@tally_state") == "idle")
    eventually(lambda: (sandbox / "told").read_text().splitlines()[-2:] == ["x: finished", "done"])


def test_what_cannot_be_asked_or_said_is_refused(project: Project, sandbox: Path) -> None:
    assert "There are no sessions." in project.inv("session.send", "--all", "a", code=1).err
    before = project.world()
    (sandbox / "empty").write_text(" \n")
    (sandbox / "binary").write_bytes(b"\xff")
    (sandbox / "long").write_text("x" * 200_000)
    for arguments, message in (
        (("--prompt", "a", "--prompt-file", "b"), "not both."),
        (("--prompt-file", str(sandbox / "no")), "No such file"),
        (("--prompt-file", str(sandbox / "empty")), "is empty."),
        (("--prompt-file", str(sandbox / "long")), "longer"),
        (("--prompt-file", str(sandbox / "binary")), "UTF-8"),
        (("--prompt", "caf\udce9"), "is not valid UTF-8"),
    ):
        assert message in project.inv("session.add", "x", *arguments, code=1).err
    assert project.world() == before
    project.configure("session: {windows: [{name: shell}]}\n")
    assert "claude: true" in project.inv("session.add", "x", "--prompt", "a", code=1).err
    project.inv("session.add", "x")

    assert "Claude isn't running in x. Nothing was sent." in project.inv("session.send", "x", "a", code=1).err
    assert "control character" in project.inv("session.send", "x", "\x1b[201~", code=1).err
