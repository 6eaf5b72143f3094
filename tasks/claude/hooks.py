"""The hooks of a session's conversation, and the files in which they note what happened in it."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..model import Session
from ..system.patterns import late_pattern

# Every version knows the first four. One that doesn't know an event may refuse all of the settings.
_EVENTS = ("SessionStart", "UserPromptSubmit", "Notification", "Stop")
_LATER = ("PermissionRequest", "StopFailure")
_KNOWS_LATER = (2, 1, 78)
_WAITING = "permission_prompt|worker_permission_prompt|elicitation_dialog|agent_needs_input"
COMMANDS = ("/", "!", "#")  # what begins with one of these, Claude Code does itself: no hook tells of it
_FIRST = 30.0  # seconds in which it takes that
NOTIFIED = {"PermissionRequest": "waiting", "Notification": "waiting", "Stop": "finished", "StopFailure": "failed"}
DESKTOP = "desktop"  # a notification without a command of one's own; the bell reaches a terminal over SSH, too
_DESKTOP = (
    'notify-send -- {name} "$TALLY_WHAT" || osascript -e "on run argv" -e "display notification (item 2 of argv) with'
    ' title (item 1 of argv)" -e "end run" {name} "$TALLY_WHAT"; '
    """printf '\\a' >"$(tmux display-message -p -t "$TMUX_PANE" '#{pane_tty}')\""""
)
_ASKED = ("command", "url", "pattern", "query", "plan", "description")
_UUID = late_pattern(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MEANING = {
    "SessionStart": "idle", "UserPromptSubmit": "working", "Notification": "waiting", "PermissionRequest": "waiting",
    "Stop": "idle", "StopFailure": "failed",
}  # fmt: skip
_MARK = '[ -z "$TMUX_PANE" ] || tmux set-option -w -t "$TMUX_PANE" @tally_state '
_ONLY_MARKED = {"PostToolUse": "working", "SessionEnd": "off"}  # after a permission prompt; when it ends


class Start(NamedTuple):
    """What the hook of the session's own conversation said when that began, was resumed or was cleared."""

    identity: str
    source: str  # startup, resume, clear, compact …
    pid: int  # of Claude Code; 0 when it isn't known
    at: float  # seconds since 1970


def hook_settings(session: Session) -> str:
    """Return the settings, as JSON, with which a conversation of *session* notes its events and stays in its window.

    The agent view would move it to a process that all conversations share, whichever session started that.
    """
    from . import version

    known = version.known_version(session.agent.command)
    events = _EVENTS if known and known < _KNOWS_LATER else (*_EVENTS, *_LATER, *_ONLY_MARKED)
    hooks = {event: [_hook(session, event)] for event in events}
    if "PermissionRequest" in events:  # it says at once what a notification says after six seconds
        hooks["Notification"][0]["matcher"] = _WAITING.replace("permission_prompt|", "", 1)
    return json.dumps({"disableAgentView": True, "hooks": hooks})


def pending_prompt_path(session: Session) -> Path:
    """Return the file with the prompt that the conversation begins with, as long as it is not submitted."""
    return session.private / "prompt"


def awaits_first_prompt(session: Session) -> bool:
    """Return whether Claude Code has only just begun, and takes the prompt that it was started with in a moment.

    No hook tells of one that it carries out itself.
    """
    at = _time(session, "SessionStart")
    if at is None or not 0 <= time.time() - at < _FIRST:
        return False
    try:
        return not pending_prompt_path(session).read_text(encoding="utf-8").lstrip().startswith(COMMANDS)
    except OSError:
        return False


def is_conversation_id(text: object) -> bool:
    """Return whether *text* is the id of a conversation."""
    return isinstance(text, str) and _UUID.fullmatch(text) is not None


def read_start(session: Session) -> Start | None:
    """Return how the conversation of *session* began last; None when no hook said so."""
    record, pid = _read(session, "SessionStart")
    identity, source = record.get("session_id"), record.get("source")
    if not is_conversation_id(identity):
        return None
    if identity == session.forks:  # 2.1.197 says that of a copy
        identity = session.conversation
    return Start(str(identity), str(source or ""), pid, _time(session, "SessionStart") or 0.0)


def conversation_of(session: Session) -> str:
    """Return the id of the conversation of *session*: what its hook said last, else what is in its row."""
    start = read_start(session)
    return start.identity if start else session.conversation


def forget_conversation(session: Session) -> None:
    """Delete what the hooks noted of the conversation of *session*, which gets another one."""
    for event in _MEANING:
        (session.private / event).unlink(missing_ok=True)


def count_tasks(session: Session) -> int:
    """Return how many shells ran on in the background when the last turn ended; 0 when that is not known."""
    tasks = _read(session, "Stop")[0].get("background_tasks")
    running = [task for task in tasks if isinstance(task, dict)] if isinstance(tasks, list) else []
    return sum(task.get("status") == "running" for task in running)


def summarize(record: dict[str, Any]) -> str:
    """Return in a line what Claude Code said with an event: what it asks, why it failed, its last sentence.

    A copy of this function alone runs in the hooks.
    """

    def first(*values: object) -> str:
        texts = [value.strip() for value in values if isinstance(value, str) and value.strip()]
        return "".join(letter if letter.isprintable() else " " for letter in texts[0]) if texts else ""

    event, given = record.get("hook_event_name"), record.get("tool_input")
    if event == "PermissionRequest":
        given = given if isinstance(given, dict) else {}
        keys = ("command", "file_path", "url", "pattern", "query", "plan", "description")
        asked = [each.get("question") for each in given.get("questions") or () if isinstance(each, dict)]
        return f"{first(record.get('tool_name'))} {first(*map(given.get, keys), *asked)}".strip()
    if event == "StopFailure":
        return first(record.get("error"), record.get("last_assistant_message")).replace("_", " ")
    said = first(record.get("last_assistant_message"), record.get("message")).replace("!", ".").replace("?", ".")
    start = said.rstrip(". ").rfind(". ") + 2 if ". " in said.rstrip(". ") else 0
    return first(record.get("last_assistant_message"), record.get("message"))[start:]


Events = Mapping[str, float]  # when each happened last, in seconds since 1970


def read_events(session: Session) -> Events:
    """Return the events of the conversation of *session*."""
    times = ((event, _time(session, event)) for event in (*_EVENTS, *_LATER))
    return {event: at for event, at in times if at is not None}


def read_request(session: Session) -> tuple[str, float]:
    """Return what a permission prompt was last about, as its window shows it, and when; "" where that is not known."""
    given = _read(session, "PermissionRequest")[0].get("tool_input")
    given = given if isinstance(given, dict) else {}
    if isinstance(file := given.get("file_path"), str):
        return Path(file).name, _time(session, "PermissionRequest") or 0.0
    asked = next((given[key] for key in _ASKED if isinstance(given.get(key), str)), "")
    return asked.strip(), _time(session, "PermissionRequest") or 0.0


def _time(session: Session, event: str) -> float | None:
    try:
        return (session.private / event).stat().st_mtime
    except OSError:
        return None


def _since(events: Events, started: float) -> Events:
    return {event: at for event, at in events.items() if at >= started - 1}


def _latest(events: Events) -> str:
    return max(events, key=lambda event: events[event], default="")


def summary_of(session: Session, events: Events, state: str, started: float) -> str:
    """Return what the event said that brought the conversation, which runs since *started*, into *state*."""
    latest = _latest(_since(events, started))
    return summarize(_read(session, latest)[0]) if _MEANING.get(latest) == state else ""


def last_state(events: Events) -> tuple[str, float]:
    """Return the state that the latest event means, and when it happened; "" and 0 when there was none."""
    latest = _latest(events)
    return (_MEANING[latest], events[latest]) if latest else ("", 0.0)


def state_since(events: Events, state: str, started: float) -> float:
    """Return when the conversation that runs since *started* came into *state*; 0 when no hook noted it."""
    times = _since(events, started)
    prompt = times.get("UserPromptSubmit", 0.0)
    end = max(times.get(event, 0.0) for event in ("Stop", "StopFailure", "SessionStart"))
    if state == "working":
        return prompt if prompt >= max(times.get("Stop", 0.0), times.get("StopFailure", 0.0)) else 0.0
    if state == "waiting":
        question = times.get("PermissionRequest", 0.0)
        question = question if question >= max(prompt, end) else times.get("Notification", 0.0)
        return question if question >= max(prompt, end) else 0.0
    return end if state in ("idle", "failed") and end >= prompt else 0.0


def _read(session: Session, event: str) -> tuple[dict[str, Any], int]:
    """Return what Claude Code passed to the hook of *event*, and its process; nothing if the format is unknown."""
    try:
        said, _newline, pid = (session.private / event).read_text(encoding="utf-8").rstrip().rpartition("\n")
        record = json.loads(said)
    except (OSError, ValueError, RecursionError):
        return {}, 0
    return (record if isinstance(record, dict) else {}), int(pid) if pid.isdecimal() and len(pid) < 10 else 0


def summary_script() -> str:
    """Return the program with which a hook gets the `{what}` of a notification."""
    import inspect

    last = "print(summarize(json.loads(open(sys.argv[1], encoding='utf-8').readline()))[:200])"
    return f"import json, sys\nfrom typing import Any\n\n\n{inspect.getsource(summarize)}\n\n{last}\n"


def summary_script_path(session: Session) -> Path:
    """Return the path of that program."""
    return session.private / "summary.py"


def _notify_command(session: Session, event: str) -> str:
    """Return what is run at *event*; a command that doesn't ask for the state is for waiting only, as it always was."""
    command, word = session.agent.notify, NOTIFIED[event]
    if not command or (word != "waiting" and command != DESKTOP and "{state}" not in command):
        return ""
    if command == DESKTOP:
        command = _DESKTOP.replace("{name}", shlex.quote(f"{session.name}: {word}"))
    words = shlex.join([sys.executable, "-IS", str(summary_script_path(session)), str(session.private / event)])
    return f'TALLY_WHAT="$({words})"; {command.replace("{state}", word).replace("{what}", "$TALLY_WHAT")}'


def _hook(session: Session, event: str) -> dict[str, object]:
    """Return a hook that never fails: exit code 2 would refuse the prompt."""
    file = shlex.quote(str(session.private / event))
    line = f'umask 077; {{ cat; echo; echo "$PPID"; }} >{file}.$$ && mv -f {file}.$$ {file}'
    if event == "UserPromptSubmit":  # what the person said is not kept a second time
        line = f"rm -f {shlex.quote(str(pending_prompt_path(session)))}; touch {file}"
    line = f"{line}; {_MARK}{_MEANING[event]}" if event in _MEANING else f"{_MARK}{_ONLY_MARKED[event]}"
    if event in NOTIFIED and (command := _notify_command(session, event)):
        line = f"{line}; {command}"
    hook: dict[str, object] = {"hooks": [{"type": "command", "command": f"{{ {line}; }} >/dev/null 2>&1 || true"}]}
    return {"matcher": _WAITING, **hook} if event == "Notification" else hook
