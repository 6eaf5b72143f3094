"""The task that shows what a session's parts print."""

from __future__ import annotations

from invoke.context import Context

from .command import NAME, command
from .errors import SessionError


@command("name", help={
    **NAME,
    "window": "one window, by its name or what stands before the colon in it",
    "service": "one service of its compose file",
    "lines": "how many of the last lines of each",
    "follow": "go on with what is printed from now on, until ^C",
})  # fmt: skip
def logs(
    c: Context, name: str = "", window: str = "", service: str = "", lines: str = "50", follow: bool = False
) -> None:
    """Show what a session's containers print; of one without containers, or with --window, what its windows do.

    Example: inv session.logs feature/login --window backend --lines 20
    """
    from . import choosing
    from .answers import tail

    if not (lines.isascii() and lines.isdigit()):
        raise SessionError(f"--lines {lines}: expected a number of lines")
    tail.by(choosing.chosen(c, name)[0], window, service, int(lines), follow)
