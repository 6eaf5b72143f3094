"""What Anthropic's API asks for each model, as Claude Code 2.1.332 has it; a plan's subscription costs no more."""

from __future__ import annotations

from typing import NamedTuple

AS_OF = "2026-11-29"


class Price(NamedTuple):
    """Dollars for a million tokens: what is read, written, kept for five minutes or an hour, and read from that."""

    read: float
    write: float
    keep: float
    keep_longer: float
    reread: float


_SONNET = Price(3, 15, 3.75, 6, 0.3)
_OPUS = Price(5, 25, 6.25, 10, 0.5)
# By the beginning of the model's name, of which a date may follow; the longest that fits counts.
PRICES = {
    "claude-haiku-4-5": Price(1, 5, 1.25, 2, 0.1),
    "claude-haiku-5-5": Price(0.1, 0.5, 0.125, 0.2, 0.01),
    "claude-sonnet-4": _SONNET,
    "claude-sonnet-5": Price(2, 10, 2.5, 4, 0.2),
    "claude-sonnet-5-5": Price(2, 10, 2.5, 4, 0.1),
    "claude-opus-4-0": Price(15, 75, 18.75, 30, 1.5),
    "claude-opus-4-1": Price(15, 75, 18.75, 30, 1.5),
    "claude-opus-4-5": _OPUS,
    "claude-opus-4-6": _OPUS,
    "claude-opus-4-7": _OPUS,
    "claude-opus-4-8": _OPUS,
    "claude-opus-5": _OPUS,
    "claude-opus-5-5": Price(4, 20, 5, 8, 0.2),
    "claude-fable-5": Price(10, 50, 12.5, 20, 1),
    "claude-fable-5-1": Price(10, 50, 12.5, 20, 0.25),
    "claude-fable-5-2": Price(8, 40, 10, 16, 0.2),
}
_LONG = {"claude-haiku-5-5": (100_000, Price(0.5, 2.5, 0.625, 1, 0.05))}  # for prompts of more tokens than that


def price_of(model: str, prompt: int) -> Price | None:
    """Return the price of *model* for a prompt of so many tokens; None when it is not known."""
    name = model.partition("[")[0]
    head, _dash, date = name.rpartition("-")
    name = head if date.isdecimal() and len(date) == 8 else name
    name = name if name in PRICES or not name.startswith("claude-sonnet-4-") else "claude-sonnet-4"
    limit, long = _LONG.get(name, (0, None))
    return long if long and prompt > limit else PRICES.get(name)
