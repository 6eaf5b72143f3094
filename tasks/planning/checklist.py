"""What is looked at before a session begins: the remote's news, unfinished work, who else works, and the ports.

Nothing here refuses anything but a request that cannot be met.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from .. import git, ports, registry
from ..config.formula import Formula
from ..history import upstream
from ..machine import listeners
from ..model import Repository
from ..narration import notice
from ..request import Request
from ..settings import Settings
from . import assignment, names
from . import plan as planning

_SHOWN = 3


def tell(asked: Request, settings: Settings, repository: Repository, fetch: bool = False, quiet: bool = False) -> None:
    """Look, after a *fetch* if one is configured, and warn; where no work log is kept nobody asked for most of it.

    Raises `SessionError` for what `plan` would refuse at once, so that nobody waits for it; *quiet* is nothing else.
    """
    assignment.check(asked, settings)
    rows = registry.rows(repository)
    if asked.name:  # else it is an id that nobody has
        names.check(asked.name)
        planning.refuse_taken(asked.name, names.slug(asked.name), rows, repository)
    if fetch and settings.fetch:
        upstream.fetch(asked.base or settings.base, repository)
    if quiet:
        return
    if settings.work_log:
        changes = () if asked.adopts else _changes(settings, repository)  # those are what it begins with
        for line in (*changes, *_others(asked, rows), *_ports(settings, repository, rows)):
            notice(line)
    elif not rows:  # with the first session a person learns why a port is not the one that was configured
        for line in _strangers(settings):
            notice(line)


def _changes(settings: Settings, repository: Repository) -> Iterator[str]:
    log = f":(exclude,top,literal){settings.work_log['file']}"
    question = ("--no-optional-locks", "status", "--porcelain", "--", ":/", log)
    paths = [line[3:] for line in git.read(repository.main, *question, check=False).splitlines()]
    if paths := [path for path in paths if path != registry.path(repository).name]:
        more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
        listed = ", ".join(paths[:_SHOWN])
        yield f"the main checkout has changes that are not committed, and the session will not have: {listed}{more}"


def _others(asked: Request, rows: Mapping[str, registry.Row]) -> Iterator[str]:
    alive = {name: row for name, row in rows.items() if not row.get("merged")}
    if alive:
        told = (f"{name} ({about})" if (about := _about(row)) else name for name, row in sorted(alive.items()))
        yield f"who else is at work: {', '.join(told)}"
    claimed = [name for name, row in sorted(alive.items()) if row.get("component") == asked.component != ""]
    if claimed:
        yield f"the component {asked.component} is claimed already, by {', '.join(claimed)}"


def _about(row: registry.Row) -> str:
    parts = [row.get("component"), "paused" if row.get("paused") else ""]
    return ", ".join(str(part) for part in parts if part)


def _ports(settings: Settings, repository: Repository, rows: Mapping[str, registry.Row]) -> Iterator[str]:
    if isinstance(settings.ports, Formula):  # no other port is tried
        return
    holders = {port: f"the session {name}" for name, row in rows.items() for port in ports.in_row(row).values()}
    elsewhere = ports.held_elsewhere(repository) if settings.ports else set()
    for key, first in settings.ports.items():
        who = holders.get(first) or ("a session of another repository" if first in elsewhere else "")
        if who:
            yield _taken(key, first, who)
    yield from _strangers(settings, known={*holders, *elsewhere})


def _strangers(settings: Settings, known: Collection[int] = ()) -> Iterator[str]:
    if isinstance(settings.ports, Formula):
        return
    for key, first in settings.ports.items():
        if first not in known and not ports.free(first):
            yield _taken(key, first, listeners.who(first))


def _taken(key: str, port: int, who: str) -> str:
    return f"port {port} is taken, by {who}; {key} will be another"
