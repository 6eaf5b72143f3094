"""The right half: tabs with what is known of the chosen session, read in the background while one looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

from ...status.shown_rows import Row
from . import contents
from .strips import strip_of


class LinesView(ScrollView, can_focus=True):
    """Lines of text that scroll both ways; only what is seen is drawn."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", show=False),
        Binding("k", "scroll_up", show=False),
        Binding("g", "scroll_home", show=False),
        Binding("G", "scroll_end", show=False),
        Binding("ctrl+u", "page_up", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="lines")
        self._page = contents.Page(())
        self._lines: Sequence[Text] = ()

    def on_resize(self) -> None:
        """Wrap sentences at another width."""
        if self._page.wraps:
            self.show(self._page, False)

    def _fitted(self, page: contents.Page) -> Sequence[Text]:
        if not page.wraps:
            return page.lines
        width, height = self.container_size
        lines = self._wrapped(page, width or 80)
        # The scroll bar takes a column: else those lines were too long, and another bar took the last line.
        return lines if len(lines) <= height else self._wrapped(page, max((width or 80) - 1, 1))

    def _wrapped(self, page: contents.Page, width: int) -> Sequence[Text]:
        if all(line.cell_len <= width for line in page.lines):
            return page.lines
        return [part for line in page.lines for part in (line.wrap(self.app.console, width) if line.plain else [line])]

    def show(self, page: contents.Page, is_new: bool) -> None:
        """Show *page*; one that *is_new* from where it matters, else from where it was scrolled to."""
        is_at_end = self.scroll_offset.y >= self.max_scroll_y
        self._page, self._lines = page, self._fitted(page)
        widest = 1 if page.wraps else max([1, *(line.cell_len for line in self._lines)])
        self.virtual_size = Size(widest, len(self._lines))
        if is_new:
            self.scroll_to(0, self.max_scroll_y if page.at_end else 0, animate=False, force=True)
        elif page.at_end and is_at_end:
            self.scroll_to(None, self.max_scroll_y, animate=False, force=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return the line that stands at *y*."""
        left, top = self.scroll_offset
        width, style = self.size.width, self.rich_style
        if y + top >= len(self._lines):
            return Strip.blank(width, style)
        text = self._lines[y + top]
        strip = strip_of(text, self.app.console)
        return strip.crop(left, left + width).extend_cell_length(width, style)


class TabBar(Static):
    """The names of the tabs; a click opens one."""

    class Picked(Message):
        """A tab was clicked."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self) -> None:
        super().__init__(id="tabs")
        self._spans: list[tuple[int, int, str]] = []

    def show(self, chosen: str, width: int) -> None:
        """Show all tabs, with *chosen* marked, in *width* columns; narrow ones by their first letters."""
        text, self._spans = Text(no_wrap=True, end=""), []
        full = sum(len(tab) + 3 for tab in contents.TABS) - 1 <= width  # a space less than there are tabs
        short = max(width // len(contents.TABS) - 3, 3)
        for tab in contents.TABS:
            label = f" {tab if full or tab == chosen else tab[:short]} "
            self._spans.append((text.cell_len, text.cell_len + len(label), tab))
            text.append(label, "bold reverse" if tab == chosen else "")
            text.append(" ")
        self.update(text)

    def on_click(self, event: events.Click) -> None:
        """Open the tab that was clicked."""
        for start, end, tab in self._spans:
            if start <= event.x < end:
                self.post_message(self.Picked(tab))


class Preview(Vertical):
    """The tabs and what the chosen one says; a thread reads it, and a slow one delays no key."""

    class Read(Message):
        """A page was read."""

        def __init__(self, about: tuple[tuple[str, str], str], page: contents.Page) -> None:
            super().__init__()
            self.about, self.page = about, page

    def __init__(self) -> None:
        super().__init__(id="preview")
        self.tab = contents.TABS[0]
        self._row: Row | None = None
        self._about: tuple[tuple[str, str], str] | None = None  # what is shown now
        self._reading: dict[tuple[tuple[str, str], str], float] = {}
        self._pages: dict[tuple[tuple[str, str], str], contents.Page] = {}
        self._read_at: dict[tuple[tuple[str, str], str], float] = {}

    def compose(self) -> ComposeResult:
        """Yield the tabs and the lines."""
        yield TabBar()
        yield LinesView()

    def on_mount(self) -> None:
        """Look again from time to time."""
        self.set_interval(0.25, self._tick)

    def on_resize(self) -> None:
        """Show the tabs as there is room."""
        self.query_one(TabBar).show(self.tab, self.size.width)

    def show(self, row: Row | None) -> None:
        """Show what is known of *row*: at once what was known last."""
        self._row = row
        if row is None:
            self.query_one(LinesView).show(contents.Page([]), True)
            self._about = None
            return
        about = (row.key, self.tab)
        if about != self._about:
            self._about = about
            known = self._pages.get(about)
            self.query_one(LinesView).show(known or contents.Page([Text("…", "dim")]), True)
            self._begin(row)

    def open_tab(self, tab: str) -> None:
        """Show another tab."""
        self.tab = tab
        self.query_one(TabBar).show(tab, self.size.width)
        self.show(self._row)

    def turn(self, by: int) -> None:
        """Show the tab beside this one."""
        place = contents.TABS.index(self.tab)
        self.open_tab(contents.TABS[(place + by) % len(contents.TABS)])

    def renew(self) -> None:
        """Read again at once, as after something was done."""
        self._read_at.clear()

    def on_tab_bar_picked(self, event: TabBar.Picked) -> None:
        """Show the tab that was clicked."""
        self.open_tab(event.tab)

    def on_preview_read(self, event: Read) -> None:
        """Show what was read, if it is still what is looked at."""
        event.stop()
        is_first = event.about not in self._pages
        self._pages[event.about] = event.page
        for lines in self.query(LinesView) if event.about == self._about else ():  # there are none at the end
            lines.show(event.page, is_first)

    def _tick(self) -> None:
        if self._row is not None and self.display and self.app.screen is self.screen:
            self._begin(self._row)

    def _begin(self, row: Row) -> None:
        about, now = (row.key, self.tab), time.monotonic()
        if about in self._reading or now - self._read_at.get(about, 0.0) < contents.pause_of(self.tab):
            return
        self._reading[about] = self._read_at[about] = now
        rows = self.query_one(LinesView).size.height or 40
        threading.Thread(target=self._read_page, args=(row, about, rows), daemon=True).start()

    def _read_page(self, row: Row, about: tuple[tuple[str, str], str], rows: int) -> None:
        try:
            page = contents.read_page(row, about[1], rows)
            self.post_message(self.Read(about, page))
        finally:
            self._reading.pop(about, None)
