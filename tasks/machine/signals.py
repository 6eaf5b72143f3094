"""Signals as exceptions, so that what was begun can be undone."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

from ..errors import Interrupted

Handler = Callable[[int, FrameType | None], object] | signal.Handlers

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _raise(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)


@contextmanager
def handled(numbers: Iterable[int], by: Handler) -> Iterator[None]:
    """Have the signals *numbers* handled *by* that, and afterwards as before."""
    before = {number: signal.signal(number, by) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def raised() -> Iterator[None]:
    """Raise `Interrupted` in the main thread for ^C, SIGTERM and SIGHUP.

    Python ends without unwinding on the last two, and Invoke swallows a KeyboardInterrupt while a command runs.
    """
    with handled(ENDING, _raise):
        yield


def ignore() -> None:
    """Ignore the same signals until `raised` is left: what is about to be confirmed is not called interrupted."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def surviving(session: str) -> Iterator[None]:
    """Do the same, but outlive the end of the window that we run in when it is one of *session*, by its mark."""
    if os.environ.get("TALLY_SESSION") != session:
        with raised():
            yield
        return
    with handled((signal.SIGHUP,), signal.SIG_IGN):
        yield


@contextmanager
def held() -> Iterator[None]:
    """Ignore the same signals: an undo that is interrupted would leave something behind."""
    with handled(ENDING, signal.SIG_IGN):
        yield
