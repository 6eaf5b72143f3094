"""What a conversation has used: the tokens in its transcript, and the money that they are at the API's prices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..model import Session
from . import hooks, live
from .prices import price_of


class Cost(NamedTuple):
    """The tokens of a conversation and of its subagents; *dollars* is None when the price of a model isn't known."""

    read: int = 0
    written: int = 0
    kept: int = 0  # put into the cache
    reread: int = 0  # read from the cache
    dollars: float | None = 0.0

    def __str__(self) -> str:
        """Return it for people: the dollars, and the tokens in and out."""
        if self == Cost():
            return ""
        tokens = f"{_short(self.read + self.kept + self.reread)} in, {_short(self.written)} out"
        return tokens if self.dollars is None else f"${self.dollars:.2f} ({tokens})"


def _short(count: int) -> str:
    if count < 1000:
        return str(count)
    return f"{count / 1000:.0f}k" if count < 999_500 else f"{count / 1_000_000:.1f}M"


def conversation_cost(session: Session) -> Cost:
    """Return what the conversation of *session* has used so far, without what its original used before a fork."""
    identity = hooks.conversation_of(session)
    if not (identity and session.converses and session.agent.is_claude):
        return Cost()
    copied = _usages(session, session.forks) if session.forks not in ("", identity) else {}
    total = Cost()
    for answer, (model, usage) in _usages(session, identity).items():
        if answer not in copied:
            total = _add(total, model, usage)
    return total


def _usages(session: Session, identity: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return by answer the model and the usage: each block of an answer repeats that of the whole."""
    projects = live.config_directory(session.agent) / "projects"
    usages: dict[str, tuple[str, dict[str, Any]]] = {}
    for file in (*projects.glob(f"*/{identity}.jsonl"), *projects.glob(f"*/{identity}/**/*.jsonl")):
        usages.update(_usages_in(file))
    return usages


def _usages_in(file: Path) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    try:
        lines = file.open("rb")
    except OSError:
        return
    with lines:
        for line in lines:
            if b'"usage"' not in line:
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                continue
            message = record.get("message") if isinstance(record, dict) else None
            if isinstance(message, dict) and isinstance(message.get("usage"), dict):
                yield str(message.get("id")), (str(message.get("model")), message["usage"])


def _add(total: Cost, model: str, usage: dict[str, Any]) -> Cost:
    read, written = _count(usage, "input_tokens"), _count(usage, "output_tokens")
    kept, reread = _count(usage, "cache_creation_input_tokens"), _count(usage, "cache_read_input_tokens")
    if not (read or written or kept or reread):  # as in a message of Claude Code itself
        return total
    longer = usage.get("cache_creation")
    longer = min(kept, _count(longer, "ephemeral_1h_input_tokens")) if isinstance(longer, dict) else 0
    price, dollars = price_of(model, read + kept + reread), None
    if price and total.dollars is not None:
        counts = (read, written, kept - longer, longer, reread)
        dollars = total.dollars + sum(n * each for n, each in zip(counts, price, strict=True)) / 1_000_000
    return Cost(total.read + read, total.written + written, total.kept + kept, total.reread + reread, dollars)


def _count(usage: dict[str, Any], key: str) -> int:
    value = usage.get(key)
    return value if isinstance(value, int) and value > 0 else 0
