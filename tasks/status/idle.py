"""Sessions that were not used for a while: no client attached, no new output, no editor open, Claude not working."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from ..errors import CommandError
from ..model import Session
from ..system import processes, shell
from ..system.patterns import late_pattern
from ..system.progress import say
from ..tools import tmux
from . import session_status
from .session_status import Status

if TYPE_CHECKING:
    import psutil

_BUSY = ("working", "waiting", "unknown")  # of a conversation: what it is doing, or asks, would be lost
RUNS = ("running", "partial")
# Programs that may hold what somebody typed and did not save, also in a window whose server was ended.
_TYPED_IN = frozenset(
    "ed emacs ex helix hx joe kak less man micro mcedit nano ne nvim pico vi vim vim.basic vim.tiny view"
    " bpython gdb iex ipython irb lldb mongosh mysql pdb pry psql redis-cli sqlite3".split()
)
_INTERPRETERS = ("python", "node", "ruby", "php", "lua")
_NO_SERVER = late_pattern(r"no server running|error connecting to .*\(No such file or directory\)")


class Rest(NamedTuple):
    """How a session was left: since when nothing happened in it, and what speaks against ending it."""

    session: Session
    state: str
    at: float  # 0 where that is not known
    busy: str  # what its Claude does, in which it must not be interrupted
    opened: str  # a program that a person started in it, also one that is suspended or in the background

    @property
    def since(self) -> str:
        """Since when, for people."""
        return datetime.fromtimestamp(self.at).strftime("%Y-%m-%d %H:%M") if self.at else "its start"


def find_rests(sessions: Sequence[Session]) -> list[Rest]:
    """Return how each of *sessions* was left."""
    used, opened = _last_uses(), _find_opened(sessions)
    rests = []
    for status in session_status.session_statuses(sessions, sessions[0].repository) if sessions else ():
        at = max(used.get(status.session.tmux, 0.0), _since(status))
        busy = status.talk.state if status.talk.state in _BUSY else ""
        rests.append(Rest(status.session, status.state, at, busy, opened.get(status.session.name, "")))
    return rests


def find_idle(sessions: Sequence[Session], seconds: float) -> list[Session]:
    """Return those of *sessions* that run and were idle for *seconds*; print since when."""
    idle = []
    for rest in find_rests(sessions):
        if not _is_idle(rest, seconds):
            continue
        if use := _describe_use(rest):
            say(f"{rest.session.name} has been idle since {rest.since}, but {use} in it. It isn't stopped.")
            continue
        say(f"{rest.session.name} has been idle since {rest.since}.")
        idle.append(rest.session)
    if not idle:
        say("No session has been idle for that long.")
    return idle


def is_still_idle(session: Session, seconds: float) -> bool:
    """Return whether *session*, which was found idle for *seconds*, still is; print it if not.

    Another command may have stopped it, or somebody begun to use it, while others were being stopped.
    """
    (rest,) = find_rests([session])
    if _is_idle(rest, seconds) and not _describe_use(rest):
        return True
    fact = "is in use again. It isn't stopped" if rest.state in RUNS else "was stopped by another command"
    say(f"{session.name} {fact}.")
    return False


def _is_idle(rest: Rest, seconds: float) -> bool:
    return rest.state in RUNS and not rest.busy and time.time() - rest.at >= seconds


def _describe_use(rest: Rest) -> str:
    """Return what of a person's would end with the session: a program that is open, or a command that runs."""
    command = "" if rest.opened else running_command(rest.session)
    return f"{rest.opened} is open" if rest.opened else command and f"{command} runs"


def _find_opened(sessions: Sequence[Session]) -> dict[str, str]:
    """Return by session a program that a person started in it, as an editor: what a stop would end."""
    if not sessions:
        return {}
    panes = _list_panes()
    terminals = {pane.tty: pane.tmux for pane in panes}
    programs, foreground = list(terminal_programs(sessions, panes)), _open_in(panes)
    found = dict[str, str]()
    for session in sessions:
        own = {window.name for window in session.windows if window.run or window.claude}
        pids = {process.pid for process in processes.session_processes(session)}
        names = (
            *(program for place, window, program in foreground if place == session.tmux and window not in own),
            *(name for process, tty, name in programs if process.pid in pids or terminals.get(tty) == session.tmux),
        )  # fmt: skip
        found[session.name] = next(iter(names), "")
    return found


