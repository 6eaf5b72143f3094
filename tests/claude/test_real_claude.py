"""The real Claude Code takes whole turns, offline: in two versions, because people have both."""

import json
import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from testing import claude_api
from testing.project import Project, eventually
from testing.real_claude import becomes, open_conversations, press, typed
from testing.terminal import enter, screen, tmux, windows


def _conversation(sandbox: Path, identity: str) -> dict[str, Any]:
    return next(each for each in open_conversations(sandbox) if each["sessionId"] == identity)


def _stays_after_left(sandbox: Path, pane: str) -> None:
    """Press the key that would move the conversation away: what is typed before and after it stands at the prompt."""
    for _time in range(2):
        press(pane, "z", lambda: "z" in (typed(pane) or ""))
        press(pane, "BSpace", lambda: typed(pane) == "")
        tmux("send-keys", "-t", pane, "Left")
    assert "for a new session" not in screen(pane)
    assert all(each["kind"] == "interactive" for each in open_conversations(sandbox))


def test_whole_turns_are_seen_followed_and_continued(real: Project, sandbox: Path) -> None:
    real.inv("session.add", "x", "--prompt", "DO serve sleep 600 ;; DO say it serves")
    first, pane = real.row("x")["conversation"], windows("tally-x")["claude"]
    becomes(real, claude="idle", claude_tasks=1)  # its command says `busy` for as long as the server runs
    assert "idle 0m, 1 background task" in real.inv("session.list").out
    _answered(real, "DO bash touch made ;; DO say touched", "yes")
    assert (real.worktree("x") / "made").exists()

    _stays_after_left(sandbox, pane)
    enter(windows("tally-x")["shell"], "claude 'DO say beside'")
    eventually(lambda: len(open_conversations(sandbox)) == 2)
    eventually(lambda: all(each.get("status") in ("idle", "shell") for each in open_conversations(sandbox)))
    becomes(real, claude="idle", claude_tasks=1)

    real.inv("session.send", "x", "/clear")
    eventually(lambda: first not in {each["sessionId"] for each in open_conversations(sandbox)})
    real.inv("session.send", "x", "DO say after\nDO say a clear", "--when-idle")
    becomes(real, claude="idle", claude_what="after DO say a clear")
    second = next(each["sessionId"] for each in open_conversations(sandbox) if each["name"] == "tally-x")
    real.inv("session.send", "x", "DO slow 300 ;; DO say late")
    becomes(real, claude="working")
    written = sandbox / "home" / ".claude" / "projects"
    eventually(lambda: any("slow 300" in file.read_text() for file in written.glob(f"*/{second}.jsonl")))
    os.kill(_conversation(sandbox, second)["pid"], signal.SIGKILL)
    becomes(real, claude="off")
    note = real.inv("session.resume", "x").err
    assert f"x continues the conversation after /clear. The one before it: claude --resume {first}" in note
    assert "The last prompt in x was not answered: DO slow 300 ;; DO say late" in note
    becomes(real, claude="idle")
    assert real.row("x")["conversation"] == second
    assert "after DO say a clear" in screen(pane)


def test_a_checkout_that_is_not_trusted_yet_is_said(real: Project, sandbox: Path, api: claude_api.Server) -> None:
    (sandbox / "home" / ".claude.json").write_text(claude_api.claude_json())
    real.inv("session.add", "x", "--prompt", "DO say hello")
    pane = windows("tally-x")["claude"]
    eventually(lambda: "Yes, I trust" in screen(pane))
    becomes(real, claude="unknown", claude_reason=f"asks whether you trust {real.main}: answer once in its window")
    assert api.requests == []
    eventually(lambda: _trusts(pane))
    becomes(real, claude="idle", claude_what="hello")
    assert len(api.requests) == 1


def _trusts(pane: str) -> bool:
    """Choose the answer, which is not the first everywhere, and give it; return whether the question is gone."""
    shown = screen(pane)
    if "Yes, I trust" not in shown:
        return True
    chosen = re.search("\u276f .*Yes, I trust", shown) is not None
    tmux("send-keys", "-t", pane, "Enter" if chosen else "Down")
    with suppress(AssertionError):  # a key that comes too early has no effect, and a second one may have two
        eventually(lambda: screen(pane) != shown, 5)
    return False


def _answered(project: Project, prompt: str, *answer: str) -> str:
    """Send *prompt*, answer what Claude Code then asks, and return what was shown of that."""
    project.inv("session.send", "x", prompt)
    becomes(project, claude="waiting", claude_waiting_for="permission prompt")
    shown = project.inv("session.answer", "x", *answer).out
    becomes(project, claude="idle")
    return shown


