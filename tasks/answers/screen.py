"""The sessions on a whole terminal: a table that renews itself, and the keys that act on its rows."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .. import terminal
from ..model import Session
from .view import HEADINGS, Source, View

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.layout import Layout

_KEYS = "j/k choose   enter attach   l logs   s stop   r resume   q quit"
_FEW_WORDS = "j/k enter l logs s stop r resume q quit"  # in a narrow terminal, which often has few lines as well


def watch(source: Source, interval: float) -> Session | None:
    """Show the sessions, anew every *interval* seconds; return the session to attach to, if one was chosen."""
    from prompt_toolkit.application import Application

    view = View(source)
    view.renew()
    application: Application[Session | None] = Application(
        layout=_layout(view), key_bindings=_keys(view), full_screen=True, refresh_interval=0.5
    )
    ended = threading.Event()
    threading.Thread(target=_keep_renewing, args=(view, interval, ended, application), daemon=True).start()
    try:
        return application.run()
    finally:
        ended.set()


def _keep_renewing(view: View, interval: float, ended: threading.Event, app: Application[Session | None]) -> None:
    while not ended.wait(interval):
        view.renew()
        app.invalidate()


def _layout(view: View) -> Layout:
    """Return the layout: the table, whose rows scroll, logs when asked for, what the last key did, the keys.

    Where there is little room each part gets its share of it, and the chosen row is always shown.
    """
    from prompt_toolkit.data_structures import Point
    from prompt_toolkit.layout import Dimension, FormattedTextControl, HSplit, Layout, Window

    def part(index: int) -> str:
        return "\n".join(view.table(terminal.room())[index])

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
    shown: StyleAndTextTuples = []
    for index, line in enumerate(view.table(terminal.room())[1]):
        shown += [("", "\n" if index else ""), ("bold reverse" if index == view.row else "", line)]
    return shown


def _keys_told() -> str:
    from prompt_toolkit.application import get_app

    keys = _KEYS if terminal.room() >= len(_KEYS) else _FEW_WORDS
    if get_app().output.encoding().lower().startswith("utf"):
        keys = keys.replace("j/k", "↑↓")
    return keys


def _keys(view: View) -> KeyBindings:
    """Return what each key does."""
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()
    for pressed, by in (("up", -1), ("k", -1), ("down", 1), ("j", 1)):
        keys.add(pressed)(lambda _event, by=by: view.move(by))
    for pressed, task in (("s", "session.stop"), ("r", "session.resume")):
        keys.add(pressed)(lambda event, task=task: _start(view, task, event))
    keys.add("l")(lambda _event: view.open())
    for pressed in ("q", "c-c", "escape"):
        keys.add(pressed)(lambda event: event.app.exit(result=None))
    for pressed in ("enter", "a"):
        keys.add(pressed)(lambda event: _leave(view, event))
    keys.add("c-z")(lambda event: event.app.suspend_to_background())
    return keys


def _leave(view: View, event: KeyPressEvent) -> None:
    """Go to the chosen session, if that can be."""
    session = view.attachable()
    if session is not None:
        event.app.exit(result=session)


def _start(view: View, task: str, event: KeyPressEvent) -> None:
    """Perform *task* on the chosen session beside the screen, which goes on."""
    chosen = view.chosen()
    if chosen is None:
        return
    name = chosen.session.name
    view.said = f"{task} {name} …"

    def perform() -> None:
        said = view.source.act(task, name)
        view.renew()  # first: who reads that it is done may go on at once
        view.said = said
        event.app.invalidate()

    threading.Thread(target=perform, daemon=True).start()
