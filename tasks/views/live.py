"""The list of sessions that follows what happens, and its keys."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..errors import SessionError
from ..model import Session
from ..status.session_status import Status
from ..system import terminal
from . import tables

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.layout import Layout


HEADINGS = 2  # lines of the table before its first row
_FOOTING = 3  # lines below the table that are not logs
_ATTACHED = ("running", "partial")


class Source(NamedTuple):
    """Where what is shown comes from, and who acts.

    *look* returns the sessions and notes on them, *printed* what one printed in some lines; *act* performs a task on
    one by name and returns what is to be shown of that.
    """

    look: Callable[[], tuple[Sequence[Status], Sequence[str]]]
    printed: Callable[[Session, int], Sequence[str]]
    act: Callable[[str, str], str]


class View:
    """It is renewed beside the keys; a lock keeps the chosen row on the session that it was on."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._lock = threading.Lock()
        self._found: Sequence[Status] = ()
        self._notes: Sequence[str] = ()
        self.row = 0
        self._reading = False  # whether logs are shown
        self.printed: Sequence[str] = ()
        self._trouble = ""  # why the last look failed
        self.said = ""

    def renew(self) -> None:
        """Look again; the chosen session stays the chosen one, whatever came or went above it."""
        try:
            statuses, notes = self.source.look()
        except (SessionError, OSError) as error:
            self._trouble = str(error)
            return
        with self._lock:
            name = self._found[self.row].session.name if self._found else ""
            names = [each.session.name for each in statuses]
            row = names.index(name) if name in names else min(self.row, max(len(names) - 1, 0))
            self._found, self._notes, self.row, self._trouble = statuses, notes, row, ""
        self._read()

    def move(self, by: int) -> None:
        """Choose another row."""
        with self._lock:
            self.row = max(min(self.row + by, len(self._found) - 1), 0)
        self._read()

    def open(self) -> None:
        """Show logs, or no longer."""
        self._reading = not self._reading
        self._read()

    def chosen(self) -> Status | None:
        """Return the chosen one."""
        with self._lock:
            return self._found[self.row] if self._found else None

    def attachable(self) -> Session | None:
        """Return the chosen session if it can be attached to; else say why not."""
        status = self.chosen()
        if status is None or status.state in _ATTACHED:
            return status.session if status else None
        name = status.session.name
        advice = "Press r to resume it." if status.state == "stopped" else f"Run: inv session.show {name}"
        self.said = f"{name} is {status.state}. {advice}"
        return None

    def _read(self) -> None:
        """Look at what the chosen session printed, for as many lines as there is room below the table."""
        status, height = self.chosen(), len(self._found) + len(self._notes) + HEADINGS + _FOOTING
        lines = terminal.terminal_lines()
        try:
            room = max(lines - height, lines // 3, 1)
            self.printed = self.source.printed(status.session, room) if self._reading and status else ()
        except SessionError as error:
            self.printed = str(error).splitlines()

    def count(self) -> int:
        """Return how many rows there are."""
        return len(self._found)

    def table(self, columns: int) -> tuple[list[str], list[str], list[str]]:
        """Return the headings, one row for each session, and what is to be said below them."""
        statuses = self._found
        if not statuses and self._trouble:
            return [], [], []
        lines = tables.sessions_table(statuses, columns).splitlines()
        if not statuses:
            return [], [], lines
        below = HEADINGS + len(statuses)
        return lines[:HEADINGS], lines[HEADINGS:below], [*lines[below:], *self._notes]

    def told(self) -> str:
        """Return what went wrong at the last look, or what the last key did."""
        return self._trouble or self.said


_KEYS = "j/k choose   enter attach   l logs   s stop   r resume   q quit"
_FEW_WORDS = "j/k enter l logs s stop r resume q quit"  # in a narrow terminal, which often has few lines as well


def watch_sessions(source: Source, interval: float) -> Session | None:
    """Show the sessions, updated every *interval* seconds; return the session to attach to, if one was chosen."""
    from prompt_toolkit.application import Application

    view = View(source)
    view.renew()
    application: Application[Session | None] = Application(
        layout=_layout(view), key_bindings=_keys(view), full_screen=True, refresh_interval=0.5
    )
    end = threading.Event()
    threading.Thread(target=_keep_renewing, args=(view, interval, end, application), daemon=True).start()
    try:
        return application.run()
    finally:
        end.set()


def _keep_renewing(view: View, interval: float, end: threading.Event, app: Application[Session | None]) -> None:
    while not end.wait(interval):
        view.renew()
        app.invalidate()


def _layout(view: View) -> Layout:
    """Return the layout: the table, whose rows scroll, logs when asked for, what the last key did, the keys.

    Where there is little room each part gets its share of it, and the chosen row is always shown.
    """
    from prompt_toolkit.data_structures import Point
    from prompt_toolkit.layout import Dimension, FormattedTextControl, HSplit, Layout, Window

    def part(index: int) -> str:
        return "\n".join(view.table(terminal.stdout_columns())[index])

    rows = FormattedTextControl(
        lambda: _rows(view), show_cursor=False, get_cursor_position=lambda: Point(0, _row(view))
    )
    return Layout(HSplit([
        Window(FormattedTextControl(lambda: part(0)), dont_extend_height=True,
               height=lambda: Dimension(preferred=HEADINGS if view.count() else 0)),
        Window(rows, height=lambda: Dimension(min=1, preferred=view.count()), dont_extend_height=True),
        Window(FormattedTextControl(lambda: part(2)), style="italic", wrap_lines=True, dont_extend_height=True),
        Window(FormattedTextControl(lambda: "\n".join(["", *view.printed]))),
        Window(FormattedTextControl(view.told), height=lambda: Dimension(min=1) if view.told() else Dimension.exact(0),
               style="reverse", wrap_lines=True, dont_extend_height=True),
        Window(FormattedTextControl(_keys_told), height=Dimension(min=1), style="reverse", wrap_lines=True,
               dont_extend_height=True),
    ]))  # fmt: skip


def _row(view: View) -> int:
    return max(min(view.row, view.count() - 1), 0)


def _rows(view: View) -> StyleAndTextTuples:
    fragments: StyleAndTextTuples = []
    for index, line in enumerate(view.table(terminal.stdout_columns())[1]):
        fragments += [("", "\n" if index else ""), ("bold reverse" if index == view.row else "", line)]
    return fragments


def _keys_told() -> str:
    from prompt_toolkit.application import get_app

    keys = _KEYS if terminal.stdout_columns() >= len(_KEYS) else _FEW_WORDS
    if get_app().output.encoding().lower().startswith("utf"):
        keys = keys.replace("j/k", "↑↓")
    return keys


def _keys(view: View) -> KeyBindings:
    """Return what each key does."""
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()
    for key, by in (("up", -1), ("k", -1), ("down", 1), ("j", 1)):
        keys.add(key)(lambda _event, by=by: view.move(by))
    for key, task in (("s", "session.stop"), ("r", "session.resume")):
        keys.add(key)(lambda event, task=task: _start(view, task, event))
    keys.add("l")(lambda _event: view.open())
    for key in ("q", "c-c", "escape"):
        keys.add(key)(lambda event: event.app.exit(result=None))
    for key in ("enter", "a"):
        keys.add(key)(lambda event: _leave(view, event))
    keys.add("c-z")(lambda event: event.app.suspend_to_background())
    return keys


def _leave(view: View, event: KeyPressEvent) -> None:
    """Go to the chosen session, if that can be."""
    session = view.attachable()
    if session is not None:
        event.app.exit(result=session)


def _start(view: View, task: str, event: KeyPressEvent) -> None:
    """Perform *task* on the chosen session beside the screen, which goes on."""
    status = view.chosen()
    if status is None:
        return
    name = status.session.name
    view.said = f"{task} {name} …"

    def perform() -> None:
        answer = view.source.act(task, name)
        view.renew()  # first: the message says that it is done, so the table has to show it
        view.said = answer
        event.app.invalidate()

    threading.Thread(target=perform, daemon=True).start()
