"""The files in which Claude Code keeps conversations: one for each id, in a directory for each working directory."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from ..model import Session
from ..parts import DEFAULT_CONFIG, Agent

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST = 200
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def config_directory(agent: Agent) -> Path:
    """Return where Claude Code keeps its conversations."""
    return Path(agent.config or os.environ.get("CLAUDE_CONFIG_DIR") or DEFAULT_CONFIG).expanduser()


def variable(agent: Agent) -> str:
    """Return what CLAUDE_CONFIG_DIR must be for that: "" not set, which is not the same as set to the default."""
    directory = config_directory(agent)
    return str(directory) if directory != Path(DEFAULT_CONFIG).expanduser() else ""


def directory(session: Session) -> Path:
    """Return where the conversations are that were begun in its worktree."""
    return config_directory(session.agent) / "projects" / directory_name(session.worktree)


def of(session: Session) -> list[Path]:
    """Return the files of the conversation in the row of *session*, usable or not."""
    if not session.conversation:
        return []
    return list((config_directory(session.agent) / "projects").glob(f"*/{session.conversation}.jsonl"))


def later(session: Session, before: list[Path]) -> list[Path]:
    """Return the usable files of other conversations in its worktree that were used after *before*, latest first.

    `/clear` and `--fork-session` go on under another id; of an earlier session in that directory all are older.
    """
    begun = datetime.fromisoformat(session.created).timestamp() if session.created else 0.0
    newest = max([begun, *(used(file) for file in before)])
    found = [file for file in directory(session).glob("*.jsonl") if _UUID.fullmatch(file.stem) and used(file) > newest]
    others = [file for file in found if file.stem != session.conversation and _here(file, session.worktree)]
    return sorted(others, key=used, reverse=True)


def usable(file: Path) -> bool:
    """Return whether it holds a message: one without is refused by `--resume` and by `--session-id`."""
    return any(True for _message in _messages(file))


def used(file: Path) -> float:
    """Return when *file* was last written, 0 when it is gone."""
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def directory_name(path: Path) -> str:
    """Return what Claude Code calls the directory for conversations that were begun in *path*."""
    encoded = unicodedata.normalize("NFC", os.path.realpath(path)).encode("utf-16-le", "surrogatepass")
    units = [int.from_bytes(encoded[at : at + 2], "little") for at in range(0, len(encoded), 2)]
    name = "".join(chr(unit) if unit < 128 and chr(unit).isalnum() else "-" for unit in units)
    if len(name) <= _LONGEST:
        return name
    hashed = 0
    for unit in units:
        hashed = ((hashed << 5) - hashed + unit) & 0xFFFFFFFF
    number, digits = min(hashed, (1 << 32) - hashed), ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return f"{name[:_LONGEST]}-{digits or '0'}"


def real(path: str) -> str:
    """Return where *path*, which Claude Code wrote, leads; empty when it can be no path."""
    try:
        return os.path.realpath(path)
    except ValueError:
        return ""


def _here(file: Path, worktree: Path) -> bool:
    """Return whether a person began it in *worktree*: several paths share a directory, and scripts talk there too."""
    for record in _messages(file):
        place = Path(real(str(record.get("cwd", worktree))))
        script = str(record.get("entrypoint", "")).startswith("sdk")
        return not script and place.is_relative_to(os.path.realpath(worktree))
    return False


def _messages(file: Path) -> Iterator[dict[str, Any]]:
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(record, dict) and record.get("type") in ("user", "assistant"):
                    yield record
    except OSError:
        return
