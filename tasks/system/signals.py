"""Signals as exceptions, so that what was begun can be undone."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING

from ..errors import Interrupted

if TYPE_CHECKING:
    import psutil

Handler = Callable[[int, FrameType | None], object] | signal.Handlers

_GRACE = 10.0  # seconds for what we started to end when we are ended

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _raise(number: int, _frame: FrameType | None) -> None:
    _end_children()
    raise Interrupted(number)


def _end_children() -> None:
    """End what we started, and wait for that: what is undone next must not be made at the same time.

    A ^C reached it, too; a signal to us alone did not. What runs in a session of its own is ended by whoever began it.
    """
    import psutil

    running = _stop_children()
    for child in running:
        with suppress(psutil.Error):
            child.terminate()
            child.resume()
    deadline = time.monotonic() + _GRACE
    while any(_runs(child) for child in running) and time.monotonic() < deadline:
        time.sleep(0.01)


def _stop_children() -> "set[psutil.Process]":
    """Stop what we started, and return it; what is stopped can't start another that we would not know of."""
    import psutil

    group, seen, stopped = os.getpgrp(), set[psutil.Process](), set[psutil.Process]()
    while new := {*psutil.Process().children(recursive=True)} - seen:
        seen |= new
        for child in new:
            with suppress(OSError, psutil.Error):
                if os.getpgid(child.pid) == group:
                    child.suspend()
                    stopped.add(child)
    return stopped


def _runs(child: "psutil.Process") -> bool:
    """Return whether *child* has not ended; how it ended is for whoever waits for it."""
    import psutil

    try:
        return bool(child.is_running() and child.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


@contextmanager
def handle_signals(numbers: Iterable[int], by: Handler) -> Iterator[None]:
    """Handle the signals *numbers* *by* that function until the end of the block."""
    before = {number: signal.signal(number, by) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def signals_raised() -> Iterator[None]:
    """Raise `Interrupted` in the main thread for ^C, SIGTERM and SIGHUP.

    Python ends without unwinding on the last two, and Invoke swallows a KeyboardInterrupt while a command is running.
    """
    with handle_signals(ENDING, _raise):
        yield


def ignore_signals() -> None:
    """Ignore the same signals until `signals_raised` ends: only the confirmation is missing."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def surviving_window(session: str) -> Iterator[None]:
    """Do the same, but survive the end of our own window if it is one of *session*, by the mark in our environment."""
    if os.environ.get("TALLY_SESSION") != session:
        with signals_raised():
            yield
        return
    with handle_signals((signal.SIGHUP,), signal.SIG_IGN):
        yield


@contextmanager
def signals_held() -> Iterator[None]:
    """Ignore the same signals: an interrupted undo would leave something behind."""
    with handle_signals(ENDING, signal.SIG_IGN):
        yield
