"""What is told while a task works: on stderr, because stdout is the answer."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_WIDTH = 10


def _painted(text: str, colour: int) -> str:
    if not sys.stderr.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{colour}m{text}\033[0m"


def say(text: str) -> None:
    """Print *text*; a terminal that went away in the meantime is no failure."""
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        pass


def notice(text: str) -> None:
    """Tell of something that was left out or that the person should know."""
    say(f"  {_painted('note', 33):<{_WIDTH}} {text}" if sys.stderr.isatty() else f"  {'note':<{_WIDTH}} {text}")


@contextmanager
def step(title: str, detail: str) -> Iterator[None]:
    """Tell that *title* was done, or failed, with the seconds it took."""
    started = time.monotonic()
    label = f"{title:<{_WIDTH}}"
    try:
        yield
    except BaseException:
        say(f"  {_painted(label, 31)} failed: {detail}")
        raise
    say(f"  {_painted(label, 32)} {detail}  {time.monotonic() - started:.2f} s")
