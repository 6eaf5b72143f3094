"""`inv session.resume`."""

from __future__ import annotations

from invoke.context import Context

from .command import command
from .start import WAIT, bring_sessions_back


@command("name", help={"name": "session names, separated by spaces or commas (default: every session)", **WAIT})
def resume(c: Context, name: str = "", wait: bool = False, yes: bool = False, json: bool = False) -> None:
    """Start all sessions again, for example after a reboot.

    It leaves alone what is already running.

    Example: inv session.resume
    """
    from . import selection

    bring_sessions_back(c, selection.select_sessions_to_start(c, name, not name), wait, yes, json)
