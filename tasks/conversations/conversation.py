"""How a session's conversation is begun or continued, decided at every start.

Behaviour of the command line as of Claude Code 2.1.197 to 2.1.329: a transcript exists from the first prompt on;
`--resume` needs one, `--session-id` refuses one, and a transcript without a message is refused by both.
"""

from __future__ import annotations

import functools
import shlex
import uuid
from pathlib import Path

from .. import registry
from ..model import Session
from ..narration import notice
from ..parts import Agent
from . import agents, hooks, note, transcripts

# A process that believes it is another conversation's child saves no transcript.
_MARKERS = ("CLAUDECODE", "CLAUDE_CODE_CHILD_SESSION", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SESSION_ID")
_ENDING = 2.0  # seconds that a process may take to end with its window
_INSTALL = "npm install -g @anthropic-ai/claude-code"


def new_id() -> str:
    """Return an id for a new conversation."""
    return str(uuid.uuid4())


def starter(session: Session) -> Path:
    """Return where the script is that starts the assistant."""
    return session.private / (Path(session.agent.command).name or "agent")


def script(session: Session) -> str:
    """Return the script that starts the assistant of *session* with what it is given beyond the id.

    What is typed into the window stays short, and is the same in every kind of shell.
    """
    agent, program = session.agent, shlex.quote(session.agent.command)
    directory = transcripts.variable(agent)
    mend = f"{_INSTALL}; then: " if agent.is_claude else "install it, or configure `claude: {command: …}`; then: "
    told = f"{agent.command} is not installed or not on PATH: {mend}inv session.resume {session.name}"
    lines = [
        "#!/bin/sh", f"# Starts the conversation of the session {session.name}; written anew at every start.",
        f"unset {' '.join(_MARKERS)} CLAUDE_CONFIG_DIR",
        *([f"export CLAUDE_CONFIG_DIR={shlex.quote(directory)}"] if directory else []),
        f"command -v {program} >/dev/null || {{ echo {shlex.quote(told)} >&2; exit 127; }}",
        *([f'set -- "$@" {shlex.join(words)}'] if (words := _given(session)) else []),
        f"prompt={shlex.quote(str(hooks.pending(session)))}",
        f'if [ -s "$prompt" ]; then set -- "$@" {"-- " if agent.is_claude else ""}"$(cat "$prompt")"; fi',
        f'exec {program} "$@"',
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _given(session: Session) -> list[str]:
    """Return the configured arguments, our note and our hooks; who configures one of these two flags gets that."""
    words = list(session.agent.args)
    if session.agent.is_claude:
        own = {word.partition("=")[0] for word in words}
        if session.agent.note and not own & {"--append-system-prompt", "--append-system-prompt-file"}:
            words += ["--append-system-prompt", note.text(session)]
        if "--settings" not in own:
            words += ["--settings", hooks.settings(session)]
    return words


def command(session: Session) -> str:
    """Return the shell command that continues the conversation of *session*, or begins it; "" if it is open elsewhere.

    The row gets the id that it goes on under, when that is another.
    """
    arguments: list[str] | None = []
    if session.agent.is_claude:
        fresh = session.state == "adding" and not session.archive  # nobody can have used its id yet
        arguments = _beginning(session, session.conversation) if fresh else _continuing(session)
    return "" if arguments is None else shlex.join(["sh", str(starter(session)), *arguments])


def _continuing(session: Session) -> list[str] | None:
    known = transcripts.of(session)
    usable = [file for file in known if transcripts.usable(file)]
    later = transcripts.later(session, usable)
    identity = later[0].stem if later else session.conversation
    begun = bool(later or usable)
    if not identity or (known and not begun):
        identity = new_id()
    for live in _open(session.agent):
        if live.identity == identity and agents.stays(live, _ENDING):
            where = f"process {live.pid} in {live.directory}"
            notice(f"{session.name}: its conversation is open already, by {where}; its window stays empty")
            return None
    if identity != session.conversation:
        registry.note(session.repository, session.name, conversation=identity)
    if begun:
        hooks.pending(session).unlink(missing_ok=True)  # said already
    if later:
        others = [file.stem for file in (*later[1:], *usable)]
        also = f"; others there: claude --resume {', '.join(others)}" if others else ""
        notice(f"{session.name}: the conversation last used in its worktree goes on, {identity}{also}")
    return ["--resume", identity] if begun else _beginning(session, identity)


def _beginning(session: Session, identity: str) -> list[str]:
    return ["--session-id", identity, "-n", session.tmux]


@functools.cache
def _open(agent: Agent) -> list[agents.Live]:
    """Ask once for all sessions of a task; who cannot be asked has nothing open."""
    return agents.running(agent) or []
