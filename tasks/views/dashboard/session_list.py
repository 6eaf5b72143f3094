"""The list on the left: it draws its rows, and keeps the chosen session whatever comes and goes around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ...status.shown_rows import Key, Row
from ...system import terminal
from . import columns
from .strips import harmless, strip_of

_CHOSEN = "bold white on blue"  # readable with every palette
_CHOSEN_PLAIN = "bold reverse"


class SessionList(ScrollView, can_focus=True):
    """Rows of sessions, by repository where there are several."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup,ctrl+u", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home,g", "end(0)", show=False),
        Binding("end,G", "end(-1)", show=False),
    ]

    class Chosen(Message):
        """Another session is the chosen one."""

    class Fitted(Message):
        """The columns were fitted to another width."""

    class Opened(Message):
        """A session was clicked twice."""

    def __init__(self) -> None:
        super().__init__(id="sessions")
        self._rows: list[Row] = []
        self._grouped = False
        self._lines: list[Text] = []
        self._places: list[Row | None] = []  # by line: its row; None for a heading of a repository
        self._headings = Text()
        self._widest: tuple[frozenset[Key], Mapping[str, int]] = (frozenset(), {})  # of these rows, the columns
        self.marks: frozenset[Key] = frozenset()
        self.is_pinned = False  # whether a person chose a row, or did something with the one that is chosen
        self._key: Key | None = None

    @property
    def row(self) -> Row | None:
        """The chosen row."""
        return next((row for row in self._rows if row.key == self._key), None)

    @property
    def headings(self) -> Text:
        """The headings of the columns."""
        return self._headings

    @property
    def position(self) -> tuple[int, int]:
        """Which row is chosen, counted from 1, and how many there are."""
        keys = [row.key for row in self._rows]
        return (keys.index(self._key) + 1 if self._key in keys else 0), len(keys)

    @property
    def shown(self) -> Sequence[Row]:
        """The rows as they are ordered."""
        return self._rows

    def show(self, rows: Sequence[Row], grouped: bool = False) -> None:
        """Show *rows* in this order, with the name of each repository where they are *grouped*."""
        keys = [row.key for row in self._rows]
        place = keys.index(self._key) if self._key in keys else 0
        self._rows, self._grouped = list(rows), grouped
        now = [row.key for row in rows]
        before = self._key
        if before not in now:
            self._key = now[min(place, len(now) - 1)] if now else None
        self.marks &= frozenset(now)
        self._draw()
        if self._key != before:
            self._follow()

    def choose(self, key: Key) -> None:
        """Make the session *key* the chosen one, if it is shown."""
        if key != self._key and any(row.key == key for row in self._rows):
            self._key = key
            self.refresh()
            self._follow()

    def toggle_mark(self) -> None:
        """Mark the chosen session, or no longer, and go to the next."""
        if self._key is not None:
            self.marks ^= {self._key}
            self.action_move(1)
            self._draw()

    def targets(self) -> list[Row]:
        """Return the marked rows; without marks the chosen one."""
        return [row for row in self._rows if row.key in self.marks] or [row for row in (self.row,) if row]

    def action_move(self, by: int) -> None:
        """Choose the session that is *by* rows away."""
        place, count = self.position
        if count:
            self.choose(self._rows[max(0, min(place - 1 + by, count - 1))].key)

    def action_page(self, by: int) -> None:
        """Choose the session that is a page away."""
        self.action_move(by * max(self.size.height - 1, 1))

    def action_end(self, place: int) -> None:
        """Choose the first or the last session."""
        if self._rows:
            self.choose(self._rows[place].key)

    def on_resize(self) -> None:
        """Fit the columns to another width."""
        self._draw()
        self._scroll()
        self.post_message(self.Fitted())

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked; a second click opens it."""
        line = event.y + self.scroll_offset.y
        row = self._places[line] if 0 <= line < len(self._places) else None
        if row is not None:
            self.choose(row.key)
            if event.chain == 2:
                self.post_message(self.Opened())

    def _draw(self) -> None:
        drawn = frozenset(row.key for row in self._rows)
        widest = self._widest[1] if drawn == self._widest[0] else {}
        table = columns.format_rows(self._rows, self.size.width or 80, self.marks, widest)
        self._widest = drawn, table.widest
        self._headings, self._lines, self._places = table.headings, [], []
        group = ""
        for row, line in zip(self._rows, table.lines, strict=True):
            if self._grouped and row.key[0] != group:
                group = row.key[0]
                place = terminal.one_line(terminal.home_path(group))
                name = terminal.one_line(row.session.repository.main.name)
                self._lines.append(Text.assemble(" ", (name, "bold underline"), ("  " + place, "dim")))
                self._places.append(None)
            self._lines.append(line)
            self._places.append(row)
        self.virtual_size = Size(self.size.width, len(self._lines))
        self.refresh()

    def _follow(self) -> None:
        self._scroll()
        self.post_message(self.Chosen())

    def _scroll(self) -> None:
        place = next((n for n, row in enumerate(self._places) if row is not None and row.key == self._key), None)
        if place is not None:
            self.scroll_to_region(Region(0, place, 1, 1), animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        """Return the line that stands at *y*."""
        line, width = y + self.scroll_offset.y, self.size.width
        if line >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        text, row = self._lines[line].copy(), self._places[line]
        text.truncate(width)
        if row is not None and row.key == self._key:
            chosen = _CHOSEN_PLAIN if self.app.no_color else _CHOSEN
            style = self.app.console.get_style(chosen)
            old = style + Style(bold=False, dim=True)
            parts = [Segment(harmless(each.text), old if columns.is_old(each.style) else style)
                     for each in text.render(self.app.console)]  # fmt: skip
            return Strip(parts, text.cell_len).extend_cell_length(width, style)
        return strip_of(text, self.app.console).extend_cell_length(width, self.rich_style)
