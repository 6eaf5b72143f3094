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
        client = shell.read(
            "tmux", "-S", server, "display-message", "-p", "#{client_name}", env=dict(os.environ)
        ).strip()
        panes.step([("switch-client", "-c", client, "-t", target)])
        return
    os.execvpe("tmux", ["tmux", "attach-session", "-t", target], shell.environment())


def require_terminal(instead: str) -> str:
    """Return the socket of the tmux server that our terminal is inside of; empty outside of tmux.

    Raises `SessionError` naming what to do *instead* when there is no terminal, or it is another server's.
    """
    surrounding = os.environ.get("TMUX", "").split(",")[0]
    if surrounding:
        server = shell.read("tmux", "display-message", "-p", "#{socket_path}", check=False).strip()
        if surrounding != server:
            raise SessionError("this terminal is inside another tmux server; attach from a terminal outside of it")
        return surrounding
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SessionError(f"attaching needs a terminal; there: {instead}")
    return ""
