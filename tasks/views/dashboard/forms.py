"""Forms: what to add, what to say to Claude."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Static, TextArea

from .dialogs import Dialog


class Choices(NamedTuple):
    """What a form offers, as the configuration has it."""

    components: Sequence[str] = ()
    agents: Sequence[str] = ()
    base: str = ""


class AddForm(Dialog):
    """Name, base, prompt, component and agent of a new session; the answer is the arguments of the task, as JSON."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "submit", show=False)]

    def __init__(self, choices: Choices) -> None:
        super().__init__("Add a session")
        self._choices = choices

    def parts(self) -> ComposeResult:
        """Yield the fields."""
        yield _titled(Input(placeholder="feature/login", id="name"), "Name, also of the branch")
        yield _titled(Input(placeholder=self._choices.base, id="base"), "Base")
        yield _titled(Input(placeholder="none", id="prompt"), "First message to Claude")
        for name in ("component", "agent"):
            if options := getattr(self._choices, f"{name}s"):
                select = Select([(each, each) for each in options], prompt="default", id=name, compact=True)
                yield _titled(select, name.capitalize())
        with Horizontal(classes="buttons"):
            yield Button("Add", id="add", variant="primary", compact=True)
        yield Static("enter adds, tab moves, esc cancels", classes="hint")

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Enter in a field adds."""
        self.action_submit()

    def on_button_pressed(self, _event: Button.Pressed) -> None:
        """So does the button."""
        self.action_submit()

    def action_submit(self) -> None:
        """Take what was filled in."""
        values = {each.id or "": each.value.strip() for each in self.query(Input)}
        for each in self.query(Select):
            values[each.id or ""] = "" if each.is_blank() else str(each.value)
        name = values.pop("name")
        options = [f"--{key}={value}" for key, value in values.items() if value]
        self.dismiss(json.dumps([*([name] if name else []), *options]))


def _titled(field: Widget, title: str) -> Widget:
    field.border_title = title
    return field


class LineForm(Dialog):
    """A field of one line."""

    def __init__(self, title: str, example: str = "") -> None:
        super().__init__(title)
        self._example = example

    def parts(self) -> ComposeResult:
        """Yield the field."""
        yield Input(placeholder=self._example, id="line")
        yield Static("enter takes it, esc cancels", classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the text, if there is any."""
        self.dismiss(event.value.strip() or None)


class PromptForm(Dialog):
    """A message of one or more lines; Enter sends it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "submit", show=False)]

    def __init__(self, title: str, hint: str = "") -> None:
        super().__init__(title, hint)

    def parts(self) -> ComposeResult:
        """Yield the field."""
        yield _Message(id="message")
        yield Static("enter sends, ctrl+j begins a line, esc cancels", classes="hint")

    def action_submit(self) -> None:
        """Take the text, if there is any."""
        text = self.query_one(TextArea).text.strip()
        self.dismiss(text or None)


class _Message(TextArea):
    """A field in which Enter sends, and ctrl+j begins a line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.submit", show=False, priority=True),
        Binding("ctrl+j", "begin_line", show=False, priority=True),
    ]

    def action_begin_line(self) -> None:
        """Begin another line."""
        self.insert("\n")
