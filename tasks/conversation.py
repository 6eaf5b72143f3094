"""The command that begins or continues a session's conversation.

Behaviour of the command line as of Claude Code 2.1.197 to 2.1.329: a transcript exists from the first prompt on;
`--resume` needs one, `--session-id` refuses one, and a transcript without a message is refused by both.
"""

from __future__ import annotations

import json
import os
import shlex
import uuid
from pathlib import Path

from . import registry
from .model import Session

# A process that believes it is another conversation's child saves no transcript.
_MARKERS = ("CLAUDECODE", "CLAUDE_CODE_CHILD_SESSION", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SESSION_ID")


def new_id() -> str:
    """Return an id for a new conversation."""
    return str(uuid.uuid4())


def config_directory() -> Path:
    """Return where Claude Code keeps its conversations."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or "~/.claude").expanduser()


def command(session: Session) -> str:
    """Return the shell command that continues the conversation of *session*, or begins it.

    A conversation whose transcript is unusable, or that has no id yet, gets a new one in its row.
    """
    found = _transcripts(session.conversation)
    identity = session.conversation
    if any(_usable(transcript) for transcript in found):
        arguments = ["--resume", identity]
    else:
        if found or not identity:
            identity = new_id()
            registry.note(session.repository, session.name, conversation=identity)
        arguments = ["--session-id", identity, "-n", session.tmux]
    scrubbed = [word for marker in _MARKERS for word in ("-u", marker)]
    inherited = [f"CLAUDE_CONFIG_DIR={config_directory()}"] if os.environ.get("CLAUDE_CONFIG_DIR") else []
    return shlex.join(["env", *scrubbed, *inherited, "claude", *arguments])


def _transcripts(identity: str) -> list[Path]:
    return list((config_directory() / "projects").glob(f"*/{identity}.jsonl")) if identity else []


def _usable(transcript: Path) -> bool:
    try:
        with transcript.open(encoding="utf-8", errors="replace") as lines:
            return any(_is_message(line) for line in lines)
    except OSError:
        return False


def _is_message(line: str) -> bool:
    try:
        record = json.loads(line)
    except ValueError:
        return False
    return isinstance(record, dict) and record.get("type") in ("user", "assistant")
