"""The files in which Claude Code keeps conversations: one for each id, in a directory for each working directory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from ..model import Session
from ..system import files
from . import hooks, live

_LONGEST = 200
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_TAIL = 4_000_000  # bytes of a long transcript in which the end of its last turn is looked for
_NOT_SAID = ("<", "[Request interrupted")  # commands and their output, results of tasks; what Escape leaves there
_SHOWN = 80  # letters of a prompt


def transcripts_directory(session: Session) -> Path:
    """Return where the conversations are that were started in its worktree."""
    return live.config_directory(session.agent) / "projects" / directory_name(session.worktree)


def session_transcripts(session: Session) -> list[Path]:
    """Return the files of the conversation in the row of *session*, usable or not."""
    if not session.conversation:
        return []
    found = (live.config_directory(session.agent) / "projects").glob(f"*/{session.conversation}.jsonl")
    return [file for file in found if file.is_file()]  # a pipe would be read for ever


def resume_notes(session: Session, usable: list[Path]) -> list[str]:
    """Return what a person should know before the conversation of *session*, of the *usable* files, goes on."""
    lines, name = [], session.name
    events, start = hooks.read_events(session), hooks.read_start(session)
    submitted = events.get("UserPromptSubmit", 0.0)
    was_cleared = start is not None and start.source == "clear" and start.at > submitted
    if not usable and "UserPromptSubmit" in events and not was_cleared:
        lines.append(
            f"The transcript of {name}'s conversation {session.conversation} is gone, so {name} starts a new one."
            "\nClaude Code deletes transcripts after 30 days, or what `cleanupPeriodDays` in its settings says."
        )
    prompts = [prompt for file in usable if (prompt := _unanswered_prompt(file))]
    lines += [f"The last prompt in {name} was not answered: {_shortened(each)}" for each in prompts]
    if usable and not prompts and hooks.last_state(events)[0] == "working" and submitted > max(map(last_used, usable)):
        lines.append(f"The last prompt in {name} was not answered, and its transcript doesn't have it. Send it again.")
    if later := _later_transcripts(session, usable):
        others = ", ".join(file.stem for file in later)
        lines.append(f"{name}'s worktree has conversations that were used later.\nOpen one: claude --resume {others}")
    return lines


def last_conversation(session: Session) -> str:
    """Return the id of the conversation that was last used in the worktree of *session*; empty for none."""
    return next((file.stem for file in _later_transcripts(session, [])), "")


def _later_transcripts(session: Session, before: list[Path]) -> list[Path]:
    """Return the usable files of other conversations in its worktree that were used after *before*, latest first.

    Those of an earlier session in that directory are older.
    """
    created = datetime.fromisoformat(session.created).timestamp() if session.created else 0.0
    newest = max([created, *(last_used(file) for file in before)])
    files = [
        file
        for file in transcripts_directory(session).glob("*.jsonl")
        if hooks.is_conversation_id(file.stem) and last_used(file) > newest
    ]
    others = [file for file in files if file.stem != session.conversation and _is_of_worktree(file, session.worktree)]
    return sorted(others, key=last_used, reverse=True)


def _unanswered_prompt(file: Path) -> str:
    """Return what a person said last, if the turn that it began has no end, as after a crash."""
    prompt = ""
    for record in _messages(file, _TAIL):
        message = record.get("message")
        if not isinstance(message, dict) or record.get("isMeta") or record.get("isSidechain"):
            continue
        if record["type"] == "assistant":
            ended = message.get("stop_reason") not in (None, "tool_use") or record.get("isApiErrorMessage")
            prompt = "" if ended else prompt
        elif text := _text(message.get("content")):
            prompt = "" if text.startswith(_NOT_SAID) else text
    return prompt


def _text(content: object) -> str:
    """Return the text in the *content* of a message; empty for the result of a tool."""
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = [block.get("text") for block in blocks if isinstance(block, dict) and block.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str)).strip()


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


def is_usable(file: Path) -> bool:
    """Return whether it has a message: without one `--resume` and `--session-id` refuse it."""
    return any(True for _message in _messages(file))


def directory_of(file: Path) -> Path | None:
    """Return where the conversation in *file* was begun; None if its messages don't say that."""
    places = (str(record["cwd"]) for record in _messages(file) if isinstance(record.get("cwd"), str))
    return next((Path(live.real_path(place)) for place in places), None)


def last_used(file: Path) -> float:
    """Return when *file* was last written, in seconds since 1970; 0 when it is gone."""
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def directory_name(path: Path) -> str:
    """Return the name that Claude Code gives to the directory for conversations that were started in *path*."""
    encoded = files.composed(os.path.realpath(path)).encode("utf-16-le", "surrogatepass")
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


def _is_of_worktree(file: Path, worktree: Path) -> bool:
    """Return whether a person started it in *worktree*: several paths share a directory, and scripts use it too."""
    for record in _messages(file):
        place = Path(live.real_path(str(record.get("cwd", worktree))))
        is_script = str(record.get("entrypoint", "")).startswith("sdk")
        return not is_script and place.is_relative_to(os.path.realpath(worktree))
    return False


def _messages(file: Path, tail: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the messages in *file*, or those in its last *tail* bytes."""
    try:
        with file.open("rb") as lines:
            if tail and file.stat().st_size > tail:
                lines.seek(-tail, os.SEEK_END)
                lines.readline()
            for line in lines:
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(record, dict) and record.get("type") in ("user", "assistant"):
                    yield record
    except OSError:
        return
