"""What `list` shows when a person chooses: which columns, in which order, which sessions, and for scripts."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .. import model
from ..errors import SessionError, suggest_name
from ..system import table, terminal
from ..tools import tmux
from . import details

if TYPE_CHECKING:
    from ..status.session_status import Status

_USUAL = ("name", "branch", "ports", "state", "git", "age", "claude")  # as `details.status_row` has them
_OTHERS: dict[str, Callable[[Status], str]] = {
    "attention": lambda status: _attention(status),
    "base": lambda status: status.session.base,
    "component": lambda status: status.component,
    "containers": lambda status: details.format_services(status) if status.session.compose else "",
    "cost": lambda status: str(status.cost or ""),
    "memory": lambda status: table.format_size(status.memory) if status.memory else "",
    "pr": lambda status: details.format_request(status.request),
    "tmux": lambda status: status.session.tmux,
    "urls": lambda status: ", ".join(_addresses(status)),
    "worktree": lambda status: terminal.home_path(str(status.session.worktree)),
}
COLUMNS = (*_USUAL, *_OTHERS)
ORDERS = ("attention", "name", "age")


def _attention(status: Status) -> str:
    from ..status import attention

    return attention.attention_class(status, _visits().get(status.session.tmux, 0.0))


_visits = functools.cache(tmux.last_visits)  # one question for all rows of a list


def _addresses(status: Status) -> list[str]:
    return [url for _name, url in model.list_addresses(status.session, tmux.present_windows(status.session))]


def parse_columns(text: str) -> tuple[str, ...]:
    """Return the columns whose names *text* has, with commas between them; raises `SessionError` for any other."""
    names = tuple(name for name in (part.strip().lower() for part in text.split(",")) if name)
    for name in names:
        if name not in COLUMNS:
            raise SessionError(
                f'--format: There is no column "{name}".{suggest_name(name, COLUMNS)}\nColumns: {", ".join(COLUMNS)}'
            )
    if text and not names:
        raise SessionError(f"--format needs columns, separated by commas.\nColumns: {', '.join(COLUMNS)}")
    return names


def parse_order(text: str | bool) -> str:
    """Return the order that --sort names, without a value by attention; raises `SessionError` for any other."""
    order = "attention" if text is True else str(text or "name")
    if order not in ORDERS:
        raise SessionError(f'--sort: There is no order "{order}".\nOrders: {", ".join(ORDERS)}')
    return order


def sort_statuses(statuses: Sequence[Status], order: str) -> list[Status]:
    """Return *statuses*, which are sorted by name, in that *order*: what needs a person first, or the newest."""
    if order == "attention":
        from ..status import attention

        seen = _visits()  # what finished before a person was there needs nobody
        return sorted(statuses, key=lambda each: attention.urgency(each, seen))
    if order == "age":
        return sorted(statuses, key=lambda each: each.session.created, reverse=True)
    return list(statuses)


def chosen_rows(statuses: Sequence[Status], columns: Sequence[str]) -> list[list[str]]:
    """Return the cells of *columns* of each of *statuses*."""
    usual = [dict(zip(_USUAL, details.status_row(each), strict=True)) for each in statuses]
    return [
        [row[name] if name in row else _OTHERS[name](each) for name in columns]
        for row, each in zip(usual, statuses, strict=True)
    ]


def repository_names(statuses: Sequence[Status]) -> list[str]:
    """Return the name of each one's repository: its directory's, with the parent's where two are called the same."""
    mains = [each.session.repository.main for each in statuses]
    shared = [name for name, count in Counter(main.name for main in set(mains)).items() if count > 1]
    return [f"{main.parent.name}/{main.name}" if main.name in shared else main.name for main in mains]


def plain_lines(rows: Sequence[Sequence[str]]) -> str:
    """Return *rows* for scripts: a line each, with tabs between the cells, and no headings."""
    return "\n".join("\t".join(terminal.one_line(cell) for cell in row) for row in rows)
