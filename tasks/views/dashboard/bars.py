"""The lines around the list: how many sessions need you, what runs, and the keys."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from rich.text import Text
from textual import events
from textual.widgets import Static

from ...status import attention
from ...status.shown_rows import Row
from ...system import terminal
from .. import details
from . import columns, keys
from .jobs import Job

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def summary(name: str, rows: Sequence[Row], width: int, note: str = "") -> Text:
    """Return the first line: how many sessions there are of each class, the urgent ones first."""
    counts = Counter(row.attention for row in rows)
    present = [kind for kind in attention.CLASSES if counts[kind]]
    text = Text(no_wrap=True, end="").append(f"{name} ", "bold")
    words = Text().append(f" {len(rows)} session{'s' * (len(rows) != 1)}", "dim")
    short = Text()
    for kind in present:
        words.append("   ").append(f"{columns.glyph(kind)} {counts[kind]} {kind}", columns.STYLES[kind])
        short.append(" ").append(f"{columns.glyph(kind)} {counts[kind]} ", columns.STYLES[kind])
    text.append_text(words if text.cell_len + words.cell_len <= width else short)
    room = width - text.cell_len - 2
    if note and room >= 12:
        note = terminal.shorten_text(note, room)
        text.append(" " * (width - text.cell_len - terminal.text_width(note))).append(note, "dim")
    return text


def age_note(rows: Sequence[Row]) -> str:
    """Return how old the oldest of the values is that an earlier dashboard showed, and still stand; empty for none."""
    times = [row.last.at for row in rows if row.last is not None and row.pending]
    return f"dim: {details.format_age(datetime.fromtimestamp(min(times)).astimezone())} old" if times else ""


def job_line(job: Job, width: int) -> Text:
    """Return how a task that runs stands."""
    sign = _SPINNER[int(time.monotonic() / 0.12) % len(_SPINNER)]
    sign = sign if terminal.encodable_text(sign) == sign else "*"
    text = Text(no_wrap=True, end="").append(f"{sign} {job.command.title} … {job.seconds:.0f} s  ", "cyan")
    text.append(terminal.shorten_text(job.progress, max(width - text.cell_len, 1)), "dim")
    return text


class KeyBar(Static):
    """The keys that matter for the chosen session, as many as there is room for; a click presses one."""

    def __init__(self) -> None:
        super().__init__(id="keys")
        self._spans: list[tuple[int, int, keys.Key]] = []

    def show(self, row: Row | None, width: int) -> None:
        """Show the keys for the session in *row*, if there is one, in *width* columns."""
        last = keys.last_keys()
        reserved = sum(len(key.shown) + len(key.label) + 3 for key in last)
        chosen, room = list[keys.Key](), width - reserved
        facts = (row.attention, row.status.merged, row.status.talk.state != "off") if row else ("",)
        for key in keys.footer_keys(*facts):
            room -= len(key.shown) + len(key.label) + 3
            if room < 0:
                break
            chosen.append(key)
        text, self._spans = Text(no_wrap=True, end=""), []
        for key in [*chosen, *last]:
            start = text.cell_len
            text.append(key.shown, "bold cyan").append(f" {key.label}", "")
            self._spans.append((start, text.cell_len, key))
            text.append("  ")
        self.update(text)

    async def on_click(self, event: events.Click) -> None:
        """Do what the key does that was clicked."""
        for start, end, key in self._spans:
            if start <= event.x - 1 < end:
                await self.app.run_action(key.action)
