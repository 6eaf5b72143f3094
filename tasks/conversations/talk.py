"""What each session's conversation does, and since when."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..machine import panes
from ..model import Session
from ..parts import Agent
from . import agents, hooks, transcripts

Open = Mapping[Agent, "list[agents.Live] | None"]


@dataclass(frozen=True)
class Talk:
    """The state of a conversation: working, waiting, idle, off or unknown; *since* is empty when nobody can tell."""

    state: str
    waiting_for: str = ""
    since: str = ""  # ISO 8601
    live: agents.Live | None = None


def ask(sessions: Sequence[Session], shown: Mapping[str, Sequence[panes.Pane]]) -> Open:
    """Return what the assistants say that run in a window of *sessions*: one question for all that keep one place."""
    busy = {_asked(session.agent) for session in sessions if _busy(session, shown.get(str(session.worktree), ()))}
    return {agent: agents.running(agent) for agent in busy if agent.is_claude}


def of(session: Session, shown: Sequence[panes.Pane], running: Open) -> Talk:
    """Return the state of the conversation in the window of *session*, whose panes are *shown*."""
    busy = _busy(session, shown)
    if not busy:
        return Talk("off")
    known = running.get(_asked(session.agent))
    if known is None:
        return Talk("unknown")
    live = agents.of(session, known)
    if live is None:  # before it is trusted and ready it is not reported; something else may run there as well
        return Talk("unknown" if any(_runs(session.agent, pane) for pane in busy) else "off")
    at = _since(session, live)
    return Talk(live.state, live.waiting_for, _when(at) if at else "", live)


def _when(at: float) -> str:
    try:
        return datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):  # the time of a file may be none that a calendar has
        return ""


def windows(session: Session, shown: Sequence[panes.Pane]) -> list[panes.Pane]:
    """Return the panes among *shown* that are for the conversation."""
    names = {window.name for window in session.windows if window.claude}
    return [pane for pane in shown if pane.window in names]


def _busy(session: Session, shown: Sequence[panes.Pane]) -> list[panes.Pane]:
    return [pane for pane in windows(session, shown) if not pane.at_prompt]


def _asked(agent: Agent) -> Agent:
    return Agent(command=agent.command, config=agent.config)


def _since(session: Session, live: agents.Live) -> float:
    if told := hooks.since(session, live.state, live.started):
        return told
    if live.state != "idle":
        return 0.0
    record = transcripts.directory(session) / f"{live.identity}.jsonl"
    return max(transcripts.used(record), live.started)  # the last record ended the turn


def _runs(agent: Agent, pane: panes.Pane) -> bool:
    """Return whether a process of that name has the pane's terminal."""
    import psutil

    name = Path(agent.command).name
    for process in psutil.process_iter():
        try:
            if process.terminal() == pane.tty and name in map(os.path.basename, process.cmdline()[:2]):
                return True
        except psutil.Error:
            continue
    return False
