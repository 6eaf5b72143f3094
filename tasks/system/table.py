"""Tables for people, by tabulate."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

from . import startup


def format_table(rows: Sequence[Sequence[object]], titles: Sequence[str]) -> str:
    """Return *rows* below their *titles*; each cell is shown as it is."""
    import tabulate

    # As with the package wcwidth, which measures letters that take two columns.
    setattr(tabulate, "wcwidth", SimpleNamespace(wcswidth=_columns))
    tabulate.WIDE_CHARS_MODE = True
    return tabulate.tabulate(rows, titles, tablefmt="simple", disable_numparse=True)


def _columns(text: str) -> int:
    from unicodedata import combining, east_asian_width

    return len(text) if text.isascii() else sum(0 if combining(c) else 1 + (east_asian_width(c) in "WF") for c in text)


def format_size(number: float) -> str:
    """Return *number* bytes in the unit that fits."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while number >= 999.5 and len(units) > 1:
        number /= 1000
        units.pop(0)
    return f"{number:.1f} {units[0]}" if number < 9.95 and len(units) < 4 else f"{number:.0f} {units[0]}"


def prefetch_table() -> None:
    """Load what `format_table` needs in the background, while we wait for git anyway."""
    startup.prefetch_modules("tabulate")
