"""Tables for people, by tabulate."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from threading import Lock, Thread

_loading = Lock()


def table(rows: Sequence[Sequence[object]], titles: Sequence[str]) -> str:
    """Return *rows* below their *titles*; each cell is shown as it is."""
    plain = all(str(cell).isascii() for row in rows for cell in row)
    return _tabulate(plain)(rows, titles, tablefmt="simple", disable_numparse=True)


def prefetch() -> None:
    """Load what `table` needs in the background, while we wait for git anyway."""
    Thread(target=_tabulate, args=(True,), daemon=True).start()


def _tabulate(plain: bool) -> Callable[..., str]:
    """Return tabulate; for *plain* cells without wcwidth, which it takes where it is, at twice its own price."""
    with _loading:
        if not plain and getattr(sys.modules.get("tabulate"), "wcwidth", "") is None:
            del sys.modules["tabulate"]
        skipped = plain and not {"wcwidth", "tabulate"} & set(sys.modules)
        if skipped:
            sys.modules["wcwidth"] = None  # type: ignore[assignment]  # Python's sign for: not to be had
        try:
            from tabulate import tabulate
        finally:
            if skipped:
                del sys.modules["wcwidth"]
    return tabulate
