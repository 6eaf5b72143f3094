"""What is told while a task works: on stderr, because stdout is the answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from . import terminal

_WIDTH = 10
_TICK = 0.12  # seconds between two pictures of what goes on
_QUIET = 0.5  # seconds after which one that goes on tells of them
_TURNING = ("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\")


class _Line:
    """The last line of a terminal: what goes on, told again and again in its place until it ends."""

    def __init__(self, title: str, detail: str) -> None:
        self.title, self.detail, self.share = title, detail, -1.0
        self.started, self.ended = time.monotonic(), threading.Event()

    def picture(self, columns: int) -> str:
        """Return it as it is now, shortened to less than *columns*: what wraps could not be overwritten."""
        seconds = time.monotonic() - self.started
        turning = _TURNING[terminal.encodable(_TURNING[0]) != _TURNING[0]]
        tail = f" {turning[int(seconds / _TICK) % len(turning)]}"
        tail += f" {self.share:.0%}" if self.share >= 0 else ""
        tail += f" {seconds:.0f} s" if seconds >= _QUIET else ""
        text = f"  {self.title:<{_WIDTH}} {terminal.line(self.detail)}"
        return terminal.encodable(terminal.shortened(text, columns - terminal.width(tail) - 1)) + tail


_lock = threading.RLock()  # a signal may end us while we hold it, and what is undone then talks as well
_line: _Line | None = None  # what goes on now
_drawn = 0  # columns that it takes
_muted = False


def say(text: str) -> None:
    """Print *text*, above what goes on."""
    _print(terminal.told(text))


def _print(text: str) -> None:
    if _muted:
        return
    with _lock:
        _erase()
        terminal.write(f"{text}\n")
        _draw()


def notice(text: str) -> None:
    """Tell of something that was left out or that the person should know."""
    told("note", text, terminal.YELLOW)


def told(title: str, detail: str, colour: int = terminal.GREEN) -> None:
    """Tell *detail* about *title*, its label."""
    label = terminal.painted(f"{title:<{_WIDTH}}", colour)
    _print(terminal.wrapped(f"  {label} {terminal.told(detail)}", _WIDTH + 3))


@contextmanager
def step(title: str, detail: str) -> Iterator[None]:
    """Tell that *title* was done, or failed, with the seconds it took; on a terminal also that it began."""
    started = time.monotonic()
    try:
        with busy(title, detail):
            yield
    except BaseException:
        told(title, f"failed: {detail}", terminal.RED)
        raise
    told(title, f"{detail}  {time.monotonic() - started:.2f} s")


@contextmanager
def busy(title: str, detail: str) -> Iterator[_Line]:
    """Show on a terminal that *title* goes on until it ends, and then no more of it; elsewhere show nothing.

    The `detail` of what is yielded may change.
    """
    outer, line = _line, _Line(title, detail)
    if not terminal.live():
        yield line
        return
    _show(line)
    threading.Thread(target=_turn, args=(line,), daemon=True).start()
    try:
        yield line
    finally:
        line.ended.set()
        _show(outer)


@contextmanager
def muted() -> Iterator[None]:
    """Tell nothing meanwhile: the whole terminal is somebody else's."""
    global _muted
    _muted = True
    try:
        yield
    finally:
        _muted = False


def progress(share: float) -> None:
    """Tell that *share*, from 0 to 1, of what goes on is done."""
    if _line is not None:
        _line.share = share


def _turn(line: _Line) -> None:
    while not line.ended.wait(_TICK):
        with _lock:
            if _line is line:
                _draw()


def _show(line: _Line | None) -> None:
    global _line
    with _lock:
        _erase()
        _line = line
        _draw()


def _erase() -> None:
    global _drawn
    if _drawn:
        terminal.write(f"\r{' ' * (terminal.columns() - 1)}\r")  # all of it: ^C is shown there as well
    _drawn = 0


def _draw() -> None:
    """Draw what goes on over its last picture."""
    global _drawn
    if _line is None:
        return
    columns = terminal.columns()
    shown = _line.picture(columns)
    taken = min(terminal.width(shown), columns - 1)
    terminal.write(f"\r{shown}{' ' * max(_drawn - taken, 0)}")
    _drawn = taken
