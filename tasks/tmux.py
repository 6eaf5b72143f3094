"""The resource of the tmux session and its windows: shells, in which nothing runs yet."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import shell
from .errors import CommandError, SessionError
from .machine import adoption, formats, panes, processes
from .model import Problem, Session
from .narration import notice
from .parts import Window

if TYPE_CHECKING:
    import libtmux

_REFUSED = "invalid window name"  # some releases of tmux refuse a colon


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    if not session.present_windows:
        return ""
    return f"tmux session {session.tmux} with windows {', '.join(window.name for window in session.present_windows)}"


def create(session: Session) -> None:
    """Open the tmux session, or those of its windows that are missing.

    Raises `SessionError` when a tmux session of that name is there and not ours.
    """
    for window in session.windows:
        if window not in session.present_windows:
            lacking = window.missing(session.worktree)
            notice(f"{session.name}: window {window.name} is left out: {lacking} does not exist on this branch")
    there = [] if session.state == "adding" else adoption.own(session)
    if there:
        _open_missing(session, {pane.window for pane in there})
    elif session.present_windows:
        _open(session)


def remove(session: Session) -> None:
    """End the tmux session if it is ours, with all that runs in it or came from it; another of that name stays."""
    target = f"={session.tmux}:"
    condition = formats.same(str(session.worktree))
    if not session.created:
        adoption.own(session)
    try:
        panes.step([("if-shell", "-F", "-t", target, condition, f"kill-session -t '={session.tmux}'")])
    except CommandError as error:
        if not _absent(error):
            raise
    processes.end(session)


def problems(session: Session) -> list[Problem]:
    """Return the windows that are missing from a running tmux session."""
    there = {pane.window for pane in adoption.own(session)}
    missing = [window.name for window in session.present_windows if window.name not in there]
    if not there or not missing:
        return []
    mend = f"inv session.resume {session.name}"
    return [Problem(f"windows are missing: {', '.join(missing)}", "what ran there does not run", mend)]


def _open(session: Session) -> None:
    try:
        said = panes.begin(_opening(session), shell.pristine_environment())
    except CommandError as error:
        if "duplicate session" in error.stderr:
            raise SessionError(
                f"a tmux session {session.tmux} is running and is not this session's; to end it:"
                f" tmux kill-session -t '={session.tmux}', or choose another NAME or `project`"
            ) from None
        if ("unknown" in error.stderr and "-e" in error.stderr) or "usage:" in error.stderr:
            version = shell.read("tmux", "-V").strip()
            raise SessionError(f"{version} is too old; expected tmux 3.2 or newer") from None
        if _REFUSED not in error.stderr:
            raise
        remove(session)
        said = panes.begin(_opening(session, plain_names=True), shell.pristine_environment())
    panes.remember(session, said)


def _opening(session: Session, plain_names: bool = False) -> list[Sequence[str]]:
    target, variables = f"={session.tmux}:", _variables(session)
    steps: list[Sequence[str]] = []
    for window in session.present_windows:
        name = _plain(window.name) if plain_names else formats.literal(window.name)
        where = ("-c", _directory(session, window))
        if not steps:
            steps.append(
                ("new-session", "-d", "-s", session.tmux, "-n", name, "-x", "200", "-y", "50", *where, *variables)
            )
            steps.append(("set-option", "-t", target, "@tally_session", str(session.worktree)))
            steps.append(("set-option", "-t", target, "destroy-unattached", "off"))
        else:
            steps.append(("new-window", "-t", target, "-n", name, *where, *variables))
        steps.append(("set-option", "-p", "-t", target, "@tally_window", window.name))
    return [*steps, ("select-window", "-t", f"{target}^"), ("list-panes", "-s", "-t", target, "-F", panes.FORM)]


def _variables(session: Session) -> list[str]:
    return [word for key, value in session.environment.items() for word in ("-e", f"{key}={value}")]


def _open_missing(session: Session, there: set[str]) -> None:
    missing = [window for window in session.present_windows if window.name not in there]
    if not missing:
        return
    os.environ.setdefault("LIBTMUX_TMUX_FORMAT_SEPARATOR", "|tally|")  # its own is not ASCII: see panes.TMUX
    import libtmux
    from libtmux.exc import LibTmuxException

    try:
        server = libtmux.Server(socket_name="default")
        ours = next(each for each in server.sessions if each.session_name == session.tmux)
        for window in missing:
            _new_window(ours, session, window).panes[0].cmd("set-option", "-p", "@tally_window", window.name)
    except (LibTmuxException, StopIteration) as error:
        names, why = ", ".join(window.name for window in missing), str(error) or f"{session.tmux} has just ended"
        raise SessionError(f"tmux did not open the windows {names}: {why}") from None


def _new_window(ours: libtmux.Session, session: Session, window: Window) -> libtmux.Window:
    from libtmux.exc import LibTmuxException

    where, environment = _directory(session, window), session.environment
    try:
        return ours.new_window(formats.literal(window.name), start_directory=where, environment=environment)
    except LibTmuxException as error:
        if _REFUSED not in str(error):
            raise
    return ours.new_window(_plain(window.name), start_directory=where, environment=environment)


def _directory(session: Session, window: Window) -> str:
    return formats.literal(str(session.worktree / window.directory))


def _plain(name: str) -> str:
    return formats.literal(name.replace(":", "-"))


def _absent(error: CommandError) -> bool:
    return bool(re.search("can't find (session|pane|window)|no server|error connecting|server exited", error.stderr))
