"""Typing into a conversation: only when it is at its prompt, and only into the window where it is."""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Callable

from .. import registry, shell
from ..errors import SessionError
from ..machine import panes
from ..model import Session
from . import hooks, talk, transcripts

# The last line that begins with the mark of its prompt; dim text there is its own suggestion, reversed the cursor.
_PROMPT = re.compile(r"^(?:\x1b\[[\d;]*m)*[\u276f>][\s\xa0](.*)$", re.MULTILINE)
_NOT_TYPED = re.compile(r"\x1b\[7m.\x1b\[(?:0|27)m|\x1b\[2m.*?(?=\x1b\[(?:0|22)m|$)|\x1b\[[\d;]*m")

_SHOWN = 3.0  # seconds that it may take to show what was typed
_TAKEN = 10.0  # seconds that it may take to accept it


def send(session: Session, text: str) -> None:
    """Submit *text* as a prompt.

    Raises `SessionError`, before anything is typed, when the conversation is not at its prompt, and afterwards when
    nothing shows that it took it.
    """
    text = text.replace("\r\n", "\n")
    if not text.strip() or any(ord(character) < 32 and character not in "\n\t" for character in text):
        raise SessionError("the text is empty, or contains a control character; expected text of one or more lines")
    with registry.alone(session.repository, session.name):
        pane, now = _at_its_prompt(session)
        before = _signs(session, now)
        _paste(session, pane, text)
        panes.step([("send-keys", "-t", pane.id, "Enter")])
        taken = _within(_TAKEN / 2, lambda: _signs(session, now) != before)
        if not taken and not _within(_TAKEN / 2, lambda: _signs(session, now) != before or _works(session)):
            raise SessionError(
                f"the text was typed, but nothing shows within {_TAKEN:.0f} s that it was taken;"
                f" to look: inv session.attach {session.name}"
            )


def _at_its_prompt(session: Session) -> tuple[panes.Pane, talk.Talk]:
    shown = panes.observe(session)
    if not (found := talk.windows(session, shown)):
        raise SessionError(f"{session.name} has no conversation running; to start it: inv session.start {session.name}")
    now = talk.of(session, shown, talk.ask([session], {str(session.worktree): shown}))
    if now.state == "off":
        raise SessionError(f"{session.name}'s conversation has ended; to go on: inv session.resume {session.name}")
    if not session.agent.is_claude:
        raise SessionError(f"{session.agent.command} does not tell whether it is at its prompt, so nothing was typed")
    if now.state != "idle" or now.live is None:
        why = f"{now.state}{f' for {now.waiting_for}' if now.waiting_for else ''}"
        look = f"inv session.attach {session.name}"
        raise SessionError(f"{session.name}'s conversation is {why}, not at its prompt; nothing was typed. {look}")
    for pane in found:
        if _terminal(now.live.pid) != pane.tty:
            continue
        if draft := unsent(_screen(pane)):  # an interrupted prompt comes back as one
            look = f"inv session.attach {session.name}"
            raise SessionError(f"{draft!r} is typed at its prompt already, and not sent; nothing was typed. {look}")
        return pane, now
    raise SessionError(f"{session.name}'s conversation is open elsewhere, by process {now.live.pid}; nothing was typed")


def unsent(screen: str) -> str:
    """Return what somebody left at the prompt that *screen* shows: ours would be sent with it."""
    shown = _PROMPT.findall(screen)
    return _NOT_TYPED.sub("", shown[-1]).strip() if shown else ""


def _terminal(pid: int) -> str:
    import psutil

    try:
        return str(psutil.Process(pid).terminal())
    except psutil.Error:
        return ""


def _paste(session: Session, pane: panes.Pane, text: str) -> None:
    """Hand *text* over as one paste, through a file: tmux takes no long arguments; Enter would come too early."""
    session.private.mkdir(parents=True, exist_ok=True, mode=0o700)
    file, buffer = session.private / "sending", f"tally-{uuid.uuid4().hex[:8]}"
    shown = _screen(pane)
    try:
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as sending:
            sending.write(text.strip())
        pasting = ("paste-buffer", "-p", "-d", "-b", buffer, "-t", pane.id)
        panes.step([("load-buffer", "-b", buffer, str(file)), panes.listening(pane), pasting])
    finally:
        file.unlink(missing_ok=True)
    _within(_SHOWN, lambda: _screen(pane) != shown)


def _screen(pane: panes.Pane) -> str:
    return shell.read(*panes.TMUX, "capture-pane", "-p", "-e", "-t", pane.id, check=False)


def _signs(session: Session, now: talk.Talk) -> tuple[object, ...]:
    """Return what changes when a prompt is submitted: what the hook touches, and the transcript."""
    record = transcripts.directory(session) / f"{now.live.identity if now.live else ''}.jsonl"
    return hooks.happened(session).get("UserPromptSubmit"), transcripts.used(record)


def _works(session: Session) -> bool:
    """Return whether it says that it works, which costs a process."""
    shown = panes.observe(session)
    now = talk.of(session, shown, talk.ask([session], {str(session.worktree): shown}))
    return now.state in ("working", "waiting")


def _within(seconds: float, true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.05)
    return False
