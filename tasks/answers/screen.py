"""The sessions on a whole terminal: a table that renews itself, and the keys that act on its rows."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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

_KEYS = "↑↓ choose   enter attach   l logs   s stop   r resume   q quit"
_PLAIN_KEYS = "j/k choose   enter attach   l logs   s stop   r resume   q quit"
_HEADINGS = 2  # lines of the table before its first row
_FOOTING = 3  # lines below the table that are not logs


@dataclass(frozen=True)
class Source:
    """Where what is shown comes from, and who acts.

    *look* returns the sessions and notes on them, *printed* what one printed in some lines; *act* performs a task on
    one by name and returns what is to be shown of that.
    """

    look: Callable[[], tuple[Sequence[Status], Sequence[str]]]
    printed: Callable[[Session, int], Sequence[str]]
    act: Callable[[str, str], str]


def watch(source: Source, interval: float) -> Session | None:
    """Show the sessions, anew every *interval* seconds; return the session to attach to, if one was chosen."""
    from prompt_toolkit.application import Application

    view = _View(source)
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


class _View:
    """What is shown: the sessions at the last look, the chosen row, and what the last key did."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._found: Sequence[Status] = ()
        self._notes: Sequence[str] = ()
        self._row, self._said = 0, ""
        self._reading = False  # whether logs are shown
        self._printed: Sequence[str] = ()

    def renew(self) -> None:
        try:
            self._found, self._notes = self._source.look()
        except SessionError as error:
            self._said = str(error)
        self._move(0)

    def _read(self) -> None:
        """Look at what the chosen session printed, for as many lines as there is room below the table."""
        session, taken = self._chosen(), len(self._found) + len(self._notes) + _HEADINGS + _FOOTING
        try:
            room = max(shutil.get_terminal_size().lines - taken, 1)
            self._printed = self._source.printed(session, room) if self._reading and session else ()
        except SessionError as error:
            self._printed = str(error).splitlines()

    def keep_renewing(self, interval: float, ended: threading.Event, application: Application[Session | None]) -> None:
        while not ended.wait(interval):
            self.renew()
            application.invalidate()

    def layout(self) -> Layout:
        """Return the layout: the table, logs when asked for, then what the last key did, then the keys."""
        from prompt_toolkit.layout import FormattedTextControl, HSplit, Layout, Window

        table = Window(FormattedTextControl(self._table), dont_extend_height=True)
        logs = Window(FormattedTextControl(lambda: "\n".join(["", *self._printed])))
        footer = Window(FormattedTextControl(self._footer), height=2, style="reverse")
        return Layout(HSplit([table, logs, footer]))

    def _table(self) -> StyleAndTextTuples:
        lines = display.table(self._found).splitlines()
        rows = [("bold reverse" if i == self._row + _HEADINGS else "", f"{line}\n") for i, line in enumerate(lines)]
        return [*rows, *(("italic", f"{note}\n") for note in self._notes)]

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
        keys.add("l")(lambda _event: self._open())
        for pressed in ("q", "c-c", "escape"):
            keys.add(pressed)(lambda event: event.app.exit(result=None))
        for pressed in ("enter", "a"):
            keys.add(pressed)(lambda event: event.app.exit(result=self._chosen()))
        return keys

    def _chosen(self) -> Session | None:
        return self._found[self._row].session if self._found else None

    def _move(self, by: int) -> None:
        self._row = max(min(self._row + by, len(self._found) - 1), 0)
        self._read()

    def _open(self) -> None:
        self._reading = not self._reading
        self._read()

    def _start(self, task: str, event: KeyPressEvent) -> None:
        """Perform *task* on the chosen session beside the screen, which goes on."""
        session = self._chosen()
        if session is None:
            return
        self._said = f"{task} {session.name} …"

        def perform() -> None:
            self._said = self._source.act(task, session.name)
            self.renew()
            event.app.invalidate()

        threading.Thread(target=perform, daemon=True).start()
