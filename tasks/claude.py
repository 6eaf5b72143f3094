"""The resource of what the main checkout's entry in Claude Code's `.claude.json` permits."""

from __future__ import annotations

import os
import shutil

from . import registry
from .conversations import claude_entry, claude_json
from .conversations.claude_lock import UnusableError
from .model import Problem, Session


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    content = claude_json.load()
    carried = claude_entry.kinds(claude_entry.missing(content, session))
    return f"{', '.join(carried)} of the main checkout" if carried else ""


def create(session: Session) -> None:
    """Give the worktree's entry what the main checkout's has; a file that is of no use is told of and left alone."""
    try:
        claude_json.read()
    except UnusableError as why:
        if os.path.lexists(claude_json.path()) or _begins(session):
            claude_json.tell(why)
        return
    claude_entry.give(session)


def remove(session: Session) -> None:
    """Drop what this session added; the rest stays."""
    claude_entry.take_back(session)


def problems(session: Session) -> list[Problem]:
    """Return what the worktree's entry lacks."""
    lacking = claude_entry.missing(claude_json.load(), session)
    oldest = "2.0.8" if set(lacking) == {"allowedTools"} else "2.1.63"
    why, mend = f"Claude Code before {oldest} asks again", f"inv session.resume {session.name}"
    what = f"what the main checkout has is missing in {claude_json.path()}: {', '.join(claude_entry.kinds(lacking))}"
    return [Problem(what, why, mend)] if lacking else []


def _begins(session: Session) -> bool:
    """Return whether the first conversation here is about to begin: then a missing file is news, and only then."""
    first = session.state == "adding" and len(registry.rows(session.repository)) == 1
    return first and session.converses and shutil.which("claude") is not None
