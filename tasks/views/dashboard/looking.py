"""What the keys do that only show something: the next one in need, tabs, sorting, marks, the filter, the help."""

from __future__ import annotations

from rich.text import Text
from textual import on
from textual.widgets import Input

from ...status import attention
from . import dialogs
from .making import MakingApp
from .preview import Preview
from .session_list import SessionList

_EXAMPLES = "name, state:waiting, component:server, git:conflict"
SORTS = ("attention", "name", "age")


class LookingApp(MakingApp):
    """An app with a list and a preview, and the keys for looking at them."""

    sort: str = SORTS[0]
    filter: str = ""

    def show(self) -> None:
        """Show what is known now."""
        raise NotImplementedError

    @property
    def sessions(self) -> SessionList:
        """The list."""
        return self.screen_stack[0].query_one(SessionList)

    @property
    def preview(self) -> Preview:
        """The preview."""
        return self.screen_stack[0].query_one(Preview)

    def action_next(self) -> None:
        """Go to the next session that needs somebody."""
        rows, (place, _count) = self.sessions.shown, self.sessions.position
        for row in [*rows[place:], *rows[:place]]:
            if row.attention in attention.NEEDS_PERSON:
                self.sessions.choose(row.key)
                return
        self.tell("No session needs you.")

    def action_tab(self, tab: str) -> None:
        """Show a tab."""
        self.preview.open_tab(tab)

    def action_turn(self, by: int) -> None:
        """Show the tab beside this one."""
        self.preview.turn(by)

    def action_zoom(self) -> None:
        """Give the preview the whole screen, or no longer."""
        screen = self.screen_stack[0]
        screen.toggle_class("zoomed")
        (screen.query_one("#lines") if screen.has_class("zoomed") else self.sessions).focus()

    def action_other_side(self) -> None:
        """Go to the preview and back."""
        lines = self.screen_stack[0].query_one("#lines")
        (self.sessions if lines.has_focus else lines).focus()

    def action_sort(self) -> None:
        """Sort in another way."""
        self.sort = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)]
        self.show()

    def action_mark(self) -> None:
        """Mark the chosen session, or no longer."""
        self.sessions.toggle_mark()
        self.show()

    def action_filter(self) -> None:
        """Ask which sessions to show."""
        screen = self.screen_stack[0]
        field = self._filter_field or Input(id="filter", placeholder=_EXAMPLES)
        if not field.parent:  # it is rarely used, and its part of the stylesheet would delay the first look
            screen.query_one("#left").mount(field)
        field.display = True
        screen.set_focus(field)  # at once: the next key is meant for it

    @property
    def _filter_field(self) -> Input | None:
        return next(iter(self.screen_stack[0].query("#filter").results(Input)), None)

    @on(Input.Changed, "#filter")
    def _filtered(self, event: Input.Changed) -> None:
        self.filter = event.value.strip()
        self.show()

    @on(Input.Submitted, "#filter")
    def _filter_done(self, event: Input.Submitted) -> None:
        event.input.display = False
        self.sessions.focus()

    def action_step_back(self) -> None:
        """Leave what is open: the whole preview, the filter, the marks."""
        field = self._filter_field
        if self.screen_stack[0].has_class("zoomed"):
            self.action_zoom()
        elif field is not None and (field.display or self.filter):
            field.value, field.display = "", False
        else:
            self.sessions.marks = frozenset()
        self.sessions.focus()
        self.show()

    def action_help(self) -> None:
        """Show all keys."""
        self.push_screen(dialogs.Help(self.size.width))

    def action_results(self) -> None:
        """Show what the last actions printed."""
        text = Text()
        for job in reversed(self.jobs.every):
            end = "running" if job.code is None else "failed" if job.code else "done"
            text.append(f"{job.command.title}: {end}, {job.seconds:.1f} s\n", "bold red" if job.code else "bold")
            text.append(f"{job.whole}\n\n")
        self.push_screen(dialogs.Notice("What the last actions printed", text or Text("Nothing was done yet.")))
