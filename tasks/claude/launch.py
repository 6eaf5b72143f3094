"""How a conversation is started or continued, and the note that it gets."""

from __future__ import annotations

import functools
import os
import shlex
import shutil
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from .. import model
from ..config.placeholders import expand_placeholders
from ..model import Agent, Session
from ..store import registry
from ..system.patterns import late_pattern
from ..system.progress import notice
from ..tools import tmux
from . import hooks, live

_KEY = "claude.note"
_WORD = late_pattern(r"(?<![\${])\{([A-Za-z_]\w*)\}")
_KNOWN = (
    "name slug project branch worktree main component profile tmux urls values activate own shared later".split()
)  # and each port  # fmt: skip


def check_note(template: str, ports: Iterable[str]) -> None:
    """Raise `SessionError` for a placeholder that no session will have."""
    expand_placeholders(template, dict.fromkeys([*_KNOWN, *ports], ""), _KEY)


def note_text(session: Session) -> str:
    """Return the note for *session* as it is now, without the lines about something that it does not have."""
    facts = _facts(session)
    lines = [
        expand_placeholders(line, facts, _KEY)
        for line in session.agent.note.splitlines()
        if all(facts.get(word, "?") for word in _WORD.findall(line))
    ]
    return "\n".join(lines).strip()


def _facts(session: Session) -> dict[str, str]:
    top = session.worktree
    own = [path for path in session.copy if (top / path).exists() and not (top / path).is_symlink()]
    values = [f"{', '.join(names)} in {file}" for file, names in session.env.items() if (top / file).exists()]
    windows = tmux.present_windows(session)
    urls = ", ".join(f"{what} {url}" for what, url in model.list_addresses(session, windows))
    later = ", ".join(window.name for window in windows if window.is_lazy)
    if urls and later:  # not a line of the note: rows from before have that as it was
        urls += f"; {later} starts when somebody attaches, or with: inv session.start {session.name}"
    return {
        **{key: str(port) for key, port in session.ports.items()},
        "name": session.name, "slug": session.slug, "project": session.project, "branch": session.branch,
        "worktree": str(top), "main": str(session.repository.main), "component": session.component,
        "profile": session.profile,
        "tmux": session.tmux, "activate": session.activate, "own": ", ".join(own), "values": "; ".join(values),
        "urls": urls, "later": later,
        "shared": ", ".join(path for path in session.link if (top / path).is_symlink()),
    }  # fmt: skip


