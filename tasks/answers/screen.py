"""The sessions on a whole terminal: a table that renews itself, and the keys that act on its rows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..errors import SessionError
from ..model import Session
from ..status import Status
from . import display

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.layout import Layout

_KEYS = "↑↓ choose   enter attach   s stop   r resume   q quit"
_PLAIN_KEYS = "j/k choose   enter attach   s stop   r resume   q quit"
_HEADINGS = 2  # lines of the table before its first row

Look = Callable[[], Sequence[Status]]
Act = Callable[[str, str], str]


def watch(look: Look, act: Act, interval: float) -> Session | None:
    """Show what *look* returns, anew every *interval* seconds; return the session to attach to, if one was chosen.

    *act* performs a task on a session by name and returns what is to be shown of it.
    """
    from prompt_toolkit.application import Application

    view = _View(look, act)
    view.renew()
    application: Application[Session | None] = Application(
        layout=view.layout(), key_bindings=view.keys(), full_screen=True, refresh_interval=0.5
    )
    ended = threading.Event()
    threading.Thread(target=view.keep_renewing, args=(interval, ended, application), daemon=True).start()
    try:
        return application.run()
    finally:
        ended.set()


def pick(names: Sequence[str]) -> str | None:
    """Return the one of *names* that the person chooses by typing some of its letters; None when they do not."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, FuzzyWordCompleter
    from prompt_toolkit.document import Document

    completer = FuzzyWordCompleter(list(names))
    prompt: PromptSession[str] = PromptSession(completer=completer, complete_while_typing=True)
    try:
        typed = prompt.prompt("session: ", pre_run=lambda: prompt.default_buffer.start_completion()).strip()
    except (KeyboardInterrupt, EOFError):
        return None
    if typed in names:
        return typed
    found = [each.text for each in completer.get_completions(Document(typed), CompleteEvent())] if typed else []
    if typed and not found:
        raise SessionError(f"no session matches {typed!r}; known: {', '.join(names)}")
    return found[0] if found else None


class _View:
    """What is shown: the sessions at the last look, the chosen row, and what the last key did."""

    def __init__(self, look: Look, act: Act) -> None:
        self._look, self._act = look, act
        self._found: Sequence[Status] = ()
        self._row, self._said = 0, ""

    def renew(self) -> None:
        try:
            self._found = self._look()
        except SessionError as error:
            self._said = str(error)
        self._row = max(min(self._row, len(self._found) - 1), 0)

    def keep_renewing(self, interval: float, ended: threading.Event, application: Application[Session | None]) -> None:
        while not ended.wait(interval):
            self.renew()
            application.invalidate()

    def layout(self) -> Layout:
        """Return the layout: the table, then what the last key did, then the keys."""
        from prompt_toolkit.layout import FormattedTextControl, HSplit, Layout, Window

        table = Window(FormattedTextControl(self._table), wrap_lines=False)
        footer = Window(FormattedTextControl(self._footer), height=2, style="reverse")
        return Layout(HSplit([table, footer]))

    def _table(self) -> StyleAndTextTuples:
        lines = display.table(self._found).splitlines()
        return [("bold reverse" if i == self._row + _HEADINGS else "", f"{line}\n") for i, line in enumerate(lines)]

    def _footer(self) -> str:
        from prompt_toolkit.application import get_app

        plain = not get_app().output.encoding().lower().startswith("utf")
        return f"{self._said}\n{_PLAIN_KEYS if plain else _KEYS}"

    def keys(self) -> KeyBindings:
        """Return what each key does."""
        from prompt_toolkit.key_binding import KeyBindings

        keys = KeyBindings()
        for pressed, by in (("up", -1), ("k", -1), ("down", 1), ("j", 1)):
            keys.add(pressed)(lambda _event, by=by: self._move(by))
        for pressed, task in (("s", "session.stop"), ("r", "session.resume")):
            keys.add(pressed)(lambda event, task=task: self._start(task, event))
        for pressed in ("q", "c-c", "escape"):
            keys.add(pressed)(lambda event: event.app.exit(result=None))
        for pressed in ("enter", "a"):
            keys.add(pressed)(lambda event: event.app.exit(result=self._chosen()))
        return keys

    def _chosen(self) -> Session | None:
        return self._found[self._row].session if self._found else None

    def _move(self, by: int) -> None:
        self._row = max(min(self._row + by, len(self._found) - 1), 0)

    def _start(self, task: str, event: KeyPressEvent) -> None:
        """Perform *task* on the chosen session beside the screen, which goes on."""
        session = self._chosen()
        if session is None:
            return
        self._said = f"{task} {session.name} …"

        def perform() -> None:
            self._said = self._act(task, session.name)
            self.renew()
            event.app.invalidate()

        threading.Thread(target=perform, daemon=True).start()
