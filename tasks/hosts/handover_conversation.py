"""The conversation of a session that moves: its transcript goes along, and one id has one history."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..claude import hooks, launch, live, transcripts
from ..model import Agent, Session
from ..store import archive, registry
from ..system import files as system_files
from ..system.rooted import Root

_PLACE = "conversation"  # in the archive


def transcript_entries(session: Session) -> list[tuple[str, str]]:
    """Return what there is of the conversation of *session*, by its place in the archive: none before it has begun."""
    file = _transcript(session)
    if file is None:
        return []
    beside = file.with_suffix("")  # the transcripts of its subagents
    places = [file, *([beside] if beside.is_dir() else [])]
    return [(f"archive/{_PLACE}/{place.name}", str(place)) for place in places]


def _transcript(session: Session) -> Path | None:
    if not session.agent.is_claude:
        return None
    now = session._replace(conversation=hooks.conversation_of(session))
    usable = [file for file in transcripts.session_transcripts(now) if transcripts.is_usable(file)]
    return max(usable, key=transcripts.last_used, default=None)


def describe_conversation(session: Session) -> dict[str, str]:
    """Return the id of the conversation of *session*; with why it does not go along, where another program keeps it."""
    other = "" if session.agent.is_claude or not session.converses else session.agent.command
    return {"conversation": "" if other else hooks.conversation_of(session), "kept_by": other}


class Arrival(NamedTuple):
    """What the row of a session that arrives says of its conversation, and what a person should know of that."""

    facts: registry.Row
    note: str = ""


def plan_arrival(place: Path, row: registry.Row, sent: dict[str, Any]) -> Arrival:
    """Return what comes of the conversation of which *place* has the transcript, if there is one.

    It keeps its id unless a transcript here has that with another history.
    """
    identity, name = str(sent.get("conversation", row.get("conversation", ""))), sent["slug"]
    if program := sent.get("kept_by", ""):
        note = f"The conversation of {name} stays on the other host, where {program} keeps it. A new one begins here."
        return Arrival({"conversation": launch.new_conversation_id()}, note)
    if not hooks.is_conversation_id(identity):
        return Arrival({"conversation": identity})
    arrived = place / _PLACE / f"{identity}.jsonl"
    others = _others(row, identity)
    if all(arrived.exists() and _continues(arrived, other) for other in others):
        size = arrived.stat().st_size if arrived.exists() else 0
        return Arrival({"conversation": identity, "transcript": [str(_directory(row) / arrived.name), size]})
    note = f"A transcript on this host has the id of {name}'s conversation, {identity}, and another history."
    return Arrival({"conversation": launch.new_conversation_id()}, f"{note} A new conversation begins.")


def place_transcript(saved: archive.Archive) -> None:
    """Put the transcript in the archive *saved* where Claude Code looks for it."""
    target, size = [*saved.facts["row"].get("transcript", []), "", 0][:2]
    if not size:
        return
    file, source = Path(target), saved.directory / _PLACE
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    Root(file.parent).write(file.name, (source / file.name).read_bytes(), mode=0o600)
    status = (source / file.name).stat()
    os.utime(file, ns=(status.st_mtime_ns, status.st_mtime_ns))
    if (source / file.stem).is_dir():
        shutil.copytree(source / file.stem, file.with_suffix(""), dirs_exist_ok=True)
    for other in _others(saved.facts["row"], file.stem):
        if other.parent != file.parent and _continues(
            file, other
        ):  # of an earlier stay in another directory: all of it has arrived again
            other.unlink()


def take_back_transcript(row: registry.Row) -> None:
    """Delete the transcript that came with the session of *row*, unless it was written to since."""
    target, size = [*row.get("transcript", []), "", 0][:2]
    with suppress(FileNotFoundError):
        if size and os.stat(target).st_size == size:
            os.unlink(target)
            shutil.rmtree(Path(target).with_suffix(""), ignore_errors=True)


def fork_copy(saved: archive.Archive, identity: str) -> None:
    """Have a restore of *saved*, of a session that moved on, begin a copy of the conversation *identity*."""
    if not hooks.is_conversation_id(identity):
        return
    saved.facts["row"] |= {"forks": identity, "conversation": launch.new_conversation_id()}
    system_files.write_whole(saved.directory / "row.json", json.dumps(saved.facts, indent=2) + "\n", mode=0o600)


def _others(row: registry.Row, identity: str) -> list[Path]:
    return sorted(_projects(row).glob(f"*/{identity}.jsonl"))


def _continues(arrived: Path, other: Path) -> bool:
    """Return whether *arrived* begins with all of *other*, as when the session was here before."""
    size = other.stat().st_size
    with arrived.open("rb") as new, other.open("rb") as old:
        while block := old.read(1 << 20):
            if new.read(len(block)) != block:
                return False
    return arrived.stat().st_size >= size


def _projects(row: registry.Row) -> Path:
    return live.config_directory(Agent(config=str(row.get("agent", {}).get("config", "")))) / "projects"


def _directory(row: registry.Row) -> Path:
    return _projects(row) / transcripts.directory_name(Path(row["worktree"]))
