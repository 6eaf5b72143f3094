"""The resource of Claude Code's permissions: the worktree's entry in `.claude.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import claude_json, registry
from .model import Problem, Session


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    allowed = _allowed(claude_json.projects(claude_json.load()).get(_keys(session)[0]))
    return f"{len(allowed)} allowed tools of the main checkout" if allowed else ""


def create(session: Session) -> None:
    """Give the worktree's entry the main checkout's allowed tools; its own stay."""
    main, own = _keys(session)
    if not _allowed(claude_json.projects(claude_json.load()).get(main)):
        return

    def merge(content: dict[str, Any]) -> bool:
        projects = claude_json.projects(content)
        wanted, entry = _allowed(projects.get(main)), projects.get(own, {})
        present = _allowed(entry)
        merged = wanted + [tool for tool in present if tool not in wanted]
        if not wanted or not isinstance(entry, dict) or merged == present:
            return False
        if own not in projects:
            registry.note(session.repository, session.name, claude_entry=own)
        projects[own] = {**entry, "allowedTools": merged}
        return True

    claude_json.edit(merge)


def remove(session: Session) -> None:
    """Drop the worktree's entry if this session made it."""
    main, own = _keys(session)
    row = registry.rows(session.repository).get(session.name, {})
    if row.get("claude_entry") != own or own == main:
        return

    def drop(content: dict[str, Any]) -> bool:
        return claude_json.projects(content).pop(own, None) is not None

    claude_json.edit(drop)


def problems(session: Session) -> list[Problem]:
    """Return the allowed tools that the worktree's entry lacks."""
    main, own = _keys(session)
    projects = claude_json.projects(claude_json.load())
    missing = [tool for tool in _allowed(projects.get(main)) if tool not in _allowed(projects.get(own))]
    if not missing:
        return []
    mend = f"inv session.resume {session.name}"
    return [Problem(f"{len(missing)} allowed tools are missing", "Claude Code before 2.0.8 asks again", mend)]


def _keys(session: Session) -> tuple[str, str]:
    return str(session.repository.main.resolve()), str(Path(session.worktree).resolve())


def _allowed(entry: object) -> list[Any]:
    found = entry.get("allowedTools") if isinstance(entry, dict) else None
    return found if isinstance(found, list) else []
