"""The sessions of every host and of this machine, kept up to date; one can be chosen to attach to it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, NamedTuple

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ...errors import SessionError, describe_error
from ...system import terminal
from .. import tables
from .strips import harmless

Answers = Mapping[str, "dict[str, Any] | SessionError"]
_CSS = """
Screen { background: ansi_default; color: ansi_default; }
#top, #hint, #keys { height: 1; padding: 0 1; }
#headings { height: 2; padding: 0 1; }
OptionList { height: 1fr; border: none; padding: 0; background: ansi_default; scrollbar-size: 1 1; }
OptionList > .option-list--option-highlighted { background: ansi_blue; color: ansi_bright_white; }
"""


class Chosen(NamedTuple):
    """A session that a person wants to attach to."""

    host: str
    name: str


class FleetList(App[Chosen]):
    """A line for each session, and for each host that has none or doesn't answer."""

    CSS = _CSS
    TITLE = "Fleet"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "down", show=False),
        Binding("k", "up", show=False),
        Binding("r", "look", show=False),
        Binding("q,escape,ctrl+c", "leave", show=False, priority=True),
    ]

    def __init__(
        self, ask: Callable[[], Answers], here: str, interval: float, advise: Callable[[Answers], Iterable[str]]
    ) -> None:
        super().__init__(ansi_color="NO_COLOR" in os.environ or None)
        self._ask, self._here, self._interval, self._advise = ask, here, interval, advise
        self._answers: Answers = {}
        self._places: list[Chosen] = []
        self._wake, self._end = threading.Event(), threading.Event()
        self.theme = "ansi-dark"

    def compose(self) -> ComposeResult:
        """Yield the parts."""
        yield Static("Asking the hosts …", id="top")
        yield Static(id="headings")
        yield OptionList()
        yield Static(id="hint")
        yield Static("Enter attach   r refresh   q quit", id="keys")

    def on_mount(self) -> None:
        """Begin to ask."""
        threading.Thread(target=self._repeat, daemon=True).start()
        self.query_one(OptionList).focus()

    def on_unmount(self) -> None:
        """Ask no more."""
        self._end.set()
        self._wake.set()

    def _repeat(self) -> None:
        while not self._end.is_set():
            self._wake.clear()
            try:
                answers, trouble = self._ask(), ""
            except (SessionError, OSError) as error:
                answers, trouble = self._answers, describe_error(error)
            if not self._end.is_set():
                self.call_from_thread(self._show, answers, trouble)
            self._wake.wait(self._interval)

    def on_resize(self) -> None:
        """Show as many columns as there is room for."""
        if self._answers:
            self._show(self._answers, "")

    def _show(self, answers: Answers, trouble: str) -> None:
        self._answers = answers
        listed, before = self.query_one(OptionList), self._chosen()
        headings, lines = tables.fleet_lines(answers, self.size.width - 3)
        self._places = [Chosen(host, name) for host, name, _line in lines]
        count = sum(bool(each.name) for each in self._places)
        top = trouble or f"{count} session{'s' * (count != 1)} on {len(answers)} machines"
        top = "   ".join([top, *self._advise(answers)])
        self.query_one("#top", Static).update(Text(harmless(top), "bold red" if trouble else "bold"))
        self.query_one("#headings", Static).update(Text(headings, "dim"))
        listed.clear_options()
        listed.add_options(
            [Option(Text(harmless(line), no_wrap=True), disabled=not name) for _host, name, line in lines]
        )
        places = [place for place, each in enumerate(self._places) if each.name]
        same = next((place for place in places if self._places[place] == before), None)
        listed.highlighted = same if same is not None else next(iter(places), None)

    def _chosen(self) -> Chosen | None:
        place = self.query_one(OptionList).highlighted
        return self._places[place] if place is not None and place < len(self._places) else None

    def on_option_list_option_highlighted(self, _event: OptionList.OptionHighlighted) -> None:
        """Say what else can be done with the chosen session."""
        chosen = self._chosen()
        hint = f"inv session.show {chosen.name}" if chosen else ""
        if chosen and chosen.host != self._here:
            hint = "   ".join(f"inv fleet.{task} {chosen.name}" for task in ("forward", "logs", "merge"))
        self.query_one("#hint", Static).update(Text(terminal.shorten_text(hint, max(self.size.width - 2, 1)), "dim"))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Leave with the session on whose line Enter was pressed, or that was clicked."""
        self.exit(self._places[event.option_index])

    def action_down(self) -> None:
        """Go to the next session."""
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        """Go to the one before."""
        self.query_one(OptionList).action_cursor_up()

    def action_look(self) -> None:
        """Ask the hosts at once."""
        self._wake.set()

    def action_leave(self) -> None:
        """End without a choice."""
        self.exit(None)
