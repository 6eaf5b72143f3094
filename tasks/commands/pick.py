"""`inv session.pick`."""

from __future__ import annotations

from invoke.context import Context

from .command import answer, command
from .watch import require_terminal


@command("name", help={"name": "some letters of the name (default: you are asked)"}, needs=("textual",))
def pick(c: Context, name: str = "") -> None:
    """Fuzzy-find a session and attach.

    Example: inv session.pick auth
    """
    from ..tools import git, tmux_attach
    from . import packages, selection

    require_terminal("pick")
    sessions = {session.name: session for session in selection.list_sessions(c, git.current_repository())}
    if not sessions:
        raise selection.no_sessions_error()
    packages.require_textual()
    from ..views.dashboard import picker

    choice = picker.pick_name(list(sessions), name)
    if choice is not None:
        tmux_attach.attach_to_tmux(sessions[choice])
    else:
        answer("Nothing was chosen.")
