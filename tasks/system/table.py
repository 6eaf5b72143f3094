"""Tables for people, by tabulate."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from threading import Thread
from types import ModuleType, SimpleNamespace
from typing import Any

_METADATA = "importlib.metadata"


class _UnknownVersion(ModuleType):
    """In place of importlib.metadata while tabulate is loaded, which only wants to know its own version there.

    That would load email, zipfile and csv: a tenth of the time of `session.list`. All else it has from the real one.
    """

    PackageNotFoundError = ModuleNotFoundError  # above the real one: who keeps it catches both

    def version(self, name: str) -> str:
        """Return the version of the distribution *name*."""
        if name == "tabulate":
            raise ModuleNotFoundError(name)  # it is then "unknown", which nobody reads
        return str(self.__getattr__("version")(name))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system asks of any module
            raise AttributeError(name)
        if sys.modules.get(_METADATA) is self:
            del sys.modules[_METADATA]
        from importlib import metadata

        return getattr(metadata, name)


def _load_tabulate() -> Any:
    stand_in = sys.modules.setdefault(_METADATA, _UnknownVersion(_METADATA))
    try:
        import tabulate
    finally:
        if isinstance(stand_in, _UnknownVersion) and sys.modules.get(_METADATA) is stand_in:
            del sys.modules[_METADATA]
    return tabulate


def format_table(rows: Sequence[Sequence[object]], titles: Sequence[str]) -> str:
    """Return *rows* below their *titles*; each cell is shown as it is."""
    tabulate = _load_tabulate()
    # As with the package wcwidth, which measures letters that take two columns.
    setattr(tabulate, "wcwidth", SimpleNamespace(wcswidth=_columns))
    tabulate.WIDE_CHARS_MODE = True
    return str(tabulate.tabulate(rows, titles, tablefmt="simple", disable_numparse=True))


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
    Thread(target=_load_tabulate, daemon=True).start()