def running_command(session: Session) -> str:
    """Return a program of *session* that no window of its tmux session started, as `run` does; empty for none."""
    import psutil

    for process in processes.session_processes(session):
        with suppress(psutil.Error, OSError):
            if "TMUX" not in process.environ():
                return process.name()
    return ""


def terminal_programs(
    sessions: Sequence[Session], panes: Sequence[_Pane] | None = None
) -> Iterator[tuple[psutil.Process, str, str]]:
    """Yield the programs in any terminal of this account, its name, and theirs; suspended and background ones, too.

    In the windows of servers of *sessions*, only what a person types in or has suspended counts. The *panes* of tmux
    are asked for unless they are known.
    """
    import psutil

    servers = _server_terminals(sessions, _list_panes() if panes is None else panes)
    for process, _around in own_processes():
        with suppress(psutil.Error, OSError):
            name, place = process.name(), process.terminal()
            is_stopped = process.status() == psutil.STATUS_STOPPED
            is_quiet = name.lstrip("-") in tmux.SHELLS or name.startswith("tmux")
            is_server = place in servers and not (name in _TYPED_IN or _is_bare(process))
            if place and (is_stopped or not (is_quiet or is_server)):
                yield process, place, name


def _is_bare(process: psutil.Process) -> bool:
    """Return whether it is an interpreter that was started with nothing to run: a person types in it."""
    return process.name().startswith(_INTERPRETERS) and len(process.cmdline()) == 1


def own_processes() -> Iterator[tuple[psutil.Process, dict[str, str]]]:
    """Yield the processes of this account but us and those that we run in, each with its environment."""
    import psutil

    spared = {os.getpid(), *(each.pid for each in psutil.Process().parents())}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid in spared or process.uids().real != os.getuid():
                continue
            around = process.environ()
            if around.get("HOME") == os.environ.get("HOME") and process.status() != psutil.STATUS_ZOMBIE:
                yield process, around


class _Pane(NamedTuple):
    """A pane of tmux: its terminal, its tmux session, its window as we call it, and the program in it."""

    tty: str
    tmux: str
    window: str
    program: str


def _list_panes() -> list[_Pane]:
    form = "|#{pane_tty}|#{session_name}|#{@tally_window}|#{pane_current_command}"
    lines = re.split(r"\n(?=\|)", "\n".join(_ask_tmux("list-panes", form)))  # a program's name may have lines
    return [_Pane(*fields[1:]) for line in lines if len(fields := line.split("|", 4)) == 5]


def open_programs() -> list[tuple[str, str, str]]:
    """Return the tmux session, the window as we call it, and the program of each pane that is not at a prompt."""
    return _open_in(_list_panes())


def _open_in(panes: Sequence[_Pane]) -> list[tuple[str, str, str]]:
    return [
        (pane.tmux, pane.window, pane.program)
        for pane in panes
        if not (pane.program.lstrip("-") in tmux.SHELLS and tmux.is_at_prompt(pane.tty))
    ]


def _since(status: Status) -> float:
    """Return since when its conversation is as it is; 0 where that is not known."""
    return datetime.fromisoformat(status.talk.since).timestamp() if status.talk.since else 0.0


def _last_uses() -> dict[str, float]:
    """Return by tmux session when a window of it last printed something; now where somebody is attached."""
    used: dict[str, float] = {}
    for attached, activity, name in _windows():
        used[name] = max(used.get(name, 0.0), time.time() if attached != "0" else float(activity))
    return used


def attached_sessions() -> set[str]:
    """Return the tmux sessions that somebody is attached to."""
    return {name for attached, _activity, name in _windows() if attached != "0"}


def _windows() -> list[list[str]]:
    attached = "#{?session_grouped,#{session_group_attached},#{session_attached}}"  # a group shares its windows
    form = f"{attached} #{{window_activity}} #{{session_name}}"
    return [line.split(" ", 2) for line in _ask_tmux("list-windows", form)]


def _server_terminals(sessions: Sequence[Session], panes: Sequence[_Pane]) -> set[str]:
    """Return the terminals of the windows of *sessions* in which a server, or Claude, runs."""
    own = {(each.tmux, window.name) for each in sessions for window in each.windows if window.run or window.claude}
    return {pane.tty for pane in panes if (pane.tmux, pane.window) in own}


def _ask_tmux(question: str, form: str) -> list[str]:
    """Return its answer about all sessions, nothing without a server; one that can't answer raises `CommandError`."""
    try:
        return shell.read_output(*tmux.TMUX, question, "-a", "-F", form).splitlines()
    except CommandError as error:
        if _NO_SERVER.search(error.stderr):
            return []
        raise
