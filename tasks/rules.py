"""The resource of the rules in `.claude/settings.local.json`, which Claude Code before 2.1.211 reads per worktree.

Later ones read the main checkout's file, and there a copy would keep alive what was revoked.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from . import exclude, registry
from .conversations import claude_entry, claude_version, granted
from .errors import SessionError
from .machine import atomic
from .model import Problem, Session
from .narration import notice


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    if not _due(session):
        return ""
    try:
        number = granted.count(granted.of(session.repository.main / granted.FILE))
    except SessionError:
        return ""
    version = claude_version.of(session)
    return f"copy {granted.FILE} ({number} rule{'s' * (number != 1)}) for Claude Code {claude_version.text(version)}"


def create(session: Session) -> None:
    """Copy the main checkout's rules if the worktree has none; the row keeps what the session began with.

    This comes last before the conversation begins, so what was written to `.claude.json` is looked at again here.
    """
    claude_entry.confirm(session)
    if _due(session):
        _copy(session)
    elif session.state == "adding" and not session.archive:
        _remember(session)


def _copy(session: Session) -> None:
    source, target = session.repository.main / granted.FILE, session.worktree / granted.FILE
    try:
        copied = granted.of(source)
        text = source.read_text(encoding="utf-8", errors="surrogateescape")
    except (SessionError, OSError) as error:
        notice(f"{granted.FILE} is left out: {error}")
        return
    if not _has_room(session, target):
        notice(f"{granted.FILE} is left out: {target.parent} leads out of the worktree, or is no directory")
        return
    registry.note(session.repository, session.name, rules=copied)
    exclude.refresh(session.repository)
    target.parent.mkdir(exist_ok=True)
    atomic.write(target, text, mode=stat.S_IMODE(source.stat().st_mode))
    if claude_version.of(session) is None:
        notice(f"{granted.FILE} is copied for Claude Code before 2.1.211: which one is installed cannot be told")


def _remember(session: Session) -> None:
    """Note the rules that came by `copy`, by a hook or from the branch: they were not granted in the session."""
    try:
        began = granted.of(session.worktree / granted.FILE)
    except SessionError:
        return
    if began:
        registry.note(session.repository, session.name, rules=began)


def remove(session: Session) -> None:
    """Nothing: the copy goes with the worktree, and what was added to it is in the archive."""


def problems(session: Session) -> list[Problem]:
    """Return whether the copy is missing."""
    if not describe(session):
        return []
    version = claude_version.text(claude_version.of(session))
    why = f"Claude Code {version} asks again for what the main checkout allows"
    return [Problem(f"{granted.FILE} is missing", why, f"inv session.resume {session.name}")]


def _due(session: Session) -> bool:
    """Return whether the main checkout has rules that a conversation in the worktree would not know."""
    there = os.path.lexists(session.worktree / granted.FILE)
    if there or not os.path.lexists(session.repository.main / granted.FILE):
        return False
    return not claude_version.shares_rules(claude_version.of(session), session.repository)


def _has_room(session: Session, target: Path) -> bool:
    inside = target.parent.resolve().is_relative_to(session.worktree.resolve())
    return inside and (target.parent.is_dir() or not os.path.lexists(target.parent))