def test_permission_prompts_are_answered_from_elsewhere(real: Project, api: claude_api.Server) -> None:
    real.inv("session.add", "x")
    becomes(real, claude="idle")  # a busy machine takes longer than `send` waits
    place = real.worktree("x")
    _answered(real, f"DO write {place / 'note.txt'} ;; DO say so", "yes")
    assert (place / "note.txt").read_text() == "scripted\n"
    long = f"touch {' '.join(f'file-{number:02}' for number in range(30))}"
    shown = _answered(real, f"DO bash {long} ;; DO say so", "always")
    assert "Do you want to proceed?" in shown and "Answered x: always." in shown
    assert (place / "file-29").exists()

    real.inv("session.add", "y", "--fork", "x", "--prompt", "DO say it goes on")
    eventually(lambda: real.listed("y")["claude_what"] == "it goes on")
    said = json.dumps(api.requests[-1]["messages"])
    assert "file-29" in said and "DO say it goes on" in said  # the copy knows what was said before
    assert (real.worktree("y") / "file-29").exists()
    used = real.inv("session.show", "y", "--json").json["cost"]
    assert (used["read"], used["written"], used["dollars"] is not None) == (10, 2, True)  # of one answer, its own
    assert real.listed("x")["claude"] == "idle"

    real.inv("session.send", "x", "DO bash curl nowhere ;; DO say so")
    becomes(real, claude="waiting", claude_what="Bash curl nowhere")
    assert " 1. Yes" in real.inv("session.answer", "x").out
    becomes(real, claude="waiting")  # showing it answers nothing
    real.inv("session.answer", "x", "no", "--message", "DO say this\ninstead")
    becomes(real, claude="idle", claude_what="this instead")
    assert "isn't asking for permission (idle)" in real.inv("session.answer", "x", "yes", code=1).err
    assert "DO say this\\ninstead" in json.dumps(api.requests[-1]["messages"])


def _move_away(project: Project, sandbox: Path, name: str) -> int:
    """Press \u2190 in the window of the session *name*, and return the process in which its conversation goes on."""
    pane, place = windows(f"tally-{name}")["claude"], str(project.worktree(name))

    def moved() -> list[int]:
        known = [each for each in open_conversations(sandbox) if each["kind"] == "bg" and each["cwd"] == place]
        return [each["pid"] for each in known if "agent" not in each]  # that would be a spare one

    becomes(project, name, claude="working")
    press(pane, "Left", lambda: moved() or "Backgrounding" in screen(pane))
    eventually(moved, 120)
    return moved()[0]


def test_stopping_one_session_never_ends_the_work_that_another_moved_away(real: Project, sandbox: Path) -> None:
    ours = (real.main / "invoke.yaml").read_text().strip()
    real.configure(ours.removesuffix("}") + ", claude: {args: [--settings, '{}']}}\n")  # ours turn the key off
    for name in ("x", "y"):
        real.inv("session.add", name, "--prompt", "DO slow 300 ;; DO say late")
    workers = {name: _move_away(real, sandbox, name) for name in ("x", "y")}
    mark = psutil.Process(workers["y"]).environ()["TALLY_SESSION"]
    assert mark == str(real.worktree("x")), "who started it first has marked all"
    for name in ("x", "y"):
        becomes(real, name, claude="background")
        assert "claude attach " in real.inv("session.list").out

    real.inv("session.stop", "x")
    eventually(lambda: not psutil.pid_exists(workers["x"]))
    assert psutil.pid_exists(workers["y"])
    real.inv("session.remove", "x", "--force")
    assert psutil.pid_exists(workers["y"])
    assert "process" not in real.inv("session.doctor", code=None).out
    real.inv("session.stop", "y")
    eventually(lambda: not psutil.pid_exists(workers["y"]))


def test_a_restored_conversation_is_told_its_new_ports(real: Project, api: claude_api.Server) -> None:
    server = '{name: backend, dir: backend, run: "python manage.py {backend_port}"}'
    real.configure(f"session: {{windows: [{server}, {{name: claude, claude: true}}]}}\n")
    real.inv("session.add", "x", "--prompt", "DO say first")
    becomes(real, claude="idle", claude_what="first")
    old = real.row("x")["backend_port"]
    assert f":{old}" in json.dumps(api.requests[-1]["system"])
    real.inv("session.remove", "x", "--force")
    real.inv("session.add", "y", "--bare")  # it takes the port
    real.inv("session.restore", "x")
    becomes(real, claude="idle")
    real.inv("session.send", "x", "DO say second", "--when-idle")
    becomes(real, claude="idle", claude_what="second")
    new, system = real.row("x")["backend_port"], json.dumps(api.requests[-1]["system"])
    assert new != old and f":{new}" in system and f":{old}" not in system
    assert "DO say first" in json.dumps(api.requests[-1]["messages"])


def test_a_conversation_that_exists_is_brought_in_and_stays_through_a_rename(real: Project, sandbox: Path) -> None:
    place = real.top / "by-hand"
    real.git("worktree", "add", "--quiet", "-b", "mine", str(place))
    tmux("new-session", "-d", "-s", "own", "-n", "talk", "-x", "200", "-y", "50", "-c", str(place))
    talk = windows("own")["talk"]
    enter(talk, "claude 'DO say remembered'")
    saved = sandbox / "home" / ".claude" / "projects"  # on the screen the word stands before it is answered, too
    eventually(lambda: any('"type":"assistant"' in file.read_text() for file in saved.glob("*/*.jsonl")), 120)
    eventually(lambda: open_conversations(sandbox)[0].get("status") == "idle")
    (identity,) = (each["sessionId"] for each in open_conversations(sandbox))

    real.inv("session.adopt", "x", "--tmux", "own")

    assert real.row("x")["conversation"] == identity and windows("own")["talk"] == talk
    becomes(real, claude="idle")
    real.inv("session.rename", "x", "y")
    assert real.row("y")["conversation"] == identity
    becomes(real, "y", claude="idle")  # it stays open, and the same
    real.inv("session.stop", "y")
    eventually(lambda: not open_conversations(sandbox))
    real.inv("session.start", "y")
    becomes(real, "y", claude="idle")
    assert real.row("y")["conversation"] == identity
    pane = windows(real.row("y")["tmux"])["claude"]
    eventually(lambda: "remembered" in screen(pane))
    (again,) = (each["sessionId"] for each in open_conversations(sandbox))
    assert again == identity
