"""Answering a permission prompt from elsewhere: only the very one that Claude Code asked and its window shows."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import NamedTuple

from ..errors import SessionError, quote_text
from ..model import Session
from ..store import registry
from ..system import shell
from ..tools import tmux
from . import hooks, state, waiting

ANSWERS = {
    "yes": re.compile(r"Yes"),
    "always": re.compile(r"Yes, (and (always|don.t ask again|switch to accept edits)|allow all edits).*"),
    "no": re.compile(r"No\b.*"),
}
_IGNORED = 1.0  # seconds for which a new prompt ignores keys, so that nobody answers it by accident
_DRAWN = 5.0  # seconds until its window shows what was asked
_AGAIN = 2.0  # seconds until a key that was ignored is pressed again
_REDRAWN = 1.0  # seconds in which a key that came too late shows at the prompt
_TAKEN = 15.0  # seconds until an answer is accepted
_CHOICE = re.compile(r"^\s*(?:\u276f\s*)?(\d)\. (.*?)\s*$", re.MULTILINE)
_LINE = re.compile(r"^\u2500{4}.*\n", re.MULTILINE)
_FRAME = re.compile(r"[\s\u2502]+")


class Dialog(NamedTuple):
    """A permission prompt: the *text* that the window of *pane* shows, and when it was asked."""

    pane: str
    text: str
    at: float


def read_dialog(session: Session) -> Dialog:
    """Return the permission prompt that is open in *session*.

    Raises `SessionError` unless its window shows what Claude Code asked.
    """
    name, panes = session.name, tmux.list_panes(session)
    talk = waiting.current_talks([session])[name]
    asked, at = hooks.read_request(session)
    if talk.state == "waiting" and not asked:
        raise SessionError(
            f"Claude in {name} asks something that only its window shows ({talk.what or talk.waiting_for}). Nothing was"
            f" answered.\nRun: inv session.attach {name}"
        )
    if talk.state != "waiting" or talk.live is None:
        raise SessionError(f"Claude in {name} isn't asking for permission ({talk}).\nRun: inv session.show {name}")
    pane = state.pane_of(talk.live, state.conversation_panes(session, panes))
    deadline = time.monotonic() + _DRAWN
    while pane is not None:
        text = _shown(pane.id)
        if text and _squeezed(asked) in _squeezed(text):
            return Dialog(pane.id, text, at)
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    raise SessionError(
        f"The window of {name} doesn't show the whole prompt ({talk.what}). Nothing was answered.\n"
        f"Run: inv session.attach {name}"
    )


def _shown(pane: str) -> str:
    """Return what *pane* shows between the last lines that have choices between them; empty for none."""
    screen = shell.read_output(*tmux.TMUX, "capture-pane", "-p", "-t", pane, check=False)
    return next((part.strip("\n") for part in reversed(_LINE.split(screen)) if _CHOICE.search(part)), "")


def _squeezed(text: str) -> str:
    return _FRAME.sub("", text)


def answer_prompt(session: Session, dialog: Dialog, reply: str) -> None:
    """Choose *reply* in *dialog*, as long as it is the one that is open."""
    choices = {label: number for number, label in _CHOICE.findall(dialog.text)}
    number = next((choices[label] for label in choices if ANSWERS[reply].fullmatch(label)), "")
    if not number:
        raise SessionError(
            f"This prompt has no answer {quote_text(reply)}. It has: {', '.join(choices)}.\n"
            f"Run: inv session.attach {session.name}"
        )
    with registry.session_lock(session.repository, session.name):
        time.sleep(max(0.0, min(_IGNORED, dialog.at + _IGNORED - time.time())))
        deadline, presses = time.monotonic() + _TAKEN, 0
        while _is_open(session, dialog):
            if time.monotonic() > deadline:
                raise SessionError(
                    f"Claude in {session.name} didn't take the answer.\nRun: inv session.attach {session.name}"
                )
            tmux.run_tmux([("send-keys", "-t", dialog.pane, number)])
            presses += 1
            _wait_while(_AGAIN, lambda: _is_open(session, dialog))
        _wait_while(_TAKEN, lambda: _still_waits(session, dialog))
        if presses > 1:  # a slow one may have taken the first after all
            _wait_while(_REDRAWN, lambda: _typed(dialog.pane) != number)
        if presses > 1 and _typed(dialog.pane) == number:
            tmux.run_tmux([("send-keys", "-t", dialog.pane, "BSpace")])


def _wait_while(seconds: float, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and condition():
        time.sleep(0.05)


def _typed(pane: str) -> str | None:
    return tmux.prompt_text(shell.read_output(*tmux.TMUX, "capture-pane", "-p", "-e", "-t", pane, check=False))


def _still_waits(session: Session, dialog: Dialog) -> bool:
    """Return whether Claude Code hasn't noted the answer to *dialog* yet, which its window no longer shows."""
    is_same = hooks.read_request(session)[1] == dialog.at
    return is_same and waiting.current_talks([session])[session.name].state == "waiting"


def _is_open(session: Session, dialog: Dialog) -> bool:
    """Return whether the window still shows *dialog*; the next one may look the same, but was asked later."""
    if hooks.read_request(session)[1] != dialog.at:
        return False
    return _shown(dialog.pane) == dialog.text
