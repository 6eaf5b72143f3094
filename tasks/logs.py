"""The task that shows what a session's parts print."""

from __future__ import annotations

from invoke.context import Context

from .command import NAME, command
from .errors import SessionError


@command("name", help={
    **NAME,
    "service": "one service of its compose file; else all of them",
    "lines": "how many of the last lines of each",
    "follow": "go on with what is printed from now on, until ^C",
})  # fmt: skip
def logs(c: Context, name: str = "", service: str = "", lines: str = "50", follow: bool = False) -> None:
    """Show what a session's containers print.

    Example: inv session.logs 001 --service db --lines 20
    """
    from . import choosing
    from .docker import printed

    if not (lines.isascii() and lines.isdigit()):
        raise SessionError(f"--lines {lines}: expected a number of lines")
    printed.by_containers(choosing.chosen(c, name)[0], service, int(lines), follow)
