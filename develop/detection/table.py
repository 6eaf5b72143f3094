"""The table of what was found, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterable

from develop.detection.values import Row

_TITLES = {"found": "Found", "choice": "Chosen among several", "unsure": "Check this", "missing": "Not found"}


def format_rows(rows: Iterable[Row]) -> str:
    """Return *rows* as a text in columns, under a title for each of their states."""
    listed = list(dict.fromkeys(rows))
    lines: list[str] = []
    first = max((len(row.what) for row in listed), default=0)
    second = max((len(row.where) for row in listed), default=0)
    for state, title in _TITLES.items():
        chosen = [row for row in listed if row.state == state]
        lines += [f"{title}:"] if chosen else []
        for row in chosen:
            remark, *more = row.remark.split("\n")
            lines.append(f"  {row.what:<{first}}  {row.where:<{second}}  {remark}".rstrip())
            lines += [f"  {'':<{first}}  {'':<{second}}  {each}" for each in more]
    return "\n".join(lines)
