"""The web pages of a session, the one for people first."""

from __future__ import annotations

import re
from typing import NamedTuple

from .. import model
from ..errors import SessionError
from ..model import Session
from ..store import ports
from ..tools import tmux

# In the names of ports, those of pages that people look at, and of what only programs ask.
_FOR_PEOPLE = frozenset("client frontend page site ui web".split())
_FOR_PROGRAMS = frozenset("api backend graphql metrics rpc ws".split())


class Page(NamedTuple):
    """A web address of a session; *name* says what its port is for."""

    name: str
    address: str
    answers: bool


def list_pages(session: Session) -> list[Page]:
    """Return the web pages of *session*: first what is for people, and of that what responds.

    Raises `SessionError` when it has none.
    """
    addresses = [
        each for each in model.list_addresses(session, tmux.present_windows(session)) if each[1].startswith("http")
    ]
    if not addresses:
        raise SessionError(
            f"{session.name} has no web page.\nOpen its worktree: inv session.open {session.name} --editor"
        )
    port_of = {address: int(address.rpartition(":")[2]) for _name, address in addresses}
    up = ports.answering_ports(set(port_of.values()))
    pages = [Page(name, address, port_of[address] in up) for name, address in addresses]
    return sorted(pages, key=lambda page: (_rank(page.name), not page.answers))


def _rank(name: str) -> int:
    """Return 0 for a name of what people look at, 2 for one of what programs ask, 1 for any other."""
    words = set(re.split("[^a-z]+", name.lower()))
    return 0 if words & _FOR_PEOPLE else 2 if words & _FOR_PROGRAMS else 1
