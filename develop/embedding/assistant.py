"""What an embedded repository can give Claude Code: hooks that make its worktrees sessions, and a skill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from develop.embedding import places
from tasks.system import json_splice

SETTINGS = ".claude/settings.json"
SKILL = ".claude/skills/sessions/SKILL.md"
_SCRIPT = "tasks/claude/worktree_hook.py"
_OWN_SCRIPT = ".claude/hooks/worktree_hook.py"
FILES = (SETTINGS, SKILL, _OWN_SCRIPT)
_PROGRAM = Path(__file__).resolve().parents[2] / _SCRIPT
_PATIENCE = 600  # seconds: setup commands install packages
_EVENTS = ("WorktreeCreate", "WorktreeRemove")
_TEXT = Path(__file__).with_name("skill.md")


def give_to_claude(top: Path, packaged: bool = False) -> list[str]:
    """Add the hooks and the skill to the repository *top*; return a message for each. What is there stays.

    Claude Code runs the hooks with any Python, so where the modules are *packaged* their program comes along.
    """
    script = _OWN_SCRIPT if packaged else _SCRIPT
    program = _write_script(top / _OWN_SCRIPT) if packaged else ""
    said = (program, _add_hooks(top / SETTINGS, script), _write_skill(top / SKILL))
    return [line for line in said if line]


def _write_script(file: Path) -> str:
    content = _PROGRAM.read_bytes()
    if file.exists() and file.read_bytes() == content:
        return ""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return f"Wrote {_OWN_SCRIPT}."


def _hook(script: str) -> dict[str, Any]:
    command = f'python3 "$CLAUDE_PROJECT_DIR"/{script}'
    return {"hooks": [{"type": "command", "command": command, "timeout": _PATIENCE}]}


def _add_hooks(file: Path, script: str) -> str:
    """Add the hooks that are missing to *file*, in its own format; where it can't be added to, show them."""
    try:
        text = file.read_bytes().decode() if file.exists() else "{}\n"
        missing = _missing_events(json.loads(text.removeprefix("\ufeff")), script)
        for event in missing:
            text = json_splice.add_values(text, ("hooks", event), [_hook(script)])
    except (ValueError, TypeError, AttributeError):
        shown = json.dumps({"hooks": {event: [_hook(script)] for event in _EVENTS}}, indent=2)
        return f"Kept {SETTINGS}: it isn't in the form that Claude Code expects. Add this to it:\n\n{shown}"
    if not missing:
        return ""
    verb = "Added hooks to" if file.exists() else "Wrote"
    file.parent.mkdir(parents=True, exist_ok=True)
    places.replace_file(file, text.encode())
    return f"{verb} {SETTINGS}: worktrees that Claude Code creates become sessions."


def _missing_events(settings: dict[str, Any], script: str) -> list[str]:
    """Return the events for which *settings* don't run our *script*."""
    hooks = settings.get("hooks", {})
    return [event for event in _EVENTS if script not in json.dumps(hooks.get(event, []))]


def _write_skill(file: Path) -> str:
    ours = _TEXT.read_text(encoding="utf-8")
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(ours, encoding="utf-8")
        return f"Wrote {SKILL}."
    if file.read_text(encoding="utf-8", errors="replace") == ours:
        return ""
    return f"Kept {SKILL}, which differs from ours. To get the current one, delete it, then run this again."
