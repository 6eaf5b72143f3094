"""Going to a session's tmux session from the terminal that we run in."""

import os
import sys

from .. import shell
from ..errors import SessionError
from ..machine import panes
from ..model import Session


def attach(session: Session) -> None:
    """Become tmux, attached to *session*; inside tmux the client switches instead.

    Raises `SessionError` when it is not running or there is no terminal.
    """
    if not panes.observe(session):
        raise SessionError(f"session {session.name} is not running; to start it: inv session.start {session.name}")
    target = f"={session.tmux}"
    if server := require_terminal(f"tmux attach -t '{target}'"):
        panes.step([("switch-client", "-c", _client(server), "-t", target)])
        return
    os.execvpe("tmux", ["tmux", "attach-session", "-t", target], shell.environment())


def _client(server: str) -> str:
    """Return the client that shows us; in a popup, which is no pane, the last used one of the session below it."""
    surrounding, asked = dict(os.environ), (*panes.TMUX, "-S", server)
    if "TMUX_PANE" not in surrounding:
        below = f"${surrounding['TMUX'].rpartition(',')[2]}"
        form = "#{client_activity} #{client_name}"
        if found := shell.read(*asked, "list-clients", "-t", below, "-F", form, env=surrounding, check=False).split():
            return max(zip(map(int, found[::2]), found[1::2], strict=True))[1]
    return shell.read(*asked, "display-message", "-p", "#{client_name}", env=surrounding).strip()


def require_terminal(instead: str) -> str:
    """Return the socket of the tmux server that our terminal is inside of; empty outside of tmux.

    Raises `SessionError` naming what to do *instead* when there is no terminal, or it is another server's.
    """
    surrounding = os.environ.get("TMUX", "").split(",")[0]
    if surrounding:
        server = shell.read(*panes.TMUX, "display-message", "-p", "#{socket_path}", check=False).strip()
        if surrounding != server:
            raise SessionError("this terminal is inside another tmux server; attach from a terminal outside of it")
        return surrounding
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SessionError(f"attaching needs a terminal; there: {instead}")
    return ""
