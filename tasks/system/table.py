"""Tables for people, by tabulate."""

from __future__ import annotations

from collections.abc import Sequence

from . import startup


def format_table(rows: Sequence[Sequence[object]], titles: Sequence[str]) -> str:
    """Return *rows* below their *titles*; each cell is shown as it is."""
    from tabulate import tabulate

    return tabulate(rows, titles, tablefmt="simple", disable_numparse=True)


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
