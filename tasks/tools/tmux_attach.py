"""Going to a session's tmux session from the terminal that we run in."""

import os
import subprocess
import sys

from ..errors import SessionError
from ..model import Session
from ..system import shell
from . import tmux, tmux_output


def attach_to_tmux(session: Session, window: str = "") -> None:
    """Become tmux, attached to *session*, at its *window* if one is given; inside tmux the client switches instead.

    Raises `SessionError` when it is not running, has no such window, or there is no terminal.
    """
    if not tmux.list_panes(session):
        raise SessionError(f"{session.name} is not running.\nRun: inv session.start {session.name}")
    target = f"={session.tmux}"
    pane = tmux_output.panes_of_window(session, window)[0] if window else None
    server = require_outer_terminal(f"Run this in one: tmux attach -t '{target}'")
    if pane:
        tmux.run_tmux([("select-window", "-t", pane.window_id)])
    if server:
        tmux.run_tmux([("switch-client", "-c", _client(server), "-t", target)])
        return
    os.execvpe("tmux", ["tmux", "attach-session", "-t", target], shell.clean_environment())


def visit_tmux(session: Session) -> None:
    """Show *session* in this terminal until the person detaches, or it ends; for outside of tmux.

    Raises `SessionError` when it is not running.
    """
    if not tmux.list_panes(session):
        raise SessionError(f"{session.name} is not running.\nRun: inv session.start {session.name}")
    argv = ["tmux", "attach-session", "-t", f"={session.tmux}"]
    subprocess.run(argv, env=shell.clean_environment(), check=False)


def _client(server: str) -> str:
    """Return the client that we are in; in a popup, which is not a pane, the last used one of the session below it."""
    surrounding, argv = dict(os.environ), (*tmux.TMUX, "-S", server)
    if "TMUX_PANE" not in surrounding:
        below = f"${surrounding['TMUX'].rpartition(',')[2]}"
        form = "#{client_activity} #{client_name}"
        if clients := shell.read_output(
            *argv, "list-clients", "-t", below, "-F", form, env=surrounding, check=False
        ).split():
            return max(zip(map(int, clients[::2]), clients[1::2], strict=True))[1]
    return shell.read_output(*argv, "display-message", "-p", "#{client_name}", env=surrounding).strip()


def require_outer_terminal(instead: str) -> str:
    """Return the socket of the tmux server that our terminal is in; empty outside of tmux.

    Raises `SessionError` that says what to do *instead* without a terminal, or in another server's.
    """
    surrounding = os.environ.get("TMUX", "").split(",")[0]
    if surrounding:
        server = shell.read_output(*tmux.TMUX, "display-message", "-p", "#{socket_path}", check=False).strip()
        if surrounding != server:
            raise SessionError(
                "This terminal is inside another tmux server.\nRun the command in a terminal outside of tmux."
            )
        return surrounding
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SessionError(f"Attaching needs a terminal.\n{instead}")
    return ""
