"""What conversations do: their open files say it, their hooks since when, their windows whether anything runs."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from ..model import Agent, Session
from ..tools import tmux
from . import hooks
from .live import Live, list_live

NO_ANSWER, NOT_READY, TRUST = "no answer", "not ready", "asks whether you trust"


def live_of_session(session: Session, running: Sequence[Live], panes: Sequence[tmux.Pane] = ()) -> Live | None:
    """Return the conversation of *session* in its own window; one that was started by hand beside it never is that.

    Our hook says which it is, by its id and its process. Where the arguments are such that our hooks are not in it,
    it is the one with the id in the row, else the one in its window.
    """
    own = [live for live in running if not live.in_background]
    start = hooks.read_start(session)
    wanted = start.identity if start else session.conversation
    for live in own:
        if wanted and live.identity == wanted:
            return live
        if start and live.pid == start.pid and live.started <= start.at + 1:
            return live  # it has just got another id, as with /clear
    terminals = {pane.tty for pane in conversation_panes(session, panes)} if start is None else set[str]()
    return next((live for live in own if terminals and terminal_of(live.pid) in terminals), None)


def background_of_session(session: Session, running: Sequence[Live]) -> Live | None:
    """Return the latest conversation in the worktree of *session* that was moved to the background."""
    place = os.path.realpath(session.worktree)
    moved = [live for live in running if live.in_background and Path(live.directory).is_relative_to(place)]
    return max(moved, key=lambda live: live.started, default=None)


def terminal_of(pid: int) -> str:
    """Return the terminal of the process *pid*; empty when that is not known."""
    import psutil

    try:
        return str(psutil.Process(pid).terminal())
    except (psutil.Error, ValueError):
        return ""


def pane_of(live: Live, panes: Sequence[tmux.Pane]) -> tmux.Pane | None:
    """Return the one of *panes* that *live* runs in."""
    terminal = terminal_of(live.pid)
    return next((pane for pane in panes if pane.tty == terminal), None)


def stays_alive(live: Live, seconds: float) -> bool:
    """Return whether its process still runs after *seconds*: one whose terminal was closed is ending."""
    import psutil

    deadline = time.monotonic() + seconds
    try:
        process = psutil.Process(live.pid)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                return True
            time.sleep(0.05)
    except psutil.NoSuchProcess:
        pass
    except psutil.AccessDenied:
        return True
    return False


Open = Mapping[Agent, "list[Live] | None"]


class Talk(NamedTuple):
    """The state of a conversation: working, waiting, idle, failed, background, off or unknown."""

    state: str
    waiting_for: str = ""
    since: str = ""  # ISO 8601
    live: Live | None = None
    tasks: int = 0  # shells that run on in the background of one that is idle
    reason: str = ""  # why the state is unknown
    last: str = ""  # the state that was known last, where it is unknown now; *since* is when that was
    what: str = ""  # what it asks, why it failed, or its last sentence
    resume: str = ""  # the command that brings it back from the background

    def __str__(self) -> str:
        """Return what a table says of it, without its age."""
        if self.state == "background":
            return f"in the background: {self.resume}"
        if self.state == "unknown":
            return self.reason or self.state
        count = f"{self.tasks} background task{'' if self.tasks == 1 else 's'}"
        return f"{self.state}, {count}" if self.tasks else self.state


def ask_assistants(sessions: Sequence[Session], panes: Mapping[str, Sequence[tmux.Pane]]) -> Open:
    """Return the open conversations of the assistants of *sessions*, whose *panes* are by worktree.

    It is one question for all sessions whose conversations are in the same directory; one that may take long is asked
    only if something runs in one of their windows.
    """
    agents = {_question(session.agent) for session in sessions if session.converses and session.agent.is_claude}
    busy = {_question(session.agent) for session in sessions if _busy(session, panes.get(str(session.worktree), ()))}
    return {agent: list_live(agent, agent in busy) for agent in agents}


def talk_state(session: Session, panes: Sequence[tmux.Pane], running: Open) -> Talk:
    """Return the state of the conversation of *session*, which has *panes*."""
    busy = _busy(session, panes)
    if not session.agent.is_claude:
        return _other_state(session) if busy else Talk("off")
    conversations = running.get(_question(session.agent))
    if conversations is None:
        return _silent(session) if busy else Talk("off")  # no conversation was open in this directory before
    live = live_of_session(session, conversations, busy)
    moved = background_of_session(session, conversations)
    if moved and _has_moved(session, live, moved):
        return Talk("background", moved.waiting_for, _when(moved.since), moved, resume=f"claude attach {moved.job}")
    if live is None or not busy:  # it is not reported before it is trusted and ready; others may run there as well
        return _not_ready(session) if any(_runs(session.agent, pane) for pane in busy) else Talk("off")
    if live.state == "unknown":
        return _not_ready(session)._replace(live=live)
    if live.state == "idle" and hooks.awaits_first_prompt(session):
        return _not_ready(session)._replace(live=live)
    tasks = max(hooks.count_tasks(session), 1) if live.has_tasks else 0
    events = hooks.read_events(session)
    has_failed = live.state == "idle" and hooks.last_state(events)[0] == "failed"
    state = "failed" if has_failed else live.state
    at = hooks.state_since(events, state, live.started) or live.since
    what = hooks.summary_of(session, events, state, live.started)
    return Talk(state, live.waiting_for, _when(at), live, tasks, what=what)


def _other_state(session: Session) -> Talk:
    """Return what another assistant than Claude Code says of itself, which has no way to be asked everywhere."""
    from . import other_agents

    state, what = other_agents.read_state(session)
    return Talk(state, what=what) if state else Talk("unknown", reason=f"{Path(session.agent.command).name} is open")


def _has_moved(session: Session, live: Live | None, moved: Live) -> bool:
    """Return whether *moved* is what was *live* in the window; one with our settings can't be moved."""
    return live is None or bool(live.job) or (hooks.read_start(session) is None and moved.started > live.started)


def _not_ready(session: Session) -> Talk:
    """Return the state of one that has noted none: it is starting, or asks something before it can begin."""
    from . import project_entry

    if project_entry.needs_trust(session):
        return Talk("unknown", reason=f"{TRUST} {session.repository.main}: answer once in its window")
    return Talk("unknown", reason=NOT_READY)


def _silent(session: Session) -> Talk:
    if (talk := _not_ready(session)).reason != NOT_READY:
        return talk
    last, at = hooks.last_state(hooks.read_events(session))
    return Talk("unknown", since=_when(at), reason=NO_ANSWER, last=last)


def _when(at: float) -> str:
    try:
        return datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds") if at else ""
    except (OverflowError, ValueError, OSError):  # a file may have a time that no calendar has
        return ""


def conversation_panes(session: Session, panes: Sequence[tmux.Pane]) -> list[tmux.Pane]:
    """Return those of *panes* that are for the conversation."""
    names = {window.name for window in session.windows if window.claude}
    return [pane for pane in panes if pane.window in names]


def _busy(session: Session, panes: Sequence[tmux.Pane]) -> list[tmux.Pane]:
    return [pane for pane in conversation_panes(session, panes) if not pane.at_prompt]


def _question(agent: Agent) -> Agent:
    return Agent(command=agent.command, config=agent.config)


def _runs(agent: Agent, pane: tmux.Pane) -> bool:
    """Return whether a process of that name has the pane's terminal."""
    import psutil

    name = Path(agent.command).name
    if pane.command == name:
        return True
    for process in psutil.process_iter():
        try:
            if process.terminal() == pane.tty and name in map(os.path.basename, process.cmdline()[:2]):
                return True
        except psutil.Error:
            continue
    return False
