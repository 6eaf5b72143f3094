"""What the dashboard asks and says above its list: questions, messages, the help, a choice among removed sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.table import Table
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from ...system import terminal
from . import columns, keys
from .strips import harmless, in_border

_TWO_COLUMNS = 104
_LOW = 28  # lines
_AROUND = 4  # columns beside the label of a button


class Choice(NamedTuple):
    """An answer to a question: its key, what the button says, and what it means; *key* may be pressed instead."""

    key: str
    label: str
    value: str
    is_danger: bool = False


class Dialog(ModalScreen[str | None]):
    """A box above the list, which escape closes with None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+c", "close", show=False)]

    def __init__(self, title: str, text: str | Text | Table = "", is_danger: bool = False) -> None:
        super().__init__(classes="dialog")
        self._title, self._text, self._is_danger = title, text, is_danger
        self._has_answer = False

    def compose(self) -> ComposeResult:
        """Yield the box, its text and what the dialog adds."""
        with Vertical(classes="warns" if self._is_danger else "") as box:
            box.border_title = in_border(self._title)
            if self._text:
                with VerticalScroll(id="body"):
                    text = self._text
                    yield Static(Text(harmless(terminal.home_paths(text))) if isinstance(text, str) else text)
            yield from self.parts()

    def on_resize(self, event: events.Resize) -> None:
        """Leave nothing empty in a low terminal, and no button out of a narrow one."""
        self.set_class(event.size.height < _LOW, "tight")
        self.call_after_refresh(self._place_buttons)

    def _place_buttons(self) -> None:
        for row in self.query(".buttons"):
            needed = sum(len(str(button.label)) + _AROUND for button in row.query(Button) if button.display)
            row.set_class(needed > row.size.width, "below")

    def parts(self) -> ComposeResult:
        """Yield what stands below the text."""
        yield from ()

    def dismiss(self, result: str | None = None) -> AwaitComplete:
        """Close it with *result*, once: of several keys that come at once, the first is the answer."""
        if self._has_answer:
            return AwaitComplete()
        self._has_answer = True
        closing: AwaitComplete = super().dismiss(result)
        return closing

    def action_close(self) -> None:
        """Close it without an answer."""
        self.dismiss(None)


class Question(Dialog):
    """A question with its answers as buttons; each has a key. The first one is what Enter means.

    Until one without answers is filled, keys do nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "scroll(1)", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("pagedown", "scroll(10)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, title: str, text: str | Text, choices: Sequence[Choice]) -> None:
        super().__init__(title, text, any(each.is_danger for each in choices))
        self._choices = choices

    def parts(self) -> ComposeResult:
        """Yield a button for each answer."""
        with Horizontal(classes="buttons"):
            for each in self._choices:
                classes = "danger" if each.is_danger else ""
                yield Button(f"{each.key}  {each.label}", id=f"choice-{each.value}", classes=classes, compact=True)
        yield Static("← → choose, enter takes it, esc cancels" if self._choices else "esc cancels", classes="hint")

    def on_mount(self) -> None:
        """Begin at the first answer, which changes nothing."""
        for button in self.query(Button)[:1]:
            button.focus()

    async def fill(self, text: str, choices: Sequence[Choice]) -> None:
        """Ask about *text*, now that it is known."""
        while not self.is_mounted:
            await asyncio.sleep(0)
        self._text, self._choices, self._is_danger = text, choices, any(each.is_danger for each in choices)
        await self.recompose()
        self.on_mount()
        self.call_after_refresh(self._place_buttons)

    def action_scroll(self, by: int) -> None:
        """Scroll the text by lines."""
        for body in self.query("#body"):
            body.scroll_relative(y=by, animate=False)

    def on_key(self, event: events.Key) -> None:
        """Take the answer that has this key."""
        for each in self._choices:
            if event.character == each.key:
                event.stop()
                self.dismiss(each.value)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Take the answer of the button."""
        self.dismiss((event.button.id or "").removeprefix("choice-"))


class Notice(Dialog):
    """What a task printed, whole; *again* is the label of a button that runs it in another way."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,enter", "close", show=False),
        Binding("y", "copy", show=False),
    ]

    def __init__(self, title: str, text: str | Text | Table, is_error: bool = False) -> None:
        super().__init__(title, text, is_error)

    def parts(self) -> ComposeResult:
        """Yield how it is closed."""
        yield Static("esc closes, y copies the text", classes="hint")

    def action_copy(self) -> None:
        """Copy the text, by way of the terminal."""
        self.app.copy_to_clipboard(str(self._text) if isinstance(self._text, (str, Text)) else "")
        self.query_one(".hint", Static).update("Copied. esc closes")


class Help(Notice):
    """All keys, and what the signs mean; in two columns where there is room for them."""

    def __init__(self, width: int) -> None:
        left, right = (_help_groups(keys.GO, keys.ACT, keys.WORK, keys.OTHER), _help_groups(keys.LOOK))
        right.append_text(_help_signs())
        grid = Table.grid(padding=(0, 3))
        if width >= _TWO_COLUMNS:
            grid.add_row(left, right)
        else:
            grid.add_row(left.append("\n").append_text(right))
        super().__init__(keys.TITLE, grid)


class Pick(Dialog):
    """A choice among several things."""

    def __init__(self, title: str, options: Sequence[tuple[str, str | Text]]) -> None:
        super().__init__(title)
        self._options = options

    def parts(self) -> ComposeResult:
        """Yield the list."""
        yield OptionList(*(Option(text, id=f"{place}") for place, (_value, text) in enumerate(self._options)))
        yield Static("enter chooses, esc cancels", classes="hint")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take what was chosen."""
        self.dismiss(self._options[event.option_index][0])


def _help_groups(*groups: str) -> Text:
    text = Text()
    for group in groups:
        text.append(f"{group}\n", "bold cyan")
        lines = [(key.shown, key.help) for key in keys.KEYS if key.group == group]
        for shown, what in [*lines, *(keys.MOVES if group == keys.LOOK else ())]:
            text.append(f"  {shown:<8}", "bold").append(f"{what}\n")
        text.append("\n")
    text.rstrip()
    return text.append("\n\n" if keys.LOOK in groups else "")


def _help_signs() -> Text:
    text = Text("Signs\n", "bold cyan")
    signs = Text()
    for place, (name, style) in enumerate(columns.STYLES.items()):
        signs.append(f"  {columns.glyph(name)} ", style).append(f"{name:<10}{chr(10) * (place == 2)}")
    signs.append("\n  ±3 changed  ↑2 ahead  ↓1 behind  ≠1 conflict")
    signs.append("\n  ⊄1 outside of its component  … not known yet")
    signs.append("\n  8001 up  8001- off  8001! another program's\n\n")
    signs.append("Filters\n", "bold cyan")
    signs.append("  fau             letters of the name, in order\n  state:waiting   git:conflict   component:server\n")
    signs.append("  branch:  base:  claude:  repository:")
    return Text().append_text(text).append_text(signs)
