"""What the rules find: servers, other ways to run them, and rows of the table that a person reads."""

from __future__ import annotations

from typing import NamedTuple


class Server(NamedTuple):
    """Something that listens on a port: how it is run, with `{port}` in the place of its port."""

    what: str  # what a person calls it: Vite
    directory: str
    file: str  # that shows it
    run: str
    port: int  # that it usually has
    kind: str  # backend or frontend
    health: str = "/"  # a page that answers once it is up
    unsure: str = ""  # why a person should look at it
    name: str = ""  # of its window, once all are known

    @property
    def is_python(self) -> bool:
        """Whether Python runs it."""
        return self.what in ("Django", "FastAPI", "Flask")

    @property
    def key(self) -> str:
        """The name of its port in the configuration."""
        return "".join(letter if letter.isalnum() else "_" for letter in self.name) + "_port"

    @property
    def command(self) -> str:
        """Its command with the name of its port."""
        return self.run.replace("{port}", f"{{{self.key}}}")


class Alternative(NamedTuple):
    """Another way to run what was found, which a person may choose: a window that is written as a comment."""

    what: str
    directory: str
    file: str
    run: str
    why: str = ""


class Row(NamedTuple):
    """A line of the table: *state* is found, unsure, choice or missing."""

    state: str
    what: str
    where: str
    remark: str


class Part(NamedTuple):
    """What one family of rules found."""

    servers: tuple[Server, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    rows: tuple[Row, ...] = ()


NOTHING = Part()
