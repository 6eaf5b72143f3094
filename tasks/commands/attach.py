"""`inv session.attach`."""

from __future__ import annotations

from invoke.context import Context

from .command import NAME, command


@command("name", help=NAME)
def attach(c: Context, name: str = "") -> None:
    """Attach to a session's tmux session.

    Inside tmux, your terminal switches to it.

    Example: inv session.attach feature/login
    """
    from ..tools import tmux_attach
    from . import selection

    tmux_attach.attach_to_tmux(selection.select_session(c, name))
