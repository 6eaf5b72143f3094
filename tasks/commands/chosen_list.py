"""`session.list` as a person wants it: sorted, filtered, with other columns, for scripts, or of every repository."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from invoke.context import Context

from ..errors import SessionError
from ..system import progress, terminal
from ..views import chosen_columns
from .command import answer, as_json

if TYPE_CHECKING:
    from ..model import Repository, Session
    from ..status.session_status import Status

_AT_ONCE = 4  # repositories that are looked at together


class Choice(NamedTuple):
    """What was chosen; without *columns* the usual ones."""

    order: str
    waiting: bool
    columns: tuple[str, ...]
    plain: bool
    everywhere: bool


def parse_choice(sort: str, waiting: bool, format: str, plain: bool, everywhere: bool) -> Choice:
    """Return what these options of `session.list` ask for; raises `SessionError` where one makes no sense."""
    order, columns = chosen_columns.parse_order(sort), chosen_columns.parse_columns(format)
    return Choice(order, waiting, columns, plain, everywhere)


def print_chosen(c: Context, choice: Choice, json: bool, cost: bool, removed: bool) -> None:
    """Print the sessions as *choice* says."""
    from ..status import conflicts
    from ..views import tables

    if removed:
        raise SessionError("Of the other options --removed takes only --json.\nRun: inv session.list --removed")
    groups = _statuses(c, choice, cost)
    shown = _choose([each for group in groups for each in group], choice)
    if json:
        answer(as_json([_record(each, choice) for each in shown]))
    elif shown:
        _print(shown, choice)
    for group in groups:
        if group and choice.everywhere:
            _note_conflicts(group)
        else:
            conflicts.print_notes(conflicts.conflict_notes(group))
    if not (shown or json):
        there_are = any(groups)
        progress.notice("No session waits for you." if there_are else tables.NONE)


def _note_conflicts(group: Sequence[Status]) -> None:
    """Print the conflicts of one of several repositories, with its name."""
    from ..status import conflicts

    main = group[0].session.repository.main
    for note in conflicts.conflict_notes(group):
        progress.notice(f"{main.name}: {note}")


def _statuses(c: Context, choice: Choice, cost: bool) -> list[list[Status]]:
    """Return the state of the sessions of each repository that was asked for."""
    from ..status import session_status
    from . import forge_requests

    groups = [each for each in _sessions(c, choice.everywhere) if each[1]]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        statuses = list(pool.map(lambda group: _look(*group), groups))
    statuses = [
        forge_requests.follow_requests(c, repository, group)
        for (repository, _sessions), group in zip(groups, statuses, strict=True)
    ]
    if cost or "cost" in choice.columns:
        statuses = [[session_status.with_cost(each) for each in group] for group in statuses]
    if "memory" in choice.columns:
        statuses = [[session_status.with_memory(each) for each in group] for group in statuses]
    return statuses


def _sessions(c: Context, everywhere: bool) -> list[tuple[Repository, list[Session]]]:
    from ..tools import git
    from . import repositories, selection

    if not everywhere:
        repository = git.current_repository()
        return [(repository, selection.list_sessions(c, repository))]
    groups = []
    for repository in repositories.list_repositories():
        try:
            groups.append((repository, repositories.list_sessions(c, repository)))
        except (SessionError, OSError) as error:
            progress.notice(f"The sessions of {terminal.home_path(str(repository.main))} are unknown: {error}")
    return groups


def _look(repository: Repository, sessions: Sequence[Session]) -> list[Status]:
    from ..status import conflicts, session_status

    return session_status.session_statuses(sessions, repository, conflicts.known_conflicts)


def _choose(statuses: Sequence[Status], choice: Choice) -> list[Status]:
    if choice.waiting:
        from ..status import attention

        statuses = [each for each in statuses if attention.attention_class(each) == "waiting"]
    return chosen_columns.sort_statuses(statuses, choice.order)


def _record(status: Status, choice: Choice) -> dict[str, object]:
    place = {"repository": str(status.session.repository.main)} if choice.everywhere else {}
    return {**place, **status.record()}


def _print(shown: Sequence[Status], choice: Choice) -> None:
    from ..views import tables

    titles, rows = (
        (list(choice.columns), chosen_columns.chosen_rows(shown, choice.columns))
        if choice.columns
        else tables.usual_columns(shown)
    )
    if choice.everywhere:
        names = chosen_columns.repository_names(shown)
        titles, rows = ["repository", *titles], [[name, *row] for name, row in zip(names, rows, strict=True)]
    if choice.plain:
        answer(chosen_columns.plain_lines(rows), verbatim=True)
        return
    room = terminal.stdout_columns()
    if choice.columns and room:
        rows, room = chosen_columns.fit_cells(titles, rows, room), 0  # none of them is left out
    answer(tables.fit_table(titles, rows, room), paint=tables.paint_table)
