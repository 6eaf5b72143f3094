"""Taking over a tmux session that another tool made for a worktree of ours."""

from __future__ import annotations

from collections.abc import Sequence

from .. import shell
from ..model import Session
from . import panes


def own(session: Session) -> list[panes.Pane]:
    """Return our panes in the tmux session, which is taken over first if another tool made it for this worktree."""
    found = panes.observe(session)
    if found or session.created:
        return [pane for pane in found if pane.worktree == str(session.worktree)]
    _adopt(session)
    return panes.observe(session)


def _adopt(session: Session) -> None:
    target, form = f"={session.tmux}:", "#{pane_id}|#{window_name}|#{@tally_session}|#{pane_current_path}"
    said = shell.read(*panes.TMUX, "list-panes", "-s", "-t", target, "-F", form, check=False)
    rows = [line.split("|", 3) for line in said.split("\n") if line]
    within = str(session.worktree)
    if not rows or any(mark or not (path + "/").startswith(within + "/") for _id, _name, mark, path in rows):
        return
    names = {window.name for window in session.windows}
    steps: list[Sequence[str]] = [("set-option", "-t", target, "@tally_session", within)]
    for pane, name, _mark, _path in rows:
        if name in names:
            steps.append(("set-option", "-p", "-t", pane, "@tally_window", name))
            steps.append(("set-option", "-p", "-t", pane, "@tally_typed", "1"))
    panes.step(steps)
