"""Ports that follow from a session's number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Formula:
    """A range of *stride* ports for each number, above *base*; each key has its own *offset* in it."""

    base: int
    stride: int
    offsets: Mapping[str, int]

    def ports(self, number: int) -> dict[str, int]:
        """Return the port of each key for the session with *number*."""
        return {key: self.base + number * self.stride + offset for key, offset in self.offsets.items()}