# A process with these takes itself for a child of another conversation, and saves no transcript.
_MARKERS = ("CLAUDECODE", "CLAUDE_CODE_CHILD_SESSION", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SESSION_ID")
_KNOWS_SNAPSHOT = (2, 1, 332)  # an earlier one may refuse the flag; 2.1.197 does
_ENDING = 2.0  # seconds until a process ends whose window was closed
INSTALL = "npm install -g @anthropic-ai/claude-code"


def new_conversation_id() -> str:
    """Return an id for a new conversation."""
    number = bytearray(os.urandom(16))  # as `uuid.uuid4` does, whose module takes a hundredth of an `add` to load
    number[6], number[8] = number[6] & 0x0F | 0x40, number[8] & 0x3F | 0x80
    return "-".join(number[start:end].hex() for start, end in pairwise((0, 4, 6, 8, 10, 16)))


def start_script_path(session: Session) -> Path:
    """Return the path of the script that starts the assistant."""
    return session.private / (Path(session.agent.command).name or "agent")


def missing_program(session: Session) -> str:
    """Return that the program of the conversation in *session* can't be found, and what to do; "" if it can."""
    command = session.agent.command
    if not session.converses or shutil.which(command):
        return ""
    advice = f"Run: {INSTALL}" if session.agent.is_claude else "Install it, or configure another one: `claude`."
    return f"{command} is not installed, or not on PATH.\n{advice}"


def start_script(session: Session) -> str:
    """Return the script that starts the assistant of *session*, with all of its arguments but the id.

    So what is typed into the window is short, and the same in every shell.
    """
    agent, program = session.agent, shlex.quote(session.agent.command)
    directory = live.config_dir_variable(agent)
    install = INSTALL if agent.is_claude else "install it, or configure `claude: {command: …}`"
    missing = f"{agent.command} is not installed, or not on PATH. Run: {install}; inv session.resume {session.name}"
    lines = [
        "#!/bin/sh", f"# Starts the conversation of the session {session.name}; written again at every start.",
        f"unset {' '.join(_MARKERS)} CLAUDE_CONFIG_DIR",
        *([f"export CLAUDE_CONFIG_DIR={shlex.quote(directory)}"] if directory else []),
        f"command -v {program} >/dev/null || {{ echo {shlex.quote(missing)} >&2; exit 127; }}",
        *([f'set -- "$@" {shlex.join(words)}'] if (words := _arguments(session)) else []),
        f"prompt={shlex.quote(str(hooks.pending_prompt_path(session)))}",
        *(_late_decision(agent) if agent.is_claude else []),
        f'if [ -s "$prompt" ]; then set -- "$@" {_before_prompt(agent)}"$(cat "$prompt")"; fi',
        f'exec {program} "$@"',
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _late_decision(agent: Agent) -> list[str]:
    """Return the lines that look once more whether the conversation that is to begin has a transcript by now.

    One that is just being closed may write its own after we looked, and Claude Code refuses to begin what has one.
    """
    projects = shlex.quote(str(live.config_directory(agent) / "projects"))
    return [
        f'if [ "$1" = --session-id ]; then id=$2 seen=; for file in {projects}/*/"$2.jsonl"; do',
        '    [ -f "$file" ] || continue',
        "    seen=yes  # one without a message can't be continued either: Claude Code chooses another id",
        """    grep -Eq '"type": ?"(user|assistant)"' "$file" || continue""",
        '    shift 2; set -- --resume "$id" "$@"; prompt= seen=',
        "    break",
        'done; if [ "$seen" ]; then shift 2; fi; fi',
    ]


def _before_prompt(agent: Agent) -> str:
    words = ["--"] if agent.is_claude else agent.prompt
    return "".join(f"{shlex.quote(word)} " for word in words)


def _arguments(session: Session) -> list[str]:
    """Return the configured arguments, our note and our hooks; a configured flag for one of these wins."""
    words = list(session.agent.args)
    if session.agent.is_claude:
        own = {word.partition("=")[0] for word in words}
        if session.agent.note and not own & {"--append-system-prompt", "--append-system-prompt-file"}:
            words += ["--append-system-prompt", note_text(session)]
            words += _fresh_note(session) if "--system-prompt-snapshot" not in own else []
        if "--settings" not in own:
            words += ["--settings", hooks.hook_settings(session)]
    return words


def _fresh_note(session: Session) -> list[str]:
    """Return the arguments without which a conversation that goes on keeps the note that it began with."""
    if session.state == "adding" and not (session.archive or session.is_taken):
        return []
    from . import version

    known = version.session_version(session)
    return ["--system-prompt-snapshot", "off"] if known and known >= _KNOWS_SNAPSHOT else []


def conversation_command(session: Session) -> str:
    """Return the shell command that continues the conversation of *session*, or starts it; "" if it is open elsewhere.

    When it continues under another id, the row gets that.
    """
    arguments: list[str] | None = []
    if session.agent.is_claude:
        is_new = session.state == "adding" and not (session.archive or session.is_taken)  # else its id may be in use
        arguments = _first_arguments(session, session.conversation) if is_new else _continue_arguments(session)
    else:
        arguments = _other_arguments(session)
    return "" if arguments is None else shlex.join(["sh", str(start_script_path(session)), *arguments])


def _other_arguments(session: Session) -> list[str]:
    """Return the arguments that begin, fork or continue the conversation of another assistant than Claude Code."""
    from . import other_agents

    agent, is_new = session.agent, session.state == "adding" and not session.archive
    identity = "" if is_new else other_agents.find_conversation(session)
    if identity and identity != session.conversation:
        registry.note_facts(session.repository, session.name, conversation=identity)
    words = agent.resume if identity else agent.fork if session.forks and agent.fork else agent.begin
    known = {"{id}": identity or session.conversation, "{from}": session.forks, "{worktree}": str(session.worktree)}
    return [functools.reduce(lambda text, each: text.replace(each, known[each]), known, word) for word in words]


def _continue_arguments(session: Session) -> list[str] | None:
    from . import state, transcripts

    before, session = session.conversation, session._replace(conversation=hooks.conversation_of(session))
    if not session.conversation:  # another tool made it, and noted no conversation
        session = session._replace(conversation=transcripts.last_conversation(session))
    own = transcripts.session_transcripts(session)
    usable = [file for file in own if transcripts.is_usable(file)]
    identity = session.conversation
    if not identity or (own and not usable):
        identity = new_conversation_id()
    for other in _open(session.agent):
        if other.identity == identity and state.stays_alive(other, _ENDING):
            process = f"process {other.pid} in {other.directory}"
            notice(f"The conversation of {session.name} is already open, in {process}. Its window stays empty.")
            return None
    title = _note_conversation(session, identity)
    if before not in ("", session.conversation):
        notice(f"{session.name} continues the conversation after /clear. The one before it: claude --resume {before}")
    for line in transcripts.resume_notes(session, usable):
        notice(line)
    if not usable:
        return _first_arguments(session, identity)
    hooks.pending_prompt_path(session).unlink(missing_ok=True)  # it was sent
    return ["--resume", identity, *title]


def _note_conversation(session: Session, identity: str) -> list[str]:
    """Note that *identity* goes on, and return the arguments that tell it that its session was renamed."""
    renamed = registry.read_registry(session.repository).get(session.name, {}).get("retitle")
    facts = {"retitle": ""} if renamed else {}
    registry.note_facts(session.repository, session.name, conversation=identity, **facts)
    return ["-n", session.tmux] if renamed else []


def _first_arguments(session: Session, identity: str) -> list[str]:
    """Return the arguments that begin the conversation *identity*: a new one, or a copy of the one that it forks."""
    start = ["--session-id", identity, "-n", session.tmux]
    if not session.forks:
        return start
    from . import transcripts

    original = transcripts.session_transcripts(session._replace(conversation=session.forks))
    if any(map(transcripts.is_usable, original)):
        return ["--resume", session.forks, "--fork-session", *start]
    notice(f"The conversation {session.forks} is gone, so {session.name} starts a new one.")
    return start


@functools.cache
def _open(agent: Agent) -> list[live.Live]:
    """Return the open conversations, asked for once in a task; none when that is not known."""
    return live.list_live(agent) or []
