"""Making a session: its row is claimed first and confirmed last, and a failure leaves nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace

from . import ports, records, registry, walk
from .machine import imports, signals
from .model import Repository, Resource, Session

# Decides on a session, given the ports held elsewhere; locks that it takes go on the stack.
Plan = Callable[[set[int], ExitStack], Session]
Resources = Sequence[Resource]


def make(
    name: str, repository: Repository, plan: Plan, resources: Resources, running: Resources,
    facts: registry.Row | None = None,
) -> Session:  # fmt: skip
    """Claim the row of what *plan* decides, make each of *resources*, confirm the row, and return the session.

    Those that are *running* are undone first. *facts* go into the row as well. Without *name* the plan chooses it, and
    sees to it that nobody else is at it.
    """
    begun: list[Resource] = []
    session = None
    with signals.raised(), ExitStack() as held:
        if name:
            held.enter_context(registry.alone(repository, name))
        try:
            with ports.claiming(repository) as elsewhere, registry.changing(repository) as rows:
                session = plan(elsewhere, held)
                ports.join(repository)  # before the row: else others could be given its ports
                rows[session.name] = {**records.row(session), **(facts or {})}
            imports.prefetch("dotenv.parser", "sqlite3")
            walk.forward(session, resources, begun)
            signals.ignore()
            row = registry.note(repository, session.name, state="ready", archive="")
            session = replace(session, state="ready", archive="", setup_done=tuple(row.get("setup_done", ())))
        except BaseException:
            if session is not None:
                walk.undo(session, begun, running)
            raise
    return session
