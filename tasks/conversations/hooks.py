"""What Claude Code tells us as it happens: each hook touches a file, whose time is when that happened.

They say since when something is so, never what is so: a hook that is missed or late must not make us lie.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from ..model import Session

# Every version knows these; an unknown one could make it refuse the settings.
_EVENTS = ("SessionStart", "UserPromptSubmit", "Notification", "Stop")
_WAITING = "permission_prompt|worker_permission_prompt|elicitation_dialog|agent_needs_input"


def settings(session: Session) -> str:
    """Return the settings, as JSON, that make a conversation of *session* tell."""
    return json.dumps({"hooks": {event: [_hook(session, event)] for event in _EVENTS}})


def pending(session: Session) -> Path:
    """Return the file with the prompt that is not submitted yet."""
    return session.private / "prompt"


def happened(session: Session) -> dict[str, float]:
    """Return when each event happened last."""
    found = {}
    for event in _EVENTS:
        try:
            found[event] = (session.private / event).stat().st_mtime
        except OSError:
            continue
    return found


def since(session: Session, state: str, started: float) -> float:
    """Return when the conversation that runs since *started* came into *state*; 0 when no hook told."""
    told = {event: at for event, at in happened(session).items() if at >= started - 1}
    prompted = told.get("UserPromptSubmit", 0.0)
    ended = max(told.get("Stop", 0.0), told.get("SessionStart", 0.0))
    if state == "working":
        return prompted if prompted >= told.get("Stop", 0.0) else 0.0
    if state == "waiting":
        asked = told.get("Notification", 0.0)
        return asked if asked >= max(prompted, ended) else 0.0
    return ended if state == "idle" and ended >= prompted else 0.0


def _hook(session: Session, event: str) -> dict[str, object]:
    """Never fails: the exit code 2 of a hook would refuse the prompt."""
    line = f"touch {shlex.quote(str(session.private / event))}"
    if event == "UserPromptSubmit":
        line = f"rm -f {shlex.quote(str(pending(session)))}; {line}"
    if event == "Notification" and session.agent.notify:
        line = f"{line}; {session.agent.notify}"
    hook: dict[str, object] = {"hooks": [{"type": "command", "command": f"{{ {line}; }} >/dev/null 2>&1 || true"}]}
    return {"matcher": _WAITING, **hook} if event == "Notification" else hook
