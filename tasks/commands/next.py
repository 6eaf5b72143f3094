"""`inv session.next`."""

from __future__ import annotations

from invoke.context import Context

from .command import command


@command()
def next_(c: Context) -> None:
    """Attach to the session whose Claude needs you first.

    That is the one that waits for you longest, then one that failed, then the last that finished.

    Example: inv session.next
    """
    from ..claude import waiting
    from ..errors import SessionError
    from ..tools import git, tmux_attach
    from . import selection

    session = waiting.first_in_need(selection.list_sessions(c, git.current_repository()))
    if session is None:
        raise SessionError("No session's Claude needs you.\nRun: inv session.list")
    tmux_attach.attach_to_tmux(session)
