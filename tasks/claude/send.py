"""Sending to a conversation: only when it is at its prompt, and only into its own window."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable

from ..errors import SessionError, quote_text
from ..model import Session
from ..store import registry
from ..system import shell
from ..tools import tmux
from . import hooks, launch, live, state, transcripts

_SHOWN = 20.0  # seconds until pasted text stands at the prompt, on a machine that is busy with other sessions
_START = 30.0  # seconds that Claude Code may take until it is up
_TAKEN = 20.0  # seconds until a prompt is accepted
_AGAIN = 1.0  # seconds until Enter is pressed again
_REDRAWN = 0.3  # seconds in which a screen is drawn whole


def send_prompt(session: Session, text: str, when_idle: bool = False) -> None:
    """Submit *text*, of one or more lines, as a prompt; *when_idle*: once it is at its prompt, however long that takes.

    A conversation that is just starting is waited for in any case.
    Raises `SessionError`, before anything is typed, when the conversation is not at its prompt; afterwards when
    nothing shows that the text was accepted.
    """
    text = text.replace("\r\n", "\n")
    if not text.strip() or any(ord(character) < 32 and character not in "\n\t" for character in text):
        raise SessionError("The text is empty or has control characters. Nothing was sent.")
    _wait_until_ready(session, when_idle)
    with registry.session_lock(session.repository, session.name):
        pane, now = _at_its_prompt(session)
        before = _signs(session, now)
        _paste(session, pane, text)
        is_command = text.strip().startswith(hooks.COMMANDS)
        if not _submit(pane, lambda: _is_gone(pane) if is_command else _is_taken(session, now, before)):
            raise SessionError(
                f"Typed the text, but Claude in {session.name} didn't start on it within {_TAKEN:.0f} s.\n"
                f"Run: inv session.attach {session.name}"
            )


def _submit(pane: tmux.Pane, accepted: Callable[[], bool]) -> bool:
    """Press Enter until the text is gone from the prompt, and *accepted*; return whether it is.

    Claude Code ignores an Enter that comes with a paste on a busy machine. As long as the text stands there, nothing
    has taken it, so pressing again can neither send twice nor answer a dialog.
    """
    deadline, pressed = time.monotonic() + _TAKEN, 0.0
    while time.monotonic() < deadline:
        stands = _prompt(pane)
        if (stands and time.monotonic() > pressed + _AGAIN) or not pressed:
            tmux.run_tmux([("send-keys", "-t", pane.id, "Enter")])
            pressed = time.monotonic()
        elif not stands and accepted():
            return True
        time.sleep(0.05)
    return False


def _wait_until_ready(session: Session, when_idle: bool) -> None:
    if not session.agent.is_claude:
        return
    from . import waiting

    now = waiting.begun_talk(session)
    if when_idle:
        waiting.wait_for_state(session, ("idle",))
    elif now.state == "unknown" and now.reason != state.NO_ANSWER:
        waiting.wait_for_state(session, ("idle", "working"), _START)


def _at_its_prompt(session: Session) -> tuple[tmux.Pane, state.Talk]:
    name, all_panes = session.name, tmux.list_panes(session)
    if not (panes := state.conversation_panes(session, all_panes)):
        raise SessionError(f"Claude isn't running in {name}. Nothing was sent.\nRun: inv session.start {name}")
    now = state.talk_state(session, all_panes, state.ask_assistants([session], {str(session.worktree): all_panes}))
    if now.state == "off" and (missing := launch.missing_program(session)):
        raise SessionError(f"Nothing was sent: {missing}\nThen run: inv session.resume {name}")
    if now.state == "off":
        raise SessionError(f"The conversation in {name} has ended. Nothing was sent.\nRun: inv session.resume {name}")
    if not session.agent.is_claude:
        raise SessionError(f"{name} doesn't run Claude Code, so its prompt isn't recognized. Nothing was sent.")
    if now.state not in ("idle", "failed") or now.live is None:
        raise SessionError(
            f"{_describe_talk(name, now)}. Nothing was sent.\nRun: {now.resume or f'inv session.attach {name}'}"
        )
    if (pane := state.pane_of(now.live, panes)) is None:
        raise SessionError(f"The conversation of {name} is open in process {now.live.pid}. Nothing was sent.")
    if draft := _prompt(pane):  # an interrupted prompt comes back as one
        raise SessionError(
            f"{name} has an unsent prompt: {quote_text(draft)}. Nothing was sent.\nRun: inv session.attach {name}"
        )
    return pane, now


def _describe_talk(name: str, talk: state.Talk) -> str:
    """Return why nothing can be sent to a conversation in that state."""
    if talk.state == "waiting":
        return f"Claude in {name} is waiting for you to answer a {talk.waiting_for or 'question'}"
    if talk.state == "working":
        return f"Claude in {name} is working"
    if talk.state == "background":
        return f"The conversation of {name} was moved to the background"
    if talk.reason.startswith(state.TRUST):
        return f"Claude in {name} {talk.reason}"
    if talk.reason == state.NOT_READY:
        return f"Claude in {name} isn't ready: it is starting, or a dialog is open"
    return f"Couldn't reach Claude Code in {name} (no answer in {live.PATIENCE:g} s)"


def _paste(session: Session, pane: tmux.Pane, text: str) -> None:
    """Paste *text* at once, through a file: tmux takes no long arguments, and Enter must come after all of it."""
    session.private.mkdir(parents=True, exist_ok=True, mode=0o700)
    file, buffer = session.private / "sending", f"tally-{uuid.uuid4().hex[:8]}"
    try:
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as sending:
            sending.write(text.strip())
        pasting = ("paste-buffer", "-p", "-d", "-b", buffer, "-t", pane.id)
        tmux.run_tmux([("load-buffer", "-b", buffer, str(file)), tmux.listen_step(pane), pasting])
    finally:
        file.unlink(missing_ok=True)
    stands = _within(_SHOWN, lambda: bool(_prompt(pane)))
    if not stands and _prompt(pane) is not None:  # another version may draw its prompt in another way
        raise SessionError(
            f"The text didn't appear at Claude's prompt in {session.name} within {_SHOWN:.0f} s. Nothing was sent.\n"
            f"Run: inv session.attach {session.name}"
        )


def _prompt(pane: tmux.Pane) -> str | None:
    return tmux.prompt_text(_screen(pane))


def _screen(pane: tmux.Pane) -> str:
    return shell.read_output(*tmux.TMUX, "capture-pane", "-p", "-e", "-t", pane.id, check=False)


def _signs(session: Session, now: state.Talk) -> tuple[object, ...]:
    """Return what changes when a prompt is submitted: the time of our hook's file; without our hooks, the transcript.

    The end of the turn before changes the transcript, too.
    """
    events = hooks.read_events(session)
    if "SessionStart" in events:
        return ("hooks", events.get("UserPromptSubmit"))
    identity = now.live.identity if now.live else ""
    return ("transcript", transcripts.last_used(transcripts.transcripts_directory(session) / f"{identity}.jsonl"))


def _is_taken(session: Session, now: state.Talk, before: tuple[object, ...]) -> bool:
    """Return whether there are other signs than *before*; without our hooks, whether it works: that costs a process."""
    if _signs(session, now) != before or before[0] == "hooks":
        return _signs(session, now) != before
    panes = tmux.list_panes(session)
    talk = state.talk_state(session, panes, state.ask_assistants([session], {str(session.worktree): panes}))
    return talk.state in ("working", "waiting")


def _is_gone(pane: tmux.Pane) -> bool:
    """Return whether a command stays away from the prompt, so that the screen wasn't just being drawn."""
    return not _within(_REDRAWN, lambda: bool(_prompt(pane)))


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False
