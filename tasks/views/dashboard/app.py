"""The dashboard itself: what stands where, and what is shown when something changed."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widgets import Static

from ...model import Repository, Session
from ...status.feed import Feed
from ...status.shown_rows import Key, Row
from ...system import terminal
from . import bars, columns, contents, dialogs, drafts, filters, keys, palette, styles
from .jobs import Job, Jobs
from .looking import SORTS, LookingApp
from .preview import Preview
from .session_list import SessionList
from .strips import harmless, in_border

_PARTS = "#top, #left, #headings, #sessions, #empty, #preview, #lines, #status, #keys"
_STACKED = 100  # columns below which the preview stands under the list
_LOW = 16  # lines below which there is no preview
_PAUSE = 0.1  # seconds between two looks at what is known: at the start something is learnt of each session
_NOTED = 30.0  # seconds between two notes of what is shown
_SHOWN = 8.0  # seconds for which an answer is shown


class Setup(NamedTuple):
    """What the dashboard shows: the repository we are in, what is known of sessions, what the form offers."""

    repository: Repository
    feed: Feed
    choices: Callable[[Repository], drafts.Choices] = lambda _repository: drafts.Choices()


class Dashboard(LookingApp):
    """The sessions, a preview, and keys."""

    CSS = styles.CSS
    TITLE = "Sessions"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key.key, key.action, key.help, show=False) for key in keys.KEYS),
        *(Binding(str(n + 1), f"tab('{tab}')", show=False) for n, tab in enumerate(contents.TABS)),
        Binding("ctrl+z", "suspend_process", show=False),
    ]

    # Set later, it would have the whole stylesheet read again.
    theme: Reactive[str] = Reactive(styles.default_theme())

    class Changed(Message):
        """Something is known that was not."""

    def __init__(self, setup: Setup) -> None:
        # The terminal's own colours; Textual takes NO_COLOR out of the environment, and would show greys.
        super().__init__(ansi_color="NO_COLOR" in os.environ or None)
        self.repository, self.choices = setup.repository, setup.choices
        self.feed = setup.feed
        self.jobs = Jobs(setup.repository.main, lambda _job: self._announce())
        self._is_announced = False
        self.sort, self.filter = SORTS[0], ""
        self._wanted: tuple[str, str] | None = None  # the session that is chosen as soon as it is there
        self._said: tuple[float, Text] = (0.0, Text())
        self.painted_at = self._shown = 0.0

    def compose(self) -> ComposeResult:
        """Yield the parts."""
        yield Static(id="top")
        with Horizontal(id="main"):
            with Vertical(id="left"):
                yield Static(id="headings")
                yield SessionList()
                yield Static(id="empty")
            yield Preview()
        yield Static(id="status")
        yield bars.KeyBar()

    @property
    def is_grouped(self) -> bool:
        """Whether there are several repositories."""
        return len(self.feed.sources) > 1

    def on_mount(self) -> None:
        """Begin to look."""
        self.feed.changed = self._announce
        self.feed.list_sessions()
        self.set_interval(0.2, self._tick)
        self.set_interval(_NOTED, self._note_looks)
        self.sessions.focus()

    def on_unmount(self) -> None:
        """Look no more, and note for the next time what was seen."""
        self.feed.stop()
        self.feed.note_looks(columns.plain_cells)

    @work(thread=True, exclusive=True, group="noting")
    def _note_looks(self) -> None:
        self.feed.note_looks(columns.plain_cells)

    async def on_event(self, event: events.Event) -> None:
        """Keep the chosen session from the first key or click on: what comes next is meant for it."""
        if isinstance(event, (events.Key, events.MouseDown)) and self._is_up:
            self.sessions.is_pinned = True
        await super().on_event(event)

    def chosen(self) -> Row | None:
        """Return the chosen row."""
        return self.sessions.row

    def targets(self) -> list[Row]:
        """Return the marked rows, else the chosen one."""
        return self.sessions.targets()

    def tell(self, text: str, is_error: bool = False) -> None:
        """Say something in the line above the keys, for some seconds."""
        self._said = (time.monotonic(), Text(harmless(terminal.home_paths(text)), "bold red" if is_error else "green"))
        self._show_status()

    def hush(self) -> None:
        """Say it no more: something else is done."""
        self._said = (0.0, Text())
        self._show_status()

    def done(self) -> None:
        """Look again, because something was done."""
        self.feed.hurry()
        self.preview.renew()

    def go_to(self, name: str, at: Repository | None = None) -> None:
        """Choose the session *name*, of the repository *at*, once it is there."""
        self._wanted = (str((at or self.repository).main), name)
        self.show()

    def _announce(self) -> None:
        if not self._is_announced:
            self._is_announced = True
            self.post_message(self.Changed())

    @on(Changed)
    def _renew(self) -> None:
        wait = self._shown + _PAUSE - time.monotonic()
        if wait > 0:
            self.set_timer(wait, self._show_news)
        else:
            self._show_news()

    def _show_news(self) -> None:
        self._is_announced, self._shown = False, time.monotonic()
        self.show()

    def _tick(self) -> None:
        self._show_status()

    def on_resize(self, event: events.Resize) -> None:
        """Put the parts where there is room for them."""
        screen = self.screen_stack[0]
        screen.set_class(event.size.width < _STACKED, "stacked")
        screen.set_class(event.size.height < _LOW, "low")
        self.call_after_refresh(self.show)

    def show(self) -> None:
        """Show what is known now."""
        if not self._is_up:
            return
        rows, sessions = self.feed.rows(), self.sessions
        shown = [row for row in rows if filters.matches(row, self.filter)]
        places = {str(source.repository.main): place for place, source in enumerate(self.feed.sources)}
        sessions.show(sorted(shown, key=functools.partial(self._order, places)), self.is_grouped)
        self._choose_wanted(sessions)
        if not sessions.is_pinned and sessions.shown:
            sessions.choose(sessions.shown[0].key)
        self.query_part("#headings").update(sessions.headings)
        left = self.screen_stack[0].query_one("#left")
        left.styles.height = min(len(sessions.shown) + 3, self.size.height // 2) if self._is_stacked else None
        self._show_empty(rows, shown)
        self._show_around(rows)
        self.preview.show(sessions.row)
        if self.feed.is_listed and not self.painted_at:
            self.painted_at = time.monotonic()
            self.call_after_refresh(self.feed.start)  # what looks for more would only delay the first look

    @property
    def _is_stacked(self) -> bool:
        """Whether the preview stands below the list."""
        return self.size.width < _STACKED and self.size.height >= _LOW

    def query_part(self, selector: str) -> Static:
        """Return a line of the main screen."""
        return self.screen_stack[0].query_one(selector, Static)

    def _choose_wanted(self, sessions: SessionList) -> None:
        for row in sessions.shown:
            if row.key == self._wanted:
                self._wanted, sessions.is_pinned = None, True
                sessions.choose(row.key)

    def _order(self, places: Mapping[str, int], row: Row) -> tuple[object, ...]:
        group = places.get(row.key[0], 0)
        if self.sort == "attention":
            return group, *row.urgency
        return (group, 0) if self.sort == "name" else (group, -_created(row))

    def _show_empty(self, rows: Sequence[Row], shown: Sequence[Row]) -> None:
        text = "" if shown else "Looking …" if not self.feed.is_listed else "No sessions yet. Press c to add one."
        if rows and not shown:
            text = filters.wrong_word(self.filter) or f'No session fits "{self.filter}". Press esc to see all.'
        empty = self.query_part("#empty")
        empty.display, self.sessions.display = bool(text), not text
        empty.update(Text(text, "dim"))

    def _show_around(self, rows: Sequence[Row]) -> None:
        sessions, left, width = self.sessions, self.screen_stack[0].query_one("#left"), self.size.width - 2
        place, count = sessions.position
        row = sessions.row
        name = self.repository.main.name if not self.is_grouped else "All repositories"
        troubles = [self.feed.troubles.get("sessions", ""), *self.feed.troubles.values()]
        trouble = next((text.splitlines()[0] for text in troubles if text), "")
        self.query_part("#top").update(
            bars.summary(name, rows, width, trouble or bars.age_note(rows) or f"sorted by {self.sort}")
        )
        left.border_title = f"Sessions {place}/{count}"
        facts = [*([f"filter: {self.filter}"] if self.filter else []),
                 *([f"{len(sessions.marks)} marked"] if sessions.marks else [])]  # fmt: skip
        left.border_subtitle = in_border(" · ".join(facts))
        self.preview.border_title = in_border(row.session.name) if row else ""
        self.screen_stack[0].query_one(bars.KeyBar).show(row, width)
        self._show_status()

    @property
    def _is_up(self) -> bool:
        """Whether the parts are there: they are not before the start, and go before the end."""
        return bool(self.screen_stack) and len(self.screen_stack[0].query(_PARTS)) == len(_PARTS.split(","))

    def _show_status(self) -> None:
        if not self._is_up:
            return
        width, (at, said) = self.size.width - 2, self._said
        lines = [bars.job_line(job, width) for job in self.jobs.running[:2]]
        if said.plain and time.monotonic() - at < _SHOWN:
            lines.append(said)
        status = self.query_part("#status")
        if lines or status.display:
            status.display = bool(lines)
            status.update(Text("\n").join(lines))

    @on(SessionList.Chosen)
    def _chosen(self) -> None:
        if not self._is_up:
            return
        row = self.sessions.row
        self.feed.chosen = row.key if row else None
        self.preview.show(row)
        self._show_around(self.feed.rows())

    @on(SessionList.Fitted)
    def _fitted(self) -> None:
        if self._is_up:
            self.query_part("#headings").update(self.sessions.headings)

    @on(SessionList.Opened)
    async def _opened(self) -> None:
        await self.run_action("attach")

    def action_leave(self) -> None:
        """Quit; what runs goes on without us, which is said."""
        if self.jobs.running:
            self.begin(self._leave(self.jobs.running))
        else:
            self.exit()

    async def _leave(self, running: Sequence[Job]) -> None:
        text = "\n".join([*(f"{job.command.title} …" for job in running), "", "It goes on in the background."])
        choices = [dialogs.Choice("q", "Quit", "yes"), dialogs.Choice("n", "Stay", "no")]
        if await self.push_screen_wait(dialogs.Question("Still running", text, choices)) == "yes":
            self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Yield what the palette offers: every key, what has none, and the themes."""
        for key in keys.KEYS:
            if key.action not in ("command_palette", "step_back"):
                yield SystemCommand(f"{key.help[0].upper()}{key.help[1:]}", f"key {key.shown}", self._run(key.action))
        for more in palette.MORE:
            yield SystemCommand(more.label, more.task, functools.partial(self._run_more, more))
        yield SystemCommand("Change the theme", "colours of the dashboard", self.action_change_theme)

    def _run_more(self, more: palette.More) -> None:
        self.hush()
        if not self.refuses():
            self.call_later(lambda: self.begin(palette.perform_more(self, more)))

    def _run(self, action: str) -> Callable[[], None]:
        def run() -> None:
            self.call_later(self.run_action, action)

        return run


def _created(row: Row) -> float:
    from datetime import datetime

    at = row.session.created
    return datetime.fromisoformat(at).timestamp() if at else 0.0


def show_dashboard(setup: Setup) -> Session | None:
    """Show the sessions until the person leaves; return the session to attach to, if one was chosen in a popup."""
    terminal.follow_size()
    if sys.__stderr__ and sys.__stdout__ and sys.__stdout__.isatty() and not sys.__stderr__.isatty():
        sys.__stderr__ = sys.__stdout__  # type: ignore[misc]  # where Textual draws
    return Dashboard(setup).run()


__all__ = ("Dashboard", "Key", "Setup", "show_dashboard")
