"""The resource of what a conversation is started with: a script in git's directory, and the prompt it begins with."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress

from .conversations import conversation, hooks
from .model import Problem, Session

_SHOWN = 60


def describe(session: Session) -> str:
    """Return in half a line what `create` makes, if a prompt was given."""
    first = next(iter(session.prompt.strip().splitlines()), "")
    return f"begin with: {first[:_SHOWN]}{'…' if session.prompt.strip() != first[:_SHOWN] else ''}" if first else ""


def create(session: Session) -> None:
    """Write the script as it must be now; a prompt that was submitted, or that only `add` can give, is gone."""
    if not session.converses:
        return
    session.private.mkdir(parents=True, exist_ok=True, mode=0o700)
    if session.prompt:
        with open(hooks.pending(session), "w", encoding="utf-8", opener=_privately) as file:
            file.write(session.prompt)
    elif not session.agent.is_claude:  # others do not tell us what they were asked
        hooks.pending(session).unlink(missing_ok=True)
    with open(conversation.starter(session), "w", encoding="utf-8", opener=_privately) as file:
        file.write(conversation.script(session))


def remove(session: Session) -> None:
    """Delete them, and what the hooks noted; the conversation itself is not ours."""
    shutil.rmtree(session.private, ignore_errors=True)
    with suppress(OSError):  # not there, or another session's
        session.private.parent.rmdir()


def problems(session: Session) -> list[Problem]:
    """Return nothing: every start writes it."""
    del session
    return []


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
