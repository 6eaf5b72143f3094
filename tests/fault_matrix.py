"""The faults of a matrix: which are tried, in how many shares, and how two worlds differ."""

import os
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

SHARES = 4  # each a test of its own, so that two processors share the matrix
_ALL = bool(os.environ.get("TALLY_SESSIONS_ALL_FAULTS"))
_SAMPLE = {True: 3, False: 2}  # kills, and other faults, of each share where not all are tried

Fault = tuple[int, str, str]


def faults(found: list[str], share: int, kinds: tuple[str, ...]) -> Iterator[Fault]:
    """Yield this share's faults in the effects *found*; a program can fail only where one is started."""
    numbers, moments, killing = range(1, len(found) + 1), ("before", "after"), kinds == ("SIGKILL",)
    every = [(number, moment, kind) for number in numbers for moment in moments for kind in kinds]
    every = [fault for fault in every if fault[2] != "tool" or found[fault[0] - 1].startswith("shell.")]
    if not _ALL:
        every = random.Random(7).sample(every, min(len(every), _SAMPLE[killing] * SHARES))
    yield from every[share::SHARES]


def each(found: list[str], faults: Iterator[Fault], attempt: Callable[[Fault], None]) -> None:
    for fault in faults:
        try:
            attempt(fault)
        except AssertionError as error:
            raise AssertionError(f"{fault} at {found[fault[0] - 1]}: {error}") from error


def different(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is only in one, or different, with both values."""
    found: dict[str, Any] = {}
    for key in sorted({*now, *before}):
        left, right = before.get(key), now.get(key)
        if isinstance(left, dict) and isinstance(right, dict):
            found |= {f"{key} {name}": pair for name, pair in different(right, left).items()}
        elif left != right:
            found[key] = (left, right)
    return found
