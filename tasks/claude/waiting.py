"""Waiting for what a conversation does, and which of several needs a person first."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from ..model import Session
from ..system import shell
from ..tools import tmux
from . import hooks, launch, state

_BEGUN = 5.0  # seconds in which a busy machine's shell begins with what was typed
_INTERVAL = 0.3  # seconds between two looks; each reads a few files and asks tmux
_NEEDS_PERSON = ("waiting", "failed", "off", "background")  # what does not end by itself


def current_talks(sessions: Sequence[Session]) -> dict[str, state.Talk]:
    """Return the state of each conversation of *sessions*, by the session's name."""
    panes = tmux.panes_by_worktree() or {}
    running = state.ask_assistants(sessions, panes)
    return {each.name: state.talk_state(each, panes.get(str(each.worktree), ()), running) for each in sessions}


def needs_person(talk: state.Talk) -> bool:
    """Return whether a conversation in that state goes on only when a person does something."""
    return talk.state in _NEEDS_PERSON


def begun_talk(session: Session, seconds: float = _BEGUN) -> state.Talk:
    """Return the state of the conversation of *session*; one that its shell has yet to begin with has not ended."""
    deadline = time.monotonic() + seconds
    while True:
        talk = current_talks([session])[session.name]
        if talk.state != "off" or time.monotonic() >= deadline or not _has_yet_to_begin(session):
            return talk
        time.sleep(_INTERVAL)


def _has_yet_to_begin(session: Session) -> bool:
    """Return whether nothing says that the conversation was open before, and its window could start it any moment."""
    if hooks.read_start(session) is not None or launch.missing_program(session):
        return False
    return bool(state.conversation_panes(session, tmux.list_panes(session)))


def wait_for_state(session: Session, wanted: Collection[str], seconds: float = float("inf")) -> state.Talk:
    """Return the state of the conversation of *session* once it is one of those *wanted*.

    It returns sooner when a person is needed first, and after so many *seconds*.
    """
    deadline = time.monotonic() + seconds
    talk = begun_talk(session, 0 if "off" in wanted else min(seconds, _BEGUN))
    while not (talk.state in wanted or needs_person(talk) or time.monotonic() >= deadline):
        time.sleep(_INTERVAL)
        shell.ask_silent_again()
        talk = current_talks([session])[session.name]
    return talk


def first_in_need(sessions: Sequence[Session]) -> Session | None:
    """Return the one of *sessions* whose conversation waits longest, or failed; else the last that finished."""
    talks = current_talks(sessions)

    def oldest(*states: str) -> list[Session]:
        those = [each for each in sessions if talks[each.name].state in states]
        return sorted(those, key=lambda each: talks[each.name].since)

    return next(iter([*oldest("waiting"), *oldest("failed"), *reversed(oldest("idle"))]), None)
