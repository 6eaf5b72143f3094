"""Fuzzy-find a session: a line to type letters into, and below it what they find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.reactive import Reactive
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from ...errors import SessionError, quote_text
from ...system import terminal
from .filters import best_names

_CSS = """
Screen { background: ansi_default; color: ansi_default; height: auto; max-height: 14; border: none; }
Screen:inline { height: auto; max-height: 14; border: none; }
Input { border: none; height: 1; background: ansi_default; padding: 0; }
OptionList { border: none; height: auto; max-height: 12; background: ansi_default; padding: 0; }
"""


def pick_name(names: Sequence[str], letters: str = "") -> str | None:
    """Return the one of *names* that matches *letters*, or that the person chooses; None if they cancel."""
    if letters in names:
        return letters
    matches = best_names(letters, names)
    if not matches:
        raise SessionError(f"No session matches {quote_text(letters)}. Sessions: {', '.join(names)}")
    if len(matches) == 1 and letters:
        return matches[0]
    terminal.follow_size()
    return Picker(names, letters).run(inline=True)


class Picker(App[str]):
    """The names that have the letters, the best first; Enter takes the marked one."""

    CSS = _CSS
    theme: Reactive[str] = Reactive("ansi-dark")  # set later, it would have the whole stylesheet read again
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,ctrl+k", "move(-1)", show=False, priority=True),
        Binding("down,ctrl+j,tab", "move(1)", show=False, priority=True),
        Binding("escape,ctrl+c", "cancel", show=False, priority=True),
    ]

    def __init__(self, names: Sequence[str], letters: str = "") -> None:
        super().__init__()
        self._names, self._letters = names, letters

    def compose(self) -> ComposeResult:
        """Yield the line and the list."""
        yield Input(self._letters, placeholder="session: letters of its name", select_on_focus=False)
        yield OptionList()

    def on_mount(self) -> None:
        """Show all of them."""
        self._show(self._letters)
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what the letters find."""
        self._show(event.value.strip())

    def _show(self, letters: str) -> None:
        found, matches = self.query_one(OptionList), best_names(letters, self._names)
        found.clear_options()
        found.add_options([Option(Text(name), id=str(place)) for place, name in enumerate(matches)])
        found.highlighted = 0 if matches else None

    def action_move(self, by: int) -> None:
        """Mark the next or the one before."""
        found = self.query_one(OptionList)
        (found.action_cursor_down if by > 0 else found.action_cursor_up)()

    def action_cancel(self) -> None:
        """Choose none."""
        self.exit(None)

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Take the marked one."""
        found = self.query_one(OptionList)
        if found.highlighted is not None:
            self.exit(str(found.get_option_at_index(found.highlighted).prompt))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the one that was clicked."""
        self.exit(str(event.option.prompt))
