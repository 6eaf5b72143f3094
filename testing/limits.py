"""Time limits: a part of a test that takes too long fails, and says where it was waiting."""

import faulthandler
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_GRACE = 60.0  # seconds that a test gets to clean up after its limit; then its process is ended

# The real stderr: pytest replaces the streams of a test.
_stderr = open(sys.__stderr__.fileno(), "w", closefd=False) if sys.__stderr__ else None  # noqa: SIM115


class OverdueError(AssertionError):
    """A part of a test took too long."""


@contextmanager
def limit(seconds: float, what: str) -> Iterator[None]:
    """Let the block fail after *seconds*. Limits can be nested."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread gets signals
        yield
        return

    def overdue(_number: int, _frame: FrameType | None) -> None:
        raise OverdueError(f"{what} was not over after {seconds:.0f} s")

    begun, handler = time.monotonic(), signal.signal(signal.SIGALRM, overdue)
    remaining, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if remaining:  # the remaining time of the outer limit
            signal.setitimer(signal.ITIMER_REAL, max(0.01, remaining - (time.monotonic() - begun)))


@contextmanager
def hard_limit(seconds: float, what: str) -> Iterator[None]:
    """Like `limit`, but if the process hangs on for a minute, print the stack of each thread and end it."""
    if _stderr:
        faulthandler.dump_traceback_later(seconds + _GRACE, exit=True, file=_stderr)
    try:
        with limit(seconds, what):
            yield
    finally:
        faulthandler.cancel_dump_traceback_later()
