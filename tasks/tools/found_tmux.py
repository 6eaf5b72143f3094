"""tmux sessions that somebody made by hand: what is in them, and making one of them a session's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import SessionError
from ..model import Session
from ..system import activation, shell
from . import tmux

_FORM = "#{pane_id}|#{pane_pid}|#{window_name}|#{pane_current_path}"
_LINE = re.compile(r"(%\d+)\|(\d+)\|(.*?)\|(/.*)")


class FoundPane(NamedTuple):
    """A pane of a tmux session: its shell's process, its window's name, and where its program is."""

    id: str
    pid: int
    window: str
    directory: Path


def read_panes(name: str) -> list[FoundPane]:
    """Return the panes of the tmux session *name*. Raises `SessionError` when there is no such tmux session."""
    listed = shell.read_output(*tmux.TMUX, "list-sessions", "-F", "#{session_name}", check=False).splitlines()
    if name not in listed:
        known = f"There are: {', '.join(sorted(listed))}" if listed else "No tmux session is running."
        raise SessionError(f"No tmux session {name!r}. {known}\nRun: tmux list-sessions")
    output = shell.read_output(*tmux.TMUX, "list-panes", "-s", "-t", f"={name}:", "-F", _FORM)
    matches = filter(None, map(_LINE.fullmatch, output.splitlines()))
    return [FoundPane(each[1], int(each[2]), each[3], Path(each[4])) for each in matches]


def read_mark(name: str) -> str:
    """Return the worktree of the session that the tmux session *name* belongs to; empty for one made by hand."""
    return shell.read_output(*tmux.TMUX, "show-options", "-qv", "-t", f"={name}:", "@tally_session").rstrip("\n")


def describe_taken(name: str) -> str:
    """Return that the tmux session *name* is in the way, and what to do; nobody is to end one of another session."""
    fact = f"A tmux session {name} is already running, and it isn't this session's."
    if owner := read_mark(name):
        return f"{fact} It belongs to the session in {owner}.\nChoose another NAME or `project`, or stop that one."
    return f"{fact}\nChoose another NAME or `project`, or end it.\nRun: tmux kill-session -t '={name}'"


def take_over(session: Session, panes: Sequence[FoundPane], named: Mapping[str, str]) -> None:
    """Make the tmux session that *session* names its own: *named* says which of *panes* are which of its windows.

    What runs in it continues; windows that are opened later have the session's variables.
    """
    target, mark = f"={session.tmux}:", str(session.worktree)
    steps: list[Sequence[str]] = []
    for pane in (each for each in panes if each.id in named):
        steps.append(("set-option", "-p", "-t", pane.id, "@tally_window", named[pane.id]))
        steps.append(("set-option", "-p", "-t", pane.id, "@tally_typed", "1"))
    variables = activation.own_environment(session)
    steps += [("set-environment", "-t", target, key, value) for key, value in variables.items()]
    steps.append(("set-option", "-t", target, "destroy-unattached", "off"))
    steps.append(("set-option", "-t", target, "@tally_session", mark))  # last: with it, all of it is ours
    tmux.begin_tmux(steps, shell.pristine_environment())


def take_over_seed(session: Session) -> None:
    """Make the tmux session that another tool made for *session* its own, if all of it is in its worktree."""
    target, form = f"={session.tmux}:", "#{pane_id}|#{window_name}|#{@tally_session}|#{pane_current_path}"
    output = shell.read_output(*tmux.TMUX, "list-panes", "-s", "-t", target, "-F", form, check=False)
    rows = [line.split("|", 3) for line in output.split("\n") if line]
    within = str(session.worktree)
    if not rows or any(mark or not (path + "/").startswith(within + "/") for _id, _name, mark, path in rows):
        return
    names = {window.name for window in session.windows}
    steps: list[Sequence[str]] = [("set-option", "-t", target, "@tally_session", within)]
    for pane, name, _mark, _path in rows:
        if name in names:
            steps.append(("set-option", "-p", "-t", pane, "@tally_window", name))
            steps.append(("set-option", "-p", "-t", pane, "@tally_typed", "1"))
    tmux.run_tmux(steps)
