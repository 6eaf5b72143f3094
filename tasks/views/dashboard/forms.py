"""Forms: what to add, what to say to Claude."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Button, Input, Select, Static, TextArea

from ...errors import SessionError
from ...model import Repository
from ...system import terminal
from .dialogs import Dialog
from .drafts import Choices, Draft
from .strips import harmless

_CHOSEN = ("component", "agent")  # the fields with a list to choose from


class AddForm(Dialog):
    """Name, base, prompt, component and agent of a new session; it stays until the task has accepted them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "submit", show=False)]

    def __init__(
        self, draft: Draft, repositories: Sequence[Repository], choices: Callable[[Repository], Choices],
        begin: Callable[[AddForm, list[str]], None],
    ) -> None:  # fmt: skip
        super().__init__("Add a session")
        self.draft, self._repositories, self._choices, self._begin = draft, repositories, choices, begin
        self._is_busy = False

    def parts(self) -> ComposeResult:
        """Yield the fields, and above them what is wrong."""
        with VerticalScroll(id="error"):
            yield Static()
        if len(self._repositories) > 1:
            places = [(terminal.one_line(terminal.home_path(str(each.main))), each) for each in self._repositories]
            where = Select(places, allow_blank=False, value=self.draft.repository, id="repository", compact=True)
            yield _titled(where, "Repository")
        values = self.draft.values
        yield _titled(Input(values.get("name", ""), placeholder="feature/login", id="name"), "Name, also of the branch")
        yield _titled(Input(values.get("base", ""), id="base"), "Base")
        yield _titled(Input(values.get("prompt", ""), placeholder="none", id="prompt"), "First message to Claude")
        for name in _CHOSEN:
            yield _titled(Select[str]([], prompt="default", id=name, compact=True), name.capitalize())
        with Horizontal(classes="buttons"):
            yield Button("Add", id="add", variant="primary", compact=True)
            yield Button("Approve and add", id="approve", classes="danger", compact=True)
        yield Static(id="hint", classes="hint")

    def on_mount(self) -> None:
        """Show what was wrong, and what the repository offers."""
        for name in _CHOSEN:
            self.query_one(f"#{name}").display = False
        self.refuse(self.draft.error)
        self.run_worker(self._offer())

    async def _offer(self) -> None:
        """Offer what the configuration of the repository has; one that is wrong is said."""
        try:
            choices = await asyncio.to_thread(self._choices, self.draft.repository)
        except SessionError as error:
            self.refuse(str(error))
            return
        self.query_one("#base", Input).placeholder = choices.base
        for name in _CHOSEN:
            options, select = getattr(choices, f"{name}s"), self.query_one(f"#{name}", Select)
            select.set_options([(each, each) for each in options])
            select.display = bool(options)
            if (value := self.draft.values.get(name)) in options:
                select.value = value

    @on(Select.Changed, "#repository")
    def _moved(self, event: Select.Changed) -> None:
        if isinstance(event.value, Repository) and event.value != self.draft.repository:
            self.draft = self.draft._replace(repository=event.value, values=self._values())
            self.run_worker(self._offer(), exclusive=True)

    def refuse(self, error: str) -> None:
        """Say what is wrong, with the cursor where it is; an empty *error* is none."""
        self._is_busy, self.draft = False, self.draft._replace(error=error)
        self.query_one("#approve").display = self.draft.needs_approval
        _show_error(self, error)
        self.query_one("#hint", Static).update("enter adds, tab moves, esc cancels")
        self.query_one(f"#{self.draft.fault}").focus()  # never the approval: Enter alone must not give it

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Enter in a field adds."""
        self.action_submit()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """So does the button."""
        self.action_submit("--yes" if event.button.id == "approve" else "")

    def action_submit(self, more: str = "") -> None:
        """Have it added as it was filled in."""
        if self._is_busy:
            return
        self._is_busy = True
        self.draft = self.draft._replace(values=self._values(), error="")
        self.query_one("#hint", Static).update("Adding …")
        self._begin(self, [*self.draft.words, *([more] if more else [])])

    def _values(self) -> dict[str, str]:
        values = {each.id or "": each.value.strip() for each in self.query(Input)}
        chosen = {each.id or "": each for each in self.query(Select) if each.id in _CHOSEN and each.display}
        return {**values, **{name: "" if each.is_blank() else str(each.value) for name, each in chosen.items()}}


def _show_error(form: Dialog, error: str) -> None:
    shown = form.query_one("#error")
    shown.display = bool(error)
    shown.query_one(Static).update(Text(harmless(terminal.home_paths(error))))


def _titled(field: Widget, title: str) -> Widget:
    field.border_title = title
    return field


class LineForm(Dialog):
    """A field of one line, with what was *written*; it stays until the task has accepted that, and says why not."""

    def __init__(
        self, title: str, example: str, begin: Callable[[LineForm, str], None], written: str = "", error: str = ""
    ) -> None:
        super().__init__(title)
        self._example, self._begin, self._written, self._error = example, begin, written, error
        self._is_busy = False

    def parts(self) -> ComposeResult:
        """Yield the field, and below it what is wrong."""
        yield Input(self._written, placeholder=self._example, id="line", select_on_focus=False)
        with VerticalScroll(id="error"):
            yield Static()
        yield Static(id="hint", classes="hint")

    def on_mount(self) -> None:
        """Show what was wrong."""
        self.refuse(self._error)

    def refuse(self, error: str) -> None:
        """Say what is wrong, with the cursor in the field; an empty *error* is none."""
        self._is_busy = False
        _show_error(self, error)
        self.query_one("#hint", Static).update("enter takes it, esc cancels")
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Have it done with the text; without any there is nothing to do."""
        if not (text := event.value.strip()):
            self.dismiss(None)
        elif not self._is_busy:
            self._is_busy = True
            self.query_one("#hint", Static).update("Working …")
            self._begin(self, text)


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
