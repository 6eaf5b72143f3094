"""Giving up what somebody left at a prompt, and knowing that the shell has done so."""

from __future__ import annotations

import time
from collections.abc import Sequence

from . import panes

_WHERE = "#{history_size} #{history_bytes} #{cursor_y} #{cursor_x}"
_NOTICED = 1.0  # seconds; most shells answer at once with a new line, and some with nothing at all


def clear(chosen: Sequence[panes.Pane]) -> None:
    """Give up half a line, or an open quote, in each of *chosen*, and wait until the shells there have noticed.

    One that is slow to would give up the first of the next keys as well.
    """
    ask = [("display-message", "-p", "-t", pane.id, _WHERE) for pane in chosen]
    ready = [panes.listening(pane) for pane in chosen]
    before = panes.step([*ready, *ask, *(("send-keys", "-t", pane.id, "C-c") for pane in chosen)]).split("\n")
    deadline = time.monotonic() + _NOTICED
    while time.monotonic() < deadline:
        now = panes.step(ask).split("\n")
        if all(was != is_ for was, is_ in zip(before, now, strict=True) if was):
            return
        time.sleep(0.005)
