"""Signals as exceptions, so that what was begun can be undone."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..errors import Interrupted

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _raise(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)


@contextmanager
def raised() -> Iterator[None]:
    """Raise `Interrupted` in the main thread for ^C, SIGTERM and SIGHUP.

    Python ends without unwinding on the last two, and Invoke swallows a KeyboardInterrupt while a command runs.
    """
    before = {number: signal.signal(number, _raise) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore() -> None:
    """Ignore the same signals until `raised` is left: what is about to be confirmed is not called interrupted."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def surviving(session: str) -> Iterator[None]:
    """Do the same, but outlive the end of the window that we run in when it is one of *session*, by its mark."""
    if os.environ.get("TALLY_SESSION") != session:
        with raised():
            yield
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextmanager
def held() -> Iterator[None]:
    """Ignore the same signals: an undo that is interrupted would leave something behind."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
