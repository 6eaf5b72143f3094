"""Progress and notes on stderr, while a task is running; results go to stdout."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from . import terminal

_WIDTH = 10
_TICK = 0.12  # seconds between two frames
_QUIET = 0.5  # seconds from which the duration is shown
_SPINNERS = ("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\")


class _Line:
    """The last line of a terminal: the step in progress, redrawn in place until it ends."""

    def __init__(self, title: str, detail: str) -> None:
        self.title, self.detail, self.share = title, detail, -1.0
        self.started, self.ended = time.monotonic(), threading.Event()

    def frame(self, columns: int) -> str:
        """Return the line as of now, shorter than *columns*: a line that wraps can't be overwritten."""
        seconds = time.monotonic() - self.started
        spinner = _SPINNERS[terminal.encodable_text(_SPINNERS[0]) != _SPINNERS[0]]
        tail = f" {spinner[int(seconds / _TICK) % len(spinner)]}"
        tail += f" {self.share:.0%}" if self.share >= 0 else ""
        tail += f" {seconds:.0f} s" if seconds >= _QUIET else ""
        text = f"  {self.title:<{_WIDTH}} {terminal.one_line(self.detail)}"
        return terminal.encodable_text(terminal.shorten_text(text, columns - terminal.text_width(tail) - 1)) + tail


_lock = threading.RLock()  # a signal may interrupt its holder, and the undo prints as well
_line: _Line | None = None  # the step in progress
_drawn = 0  # columns that its line takes
_muted = False
_steps: list[list[str]] = []  # what was told within each step in progress


def say(text: str) -> None:
    """Print *text* above the line in progress."""
    _print(terminal.told_text(text))


def _print(text: str) -> None:
    if _muted:
        return
    with _lock:
        _erase()
        terminal.write_out(f"{text}\n")
        _draw()


def notice(text: str) -> None:
    """Print a note: something that was skipped, or that the person should know."""
    tell("note", text, terminal.YELLOW)


def tell(title: str, detail: str, colour: int = terminal.GREEN) -> None:
    """Print *detail* after its label *title*."""
    _print(_labelled(title, detail, colour))


def _labelled(title: str, detail: str, colour: int) -> str:
    label = terminal.paint_text(f"{title:<{_WIDTH}}", colour)
    return terminal.wrap_text(f"  {label} {terminal.told_text(detail)}", _WIDTH + 3)


@contextmanager
def tell_step(title: str, detail: str) -> Iterator[None]:
    """Print that the step *title* succeeded, with its seconds, or failed; show it on a terminal while it is running."""
    started, within = time.monotonic(), list[str]()
    _steps.append(within)
    text, colour = f"failed: {detail}", terminal.RED
    try:
        with show_busy(title, detail):
            yield
        text, colour = f"{detail}  {time.monotonic() - started:.2f} s", terminal.GREEN
    finally:
        _steps.pop()
        lines = [_labelled(title, text, colour), *within]
        if _steps:  # steps within a step are told after it
            _steps[-1].extend(lines)
        else:
            for line in lines:
                _print(line)


@contextmanager
def show_busy(title: str, detail: str) -> Iterator[_Line]:
    """Show the step *title* on a terminal while it is running; elsewhere print nothing.

    The `detail` of the yielded line may be changed.
    """
    outer, line = _line, _Line(title, detail)
    if not terminal.is_live():
        yield line
        return
    _show(line)
    threading.Thread(target=_animate, args=(line,), daemon=True).start()
    try:
        yield line
    finally:
        line.ended.set()
        _show(outer)


@contextmanager
def muted_output() -> Iterator[None]:
    """Print nothing until the end of the block, in which something else draws the whole terminal."""
    global _muted
    _muted = True
    try:
        yield
    finally:
        _muted = False


def show_progress(share: float) -> None:
    """Show that the *share*, from 0 to 1, of the step in progress is done."""
    if _line is not None:
        _line.share = share


def _animate(line: _Line) -> None:
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
        terminal.write_out(f"\r{' ' * (terminal.terminal_columns() - 1)}\r")  # the whole line, with its ^C
    _drawn = 0


def _draw() -> None:
    """Draw the line in progress over its last frame."""
    global _drawn
    if _line is None:
        return
    columns = terminal.terminal_columns()
    frame = _line.frame(columns)
    width = min(terminal.text_width(frame), columns - 1)
    terminal.write_out(f"\r{frame}{' ' * max(_drawn - width, 0)}")
    _drawn = width


def list_some(names: Sequence[str], most: int = 12) -> str:
    """Return *names* as a list; of very many the first, and how many there are beyond them."""
    if len(names) <= most + 1:
        return ", ".join(names)
    return ", ".join([*names[:most], f"{len(names) - most} more"])
