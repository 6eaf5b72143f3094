"""The sessions as a table that fits into the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..machine import tables
from . import display

if TYPE_CHECKING:
    from ..status import Status

NONE = "no sessions; to make one: inv session.add NAME"
_LEFT_OUT = ("branch", "age", "containers", "component", "git", "ports")  # in this order, where there is no room


def table(found: Sequence[Status], columns: int = 0) -> str:
    """Return the sessions as a table for people, in at most so many *columns* if it can be."""
    if not found:
        return NONE
    titles = ["name", "branch", "ports", "state", "git", "age", "claude"]
    rows = [display.row(each) for each in found]
    if any(each.session.component for each in found):
        titles.append("component")
        rows = [[*row, each.component] for row, each in zip(rows, found, strict=True)]
    if any(each.session.compose for each in found):
        titles.append("containers")
        rows = [[*row, display.services(each)] for row, each in zip(rows, found, strict=True)]
    return fitted(titles, rows, columns)


def fitted(titles: Sequence[str], rows: Sequence[Sequence[str]], columns: int) -> str:
    """Return the *rows* as a table of at most so many *columns*, 0 for any; below it what was left out for that."""
    kept, left_out = list(range(len(titles))), [titles.index(title) for title in _LEFT_OUT if title in titles]
    gone: list[str] = []
    while True:
        shown = [[row[i] for i in kept] for row in rows]
        made = tables.table(shown, [titles[i] for i in kept])
        if not columns or not left_out or len(made.split("\n", 2)[1]) <= columns:
            return f"{made}\nno room for {', '.join(gone)}" if gone else made
        kept.remove(left_out[0])
        gone.append(titles[left_out.pop(0)])
