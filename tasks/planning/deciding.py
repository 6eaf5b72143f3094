"""What `add` is asked for, decided whole: with the ports that are free, and where sessions are numbered the number."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

from .. import ports, registry
from ..model import Repository, Session
from ..request import Request
from ..settings import Settings
from . import checklist, numbering
from . import plan as planning


def plan(asked: Request, settings: Settings, repository: Repository, quiet: bool = False) -> Session:
    """Return the session that `add` would make now, without claiming anything; *quiet* tells nothing beside."""
    numbering.check(asked.name, settings)
    checklist.tell(asked, settings, repository, quiet=quiet)
    held = ports.held_elsewhere(repository)
    if not asked.name:
        asked = planning.numbered(asked, settings, repository, held, lambda _name: True)
    return planning.plan(asked, settings, repository, held)


def claimed(asked: Request, settings: Settings, repository: Repository, held: set[int], until: ExitStack) -> Session:
    """Return the session that is *asked* for; nobody else is at a number that is chosen for it *until* that is left."""
    if not asked.name:
        take = partial(registry.alone_at_once, repository, until=until)
        asked = planning.numbered(asked, settings, repository, held, take)
    return planning.plan(asked, settings, repository, held)
