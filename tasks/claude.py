"""The resource of what the main checkout's entry in Claude Code's `.claude.json` permits."""

from __future__ import annotations

import os
import shutil

from . import claude_entry, claude_json
from .claude_lock import UnusableError
from .model import Problem, Session


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    content = claude_json.load()
    allowed, lacking = claude_entry.tools(content, session), claude_entry.missing(content, session)
    parts = [f"{allowed} allowed tools of the main checkout"] if allowed else []
    return "; ".join([*parts, *(["its trust and MCP servers"] if set(lacking) - {"allowedTools"} else [])])


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
    what = [f"{len(lacking.pop('allowedTools'))} allowed tools"] if "allowedTools" in lacking else []
    what += ["the main checkout's trust or MCP servers"] if lacking else []
    why = "Claude Code before 2.1.63 asks again" if lacking else "Claude Code before 2.0.8 asks again"
    mend = f"inv session.resume {session.name}"
    return [Problem(f"{' and '.join(what)} are missing in {claude_json.path()}", why, mend)] if what else []


def _begins(session: Session) -> bool:
    """Return whether a first conversation is about to begin: then a missing file is news."""
    claude = any(window.claude for window in session.windows)
    return session.state == "adding" and claude and shutil.which("claude") is not None
