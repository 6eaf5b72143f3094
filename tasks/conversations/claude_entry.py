"""The worktree's entry in `.claude.json`: what it takes over from the main checkout's, and what is taken back."""

from __future__ import annotations

import time
import unicodedata
from typing import Any

from .. import registry
from ..model import Session
from ..narration import notice
from . import claude_json, claude_version

_TOOLS, _TRUST = "allowedTools", "hasTrustDialogAccepted"
# Everything else of an entry, as its history and costs, is that directory's own.
_EXTERNAL = "hasClaudeMdExternalIncludes"
_SERVERS: tuple[str, ...] = ("mcpServers", "enabledMcpjsonServers", "disabledMcpjsonServers", "mcpContextUris")
_SERVERS += (f"{_EXTERNAL}Approved", f"{_EXTERNAL}WarningShown")
_SETTLE, _TRIES = 0.1, 3  # seconds after which a write is looked at again, and how often

_written: dict[str, float] = {}  # when this process changed which entry


def missing(content: dict[str, Any], session: Session) -> dict[str, Any]:
    """Return what the worktree's entry lacks of the main checkout's: allowed tools; before 2.1.63 trust and servers.

    Trust is only ever the main checkout's own.
    """
    main, own = (_entry(content, key) for key in _keys(session))
    if main is None or own is None:
        return {}
    present = _tools(own)
    tools = [tool for tool in _tools(main) if tool not in present]
    lacking: dict[str, Any] = {_TOOLS: tools} if tools else {}
    others = {key: main[key] for key in _SERVERS if main.get(key) and key not in own}
    if main.get(_TRUST) is True and own.get(_TRUST) is not True:
        others[_TRUST] = True
    if others and not claude_version.shares_entry(claude_version.of(session)):
        lacking |= others
    return lacking


def give(session: Session) -> None:
    """Give the worktree's entry what it lacks; its own facts stay. What is added is in the row before it is made."""
    own = _keys(session)[1]
    content = claude_json.load()
    lacking = missing(content, session)
    if not lacking:
        return
    row = registry.rows(session.repository).get(session.name, {})
    before = {key: row.get(key) for key in ("claude_entry", "claude_added")}
    if own not in claude_json.projects(content) or before["claude_entry"] == own:
        registry.note(session.repository, session.name, claude_entry=own)
    else:
        registry.note(session.repository, session.name, claude_added=_remembered(before["claude_added"], lacking))

    def merge(content: dict[str, Any]) -> bool:
        lacking = missing(content, session)
        if lacking:
            claude_json.projects(content)[own] = _merged(content, session, lacking)
        return bool(lacking)

    if claude_json.edit(merge):
        _written[own] = time.monotonic()
    elif missing(claude_json.load(), session) == lacking:
        registry.note(session.repository, session.name, **before)


def confirm(session: Session) -> None:
    """Look again whether what was given just now is there: Claude Code may have written without its lock."""
    own = _keys(session)[1]
    for _try in range(_TRIES):
        since = _written.pop(own, None)
        if since is None:
            return
        if not claude_version.shares_entry(claude_version.of(session)):  # to later ones the entry says nothing
            time.sleep(max(since + _SETTLE - time.monotonic(), 0))
        give(session)
    if own in _written:
        notice(f"another program keeps undoing the permissions of {own} in {claude_json.path()}")


def take_back(session: Session) -> None:
    """Drop the worktree's entry if this session made it, else what it added to it."""
    main, own = _keys(session)
    row = registry.rows(session.repository).get(session.name, {})
    added = row.get("claude_added")
    if own == main or not (row.get("claude_entry") == own or isinstance(added, dict)):
        return

    def drop(content: dict[str, Any]) -> bool:
        entries, entry = claude_json.projects(content), _entry(content, own)
        if row.get("claude_entry") == own:
            return entries.pop(own, None) is not None
        if not entry or not isinstance(added, dict):
            return False
        entries[own] = _without(entry, added, _entry(content, main) or {})
        return bool(entries[own] != entry)

    claude_json.edit(drop)


def kinds(lacking: dict[str, Any]) -> list[str]:
    """Return for people what is *lacking*; never values, which may be secret."""
    number, servers = len(_tools(lacking)), any("mcp" in key.lower() for key in lacking)
    told = {f"{number} allowed tool{'s' * (number > 1)}": number, "trust": _TRUST in lacking, "MCP servers": servers}
    return [what for what, there in told.items() if there] or list(lacking)


def _keys(session: Session) -> tuple[str, str]:
    """Return the keys of the main checkout and of the worktree, as Claude Code writes paths."""
    main, own = (unicodedata.normalize("NFC", str(p.resolve())) for p in (session.repository.main, session.worktree))
    return main, own


def _entry(content: dict[str, Any], key: str) -> dict[str, Any] | None:
    """Return the entry of *key*, empty if there is none; None when it is of a foreign shape."""
    found = claude_json.projects(content).get(key, {})
    return found if isinstance(found, dict) else None


def _tools(entry: dict[str, Any]) -> list[Any]:
    found = entry.get(_TOOLS)
    return found if isinstance(found, list) else []


def _merged(content: dict[str, Any], session: Session, lacking: dict[str, Any]) -> dict[str, Any]:
    main, own = (_entry(content, key) or {} for key in _keys(session))
    merged = {**own, **lacking}
    if _TOOLS in lacking:
        wanted = _tools(main)
        merged[_TOOLS] = wanted + [tool for tool in _tools(own) if tool not in wanted]
    if set(lacking) != {_TOOLS}:
        merged.setdefault(_TOOLS, [])  # 1.0.128 ends with a TypeError where an entry has none
    return merged


def _remembered(before: Any, lacking: dict[str, Any]) -> dict[str, Any]:
    """Return which keys were added to an entry, and which tools: never values, which may be secret."""
    known = before if isinstance(before, dict) else {}
    return {**known, **dict.fromkeys(lacking, True), _TOOLS: [*_tools(known), *_tools(lacking)]}


def _without(entry: dict[str, Any], added: dict[str, Any], main: dict[str, Any]) -> dict[str, Any]:
    """Return *entry* without what was *added* to it and nobody changed since."""
    ours = {key for key in added if key == _TRUST or (key in _SERVERS and entry.get(key) == main.get(key))}
    left = {key: value for key, value in entry.items() if key not in ours}
    if _TOOLS in left and _tools(added):
        left[_TOOLS] = [tool for tool in _tools(entry) if tool not in _tools(added)]
    return left
