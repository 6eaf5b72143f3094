"""Assistants other than Claude Code: which conversation is the session's, and what it does.

Codex, Gemini and OpenCode keep both on disk, in a form that a later version may change: then nothing is known, and the
conversation begins anew, or has no state. Others are asked with the commands in the setting.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from ..model import Session
from ..system import shell
from . import silence

STATES = ("working", "waiting", "idle")
_PATIENCE = 3.0  # seconds for an answer of a command of the setting
_PAUSE = 30.0  # seconds until one that did not answer is asked again
_TAIL = 400_000  # bytes at the end of a conversation in which the last turn begins or ends
_MOST = 500  # conversations that are looked at, the latest first
_CODEX = {"task_started": "working", "task_complete": "idle", "turn_aborted": "idle"}
_OWN = (
    "select id from session where parent_id is null and (id = ? or directory = ? and time_created >= ?)"
    " order by time_created"
)
_LAST = "select data from message where session_id = ? order by time_created desc limit 1"


def find_conversation(session: Session) -> str:
    """Return the id with which the conversation of *session* can be continued; empty while it has said nothing.

    It is the first that was begun in the worktree: a later one was begun by hand beside it. Once known, it stays.
    """
    way = session.agent.find
    if not way:
        return session.conversation
    known = _FINDERS[way](session) if way in _FINDERS else _ask(session, way).split()[:1]
    return session.conversation if session.conversation in known else next(iter(known), "")


def read_state(session: Session) -> tuple[str, str]:
    """Return what the assistant of *session* does, and what it said of that; two empty texts when it isn't known."""
    way = session.agent.state
    if way in _READERS:
        identity = find_conversation(session)
        return (_READERS[way](session, identity) if identity else ""), ""
    is_file = way.startswith("file:")
    said = _read_latest(way.removeprefix("file:")) if is_file else _ask(session, way) if way else ""
    state, _space, what = (said.strip().splitlines() or [""])[0].partition(" ")
    return (state, what.strip()) if state in STATES else ("", "")


def _ask(session: Session, command: str) -> str:
    """Return what the shell *command* prints in the worktree; nothing when it fails, or takes too long."""
    place, environment = str(session.worktree), {**shell.clean_environment(), "TALLY_SESSION": str(session.worktree)}
    words = command.replace("{id}", session.conversation)
    run = ("sh", "-c", 'cd "$1" && eval "$2"', "sh", place, words)
    return silence.ask_unless_silent(_PATIENCE, _PAUSE, *run, env=environment) or ""


def _read_latest(pattern: str) -> str:
    """Return the beginning of the file that fits *pattern* and was written last."""
    place = Path(pattern).expanduser()
    try:
        files = place.parent.glob(place.name) if "*" in place.name else [place]
        with max(files, key=lambda file: file.stat().st_mtime).open(encoding="utf-8", errors="replace") as file:
            return file.readline(1000)
    except (OSError, ValueError):
        return ""


def _began(session: Session) -> float:
    return datetime.fromisoformat(session.created).timestamp() if session.created else 0.0


def _home(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or default).expanduser()


def _codex_files(session: Session) -> dict[str, Path]:
    """Return the files of the conversations that a person began with Codex in the worktree, by id, the oldest first."""
    files = sorted((_home("CODEX_HOME", "~/.codex") / "sessions").glob("*/*/*/rollout-*.jsonl"), reverse=True)
    began, found = _began(session), dict[str, Path]()
    for file in files[:_MOST]:
        try:
            if file.stat().st_mtime < began:
                continue
            with file.open("rb") as lines:
                facts = json.loads(lines.readline())["payload"]
            if _is_codex_of(session, facts):
                found = {str(facts["id"]): file, **found}
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return found


def _is_codex_of(session: Session, facts: dict[str, Any]) -> bool:
    """Return whether a person began the conversation with *facts* in the worktree; not a script, nor another agent."""
    begun = datetime.fromisoformat(str(facts["timestamp"]).replace("Z", "+00:00")).timestamp()
    is_own = facts["cwd"] == str(session.worktree) and begun >= _began(session) - 1
    source = facts.get("source")
    return (is_own or facts["id"] == session.conversation) and isinstance(source, str) and source != "exec"


def _codex_state(session: Session, identity: str) -> str:
    for record in _last_records(_codex_files(session)[identity]):
        payload = record.get("payload")
        if isinstance(payload, dict) and record.get("type") == "event_msg" and payload.get("type") in _CODEX:
            return _CODEX[payload["type"]]
    return ""


def _last_records(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the records at the end of *file*, the last first."""
    try:
        with file.open("rb") as lines:
            lines.seek(max(0, file.stat().st_size - _TAIL))
            tail = lines.read().splitlines()
    except OSError:
        return
    for line in reversed(tail):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            yield record


def _gemini_conversations(session: Session) -> list[str]:
    """Return the id that we gave it if Gemini has saved that conversation; it refuses to resume another one."""
    places = (_home("GEMINI_CLI_HOME", "~") / ".gemini" / "tmp").glob("*/chats")
    is_saved = any(any(place.glob(f"session-*-{session.conversation[:8]}.json*")) for place in places)
    return [session.conversation] if is_saved else []


def _ask_opencode(question: str, *values: object) -> list[Any]:
    import sqlite3
    from contextlib import closing

    file = _home("XDG_DATA_HOME", "~/.local/share") / "opencode" / "opencode.db"
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=1)) as database:
            return [row[0] for row in database.execute(question, values)]
    except (sqlite3.Error, ValueError):
        return []


def _opencode_conversations(session: Session) -> list[str]:
    return [
        str(each)
        for each in _ask_opencode(_OWN, session.conversation, str(session.worktree), int(_began(session) * 1000))
    ]


def _opencode_state(_session: Session, identity: str) -> str:
    for text in _ask_opencode(_LAST, identity):
        try:
            message = json.loads(text)
            is_over = message["role"] == "assistant" and ("completed" in message["time"] or "error" in message)
        except (ValueError, LookupError, TypeError):
            return ""
        return "idle" if is_over else "working"
    return ""


_FINDERS: dict[str, Callable[[Session], Any]] = {
    "codex": lambda session: list(_codex_files(session)),
    "gemini": _gemini_conversations,
    "opencode": _opencode_conversations,
}
_READERS: dict[str, Callable[[Session, str], str]] = {"codex": _codex_state, "opencode": _opencode_state}
