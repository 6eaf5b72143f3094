"""The conversations that are open on this machine: Claude Code's own files say it, or its command where it has none."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from ..model import DEFAULT_CONFIG, Agent
from ..system import shape, shell

PATIENCE = 4.0  # seconds for an answer of the command; it takes a third of one
_STARTING = 10.0  # seconds in which one that has just begun has noted no state yet
_PAUSE = 60.0  # seconds until one that did not answer is asked again
_MOST = 1e14  # larger numbers are not a time that a calendar has
_STATES = {"busy": "working", "shell": "idle", "waiting": "waiting", "idle": "idle"}
_FORM = shape.fields_form({"pid": shape.NUMBER, "sessionId": shape.TEXT, "cwd": shape.TEXT, "kind": shape.TEXT})


class Live(NamedTuple):
    """A conversation that is open in the process *pid*, with its id and working directory."""

    identity: str
    directory: str
    pid: int
    state: str  # working, waiting, idle or unknown
    waiting_for: str
    started: float  # seconds since 1970
    since: float = 0.0  # when it came into that state; 0 when that is not known
    has_tasks: bool = False  # shells run on in the background
    job: str = ""  # the id under which it runs in the background, or under which this one was moved there
    in_background: bool = False


def config_directory(agent: Agent) -> Path:
    """Return where Claude Code keeps its conversations, and a file for each that is open."""
    return Path(agent.config or os.environ.get("CLAUDE_CONFIG_DIR") or DEFAULT_CONFIG).expanduser()


def config_dir_variable(agent: Agent) -> str:
    """Return CLAUDE_CONFIG_DIR for that; "" for not set, which Claude Code treats differently from the default."""
    directory = config_directory(agent)
    return str(directory) if directory != Path(DEFAULT_CONFIG).expanduser() else ""


def list_live(agent: Agent, ask: bool = True) -> list[Live] | None:
    """Return the open conversations of *agent*; None when that can't be known.

    Claude Code's command costs half a second of processor time, so only a version without the files is asked, and
    only if *ask*.
    """
    conversations = _read_files(config_directory(agent) / "sessions")
    return _ask_command(agent) if conversations is None and ask else conversations


def _read_files(directory: Path) -> list[Live] | None:
    """Return the conversations in the files of *directory*; None without them, or when their form is another one."""
    conversations = []
    try:
        files = [file for file in directory.iterdir() if file.suffix == ".json" and file.stem.isdecimal()]
    except OSError:
        return None
    for file in files:
        start = _process_start(int(file.stem))
        if start is None:
            continue
        try:
            record = json.loads(file.read_bytes())
        except FileNotFoundError:
            continue  # it has just ended
        except (OSError, ValueError, RecursionError):
            return None
        if not shape.fits(record, _FORM):
            return None
        if _is_same_process(record, start):
            conversations.append(_parse_live(record))
            if "status" not in record and time.time() - conversations[-1].started > _STARTING:
                return None
    return [live for live in conversations if live.identity]


def _process_start(pid: int) -> str | None:
    """Return when the process *pid* was started, in the system's clock ticks; "" where /proc says nothing of any."""
    if sys.platform != "linux":
        import psutil

        return "" if psutil.pid_exists(pid) else None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _is_same_process(record: dict[str, Any], start: str) -> bool:
    """Return whether the process that has the pid of *record* is the one that wrote it."""
    noted = str(record.get("procStart") or "")
    if start and noted.isdecimal():
        return start == noted
    import psutil

    try:
        began = psutil.Process(int(record["pid"])).create_time()
    except psutil.Error:
        return False
    return began <= _number(record, "startedAt") / 1000 + 2  # a process that got the number later began later


def _ask_command(agent: Agent) -> list[Live] | None:
    """Return what `claude agents --json` says; None when it is not installed, too old, or silent."""
    environment = shell.pristine_environment()
    environment.pop("CLAUDE_CONFIG_DIR", None)
    if directory := config_dir_variable(agent):
        environment["CLAUDE_CONFIG_DIR"] = directory
    from . import silence

    program = os.path.expanduser(agent.command)
    output = silence.ask_unless_silent(PATIENCE, _PAUSE, program, "agents", "--json", env=environment)
    try:
        records = shape.parse_json(output or "", shape.list_form(lambda _value, _place: ""), program)
    except shape.ShapeError:
        return None
    return [_parse_live(record) for record in records if isinstance(record, dict)]


def _number(record: dict[str, Any], key: str) -> float:
    value = float(record[key]) if shape.fits(record.get(key), shape.NUMBER) else 0.0
    return value if 0 <= value < _MOST else 0.0


def _text(record: dict[str, Any], key: str, default: str = "") -> str:
    return str(record[key]) if shape.fits(record.get(key), shape.TEXT) else default


def _parse_live(record: dict[str, Any]) -> Live:
    """Return the conversation of a *record*; a field of another version's form hides none."""
    status, kind = _text(record, "status"), _text(record, "kind")
    is_named_by_job = _text(record, "name", "-") == _text(record, "jobId") and "agent" in record  # so in 2.1.197
    is_spare = record.get("spare") is True or is_named_by_job  # an empty one, kept ready
    return Live(
        identity="" if is_spare else _text(record, "sessionId"),
        directory=real_path(_text(record, "cwd", "/")),
        pid=int(_number(record, "pid")),
        state=_STATES.get(status, "unknown"),
        waiting_for=_text(record, "waitingFor") if status == "waiting" else "",
        started=_number(record, "startedAt") / 1000,
        since=_number(record, "statusUpdatedAt") / 1000,
        has_tasks=status == "shell",
        job=_text(record, "jobId") or _text(record, "parkedJobId") or _text(record, "id"),
        in_background=kind in ("bg", "background"),
    )


def real_path(path: str) -> str:
    """Return *path*, which Claude Code wrote, without links; empty when it is not a path."""
    try:
        return os.path.realpath(path)
    except ValueError:
        return ""
