"""The resource of what the main checkout's entry in Claude Code's `.claude.json` permits."""

from __future__ import annotations

import os
import shutil

from ..claude import json_file, project_entry
from ..claude.json_file import UnusableError
from ..model import Problem, Session
from ..store import registry

LABEL = "claude"


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    content = json_file.load_claude_json()
    carried = project_entry.name_kinds(project_entry.missing_facts(content, session))
    return f"{', '.join(carried)} of the main checkout" if carried else ""


def create(session: Session) -> None:
    """Give the worktree's entry what the main checkout's has; leave an unusable file alone, with a note."""
    try:
        json_file.read_claude_json()
    except UnusableError as why:
        if os.path.lexists(json_file.claude_json_path()) or _begins(session):
            json_file.notice_unusable(why)
        return
    project_entry.give_entry(session)


def remove(session: Session) -> None:
    """Remove from the entry what this session added."""
    project_entry.take_back_entry(session)


def problems(session: Session) -> list[Problem]:
    """Return what the worktree's entry doesn't have."""
    lacking = project_entry.missing_facts(json_file.load_claude_json(), session)
    oldest = "2.0.8" if set(lacking) == {"allowedTools"} else "2.1.63"
    why, fix = f"Claude Code before {oldest} asks again", f"inv session.resume {session.name}"
    kinds = ", ".join(project_entry.name_kinds(lacking))
    what = f"{json_file.claude_json_path()} doesn't have these of the main checkout: {kinds}"
    return [Problem(what, why, fix)] if lacking else []


def _begins(session: Session) -> bool:
    """Return whether the repository's first conversation is about to begin: only then a missing file needs a note."""
    first = session.state == "adding" and len(registry.read_registry(session.repository)) == 1
    return first and session.converses and shutil.which("claude") is not None
