"""The resource of a conversation's start script, in git's directory, and of its first prompt."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress

from ..model import Problem, Session

LABEL = "briefing"

_SHOWN = 60


def describe(session: Session) -> str:
    """Return in half a line what `create` makes, if a prompt was given."""
    first = next(iter(session.prompt.strip().splitlines()), "")
    return f"begin with: {first[:_SHOWN]}{'…' if session.prompt.strip() != first[:_SHOWN] else ''}" if first else ""


def create(session: Session) -> None:
    """Write the script as it must be now, and the prompt that only `add` can give."""
    if not session.converses:
        return
    from ..claude import hooks, launch

    session.private.mkdir(parents=True, exist_ok=True, mode=0o700)
    if session.prompt:
        with open(hooks.pending_prompt_path(session), "w", encoding="utf-8", opener=_privately) as file:
            file.write(session.prompt)
    elif not session.agent.is_claude:  # other programs don't report which prompts they received
        hooks.pending_prompt_path(session).unlink(missing_ok=True)
    if session.agent.notify:
        hooks.summary_script_path(session).write_text(hooks.summary_script(), encoding="utf-8")
    with open(launch.start_script_path(session), "w", encoding="utf-8", opener=_privately) as file:
        file.write(launch.start_script(session))


def remove(session: Session) -> None:
    """Delete them and the notes of the hooks; the conversation itself is Claude Code's."""
    shutil.rmtree(session.private, ignore_errors=True)
    with suppress(OSError):  # missing, or another session uses it
        session.private.parent.rmdir()


def problems(session: Session) -> list[Problem]:
    """Return nothing: every start writes it."""
    del session
    return []


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
