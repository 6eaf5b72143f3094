"""The worktree's entry in `.claude.json`: what is copied from the main checkout's, and removed again."""

from __future__ import annotations

import time
from typing import Any

from ..model import Session
from ..store import registry
from ..system import files, shell
from ..system.progress import notice
from . import json_file, version

_TOOLS, _TRUST = "allowedTools", "hasTrustDialogAccepted"
# All else of an entry, like its history and costs, belongs to that directory alone.
_EXTERNAL = "hasClaudeMdExternalIncludes"
_SERVERS: tuple[str, ...] = ("mcpServers", "enabledMcpjsonServers", "disabledMcpjsonServers", "mcpContextUris")
_SERVERS += (f"{_EXTERNAL}Approved", f"{_EXTERNAL}WarningShown")
_SETTLE, _TRIES = 0.1, 3  # seconds after which a write is checked, and how often

_written: dict[str, float] = {}  # when this process changed which entry


def missing_facts(content: dict[str, Any], session: Session) -> dict[str, Any]:
    """Return what only the main checkout's entry has: allowed tools; before 2.1.63 also trust and servers.

    Trust is only copied when the main checkout itself is trusted.
    """
    main, own = (_entry(content, key) for key in _keys(session))
    if main is None or own is None:
        return {}
    tools = [tool for tool in _tools(main) if tool not in _tools(own)]
    missing: dict[str, Any] = {_TOOLS: tools} if tools else {}
    others = {key: main[key] for key in _SERVERS if main.get(key) and key not in own}
    if main.get(_TRUST) is True and own.get(_TRUST) is not True:
        others[_TRUST] = True
    if others and not version.shares_entry(version.session_version(session)):
        missing |= others
    return missing


def needs_trust(session: Session) -> bool:
    """Return whether Claude Code asks about trust before the conversation of *session* begins.

    False where that is not known: a file without any project is not yet Claude Code's.
    """
    try:
        content = json_file.read_claude_json()
    except json_file.UnusableError:
        return False
    trusted = any((_entry(content, key) or {}).get(_TRUST) is True for key in _keys(session))
    return "projects" in content and not trusted


def give_entry(session: Session) -> None:
    """Add to the worktree's entry what is missing; its own facts stay. The row says what is added before it is."""
    own = _keys(session)[1]
    content = json_file.load_claude_json()
    missing = missing_facts(content, session)
    if not missing:
        return
    row = registry.read_registry(session.repository).get(session.name, {})
    before = {key: row.get(key) for key in ("claude_entry", "claude_added")}
    if own not in json_file.project_entries(content) or before["claude_entry"] == own:
        registry.note_facts(session.repository, session.name, claude_entry=own)
    else:
        registry.note_facts(
            session.repository, session.name, claude_added=_added_facts(before["claude_added"], missing)
        )

    def merge(content: dict[str, Any]) -> bool:
        missing = missing_facts(content, session)
        if missing:
            json_file.project_entries(content)[own] = _merge_entries(content, session, missing)
        return bool(missing)

    if json_file.edit_claude_json(merge):
        shell.echo_command(f"# set {', '.join(missing)} of {own} in {json_file.claude_json_path()}")
        _written[own] = time.monotonic()
    elif missing_facts(json_file.load_claude_json(), session) == missing:
        registry.note_facts(session.repository, session.name, **before)


def confirm_entry(session: Session) -> None:
    """Check that what was just added is still there: Claude Code may have written without its lock."""
    own = _keys(session)[1]
    for _try in range(_TRIES):
        since = _written.pop(own, None)
        if since is None:
            return
        if not version.shares_entry(version.session_version(session)):  # to later ones the entry says nothing
            time.sleep(max(since + _SETTLE - time.monotonic(), 0))
        give_entry(session)
    if own in _written:
        notice(f"Another program keeps undoing the permissions of {own} in {json_file.claude_json_path()}.")


def take_back_entry(session: Session) -> None:
    """Remove the worktree's entry if this session created it, else what it added to the entry."""
    main, own = _keys(session)
    row = registry.read_registry(session.repository).get(session.name, {})
    added = row.get("claude_added")
    if own == main or not (row.get("claude_entry") == own or isinstance(added, dict)):
        return

    def drop(content: dict[str, Any]) -> bool:
        entries, entry = json_file.project_entries(content), _entry(content, own)
        if row.get("claude_entry") == own:
            return entries.pop(own, None) is not None
        if not entry or not isinstance(added, dict):
            return False
        entries[own] = _without(entry, added, _entry(content, main) or {})
        return bool(entries[own] != entry)

    if json_file.edit_claude_json(drop):
        shell.echo_command(f"# remove what was set of {own} in {json_file.claude_json_path()}")


def name_kinds(missing: dict[str, Any]) -> list[str]:
    """Return for people what is *missing*; never values, which may be secret."""
    count, servers = len(_tools(missing)), any("mcp" in key.lower() for key in missing)
    kinds = {f"{count} allowed tool{'s' * (count > 1)}": count, "trust": _TRUST in missing, "MCP servers": servers}
    return [kind for kind, is_missing in kinds.items() if is_missing] or list(missing)


def _keys(session: Session) -> tuple[str, str]:
    """Return the keys of the main checkout and of the worktree, as Claude Code writes paths."""
    main, own = (files.composed(str(p.resolve())) for p in (session.repository.main, session.worktree))
    return main, own


def _entry(content: dict[str, Any], key: str) -> dict[str, Any] | None:
    """Return the entry of *key*, empty if there is none; None when it has an unknown form."""
    entry = json_file.project_entries(content).get(key, {})
    return entry if isinstance(entry, dict) else None


def _tools(entry: dict[str, Any]) -> list[Any]:
    tools = entry.get(_TOOLS)
    return tools if isinstance(tools, list) else []


def _merge_entries(content: dict[str, Any], session: Session, missing: dict[str, Any]) -> dict[str, Any]:
    main, own = (_entry(content, key) or {} for key in _keys(session))
    merged = {**own, **missing}
    if _TOOLS in missing:
        tools = _tools(main)
        merged[_TOOLS] = tools + [tool for tool in _tools(own) if tool not in tools]
    if set(missing) != {_TOOLS}:
        merged.setdefault(_TOOLS, [])  # 1.0.128 ends with a TypeError where an entry has none
    return merged


def _added_facts(before: Any, missing: dict[str, Any]) -> dict[str, Any]:
    """Return which keys were added to an entry, and which tools: never values, which may be secret."""
    earlier = before if isinstance(before, dict) else {}
    return {**earlier, **dict.fromkeys(missing, True), _TOOLS: [*_tools(earlier), *_tools(missing)]}


def _without(entry: dict[str, Any], added: dict[str, Any], main: dict[str, Any]) -> dict[str, Any]:
    """Return *entry* without what was *added* to it and not changed since."""
    ours = {key for key in added if key == _TRUST or (key in _SERVERS and entry.get(key) == main.get(key))}
    left = {key: value for key, value in entry.items() if key not in ours}
    if _TOOLS in left and _tools(added):
        left[_TOOLS] = [tool for tool in _tools(entry) if tool not in _tools(added)]
    return left
