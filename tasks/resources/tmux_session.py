"""The resource of the tmux session and its windows, which have shells only."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from ..errors import CommandError, SessionError, SilentError
from ..model import Problem, Session, Window
from ..system import activation, shell
from ..system.patterns import late_pattern
from ..system.progress import notice
from ..tools import tmux

LABEL = "tmux"

_ABSENT = late_pattern("can't find (session|pane|window)|no current target|no server|error connecting|server exited")
_NAME_WIDTH = 40  # columns that the status line has for the name
_REFUSED = "invalid window name"  # some releases of tmux refuse a colon
_unopened: set[str] = set()  # which the server didn't answer about: it has not read the commands that make them


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    names = ", ".join(dict.fromkeys(window.title for window in tmux.present_windows(session)))
    return f"tmux session {session.tmux} with windows {names}" if names else ""


def create(session: Session) -> None:
    """Open the tmux session, or those of its windows that are missing.

    Raises `SessionError` when a tmux session of that name exists and isn't ours.
    """
    present = tmux.present_windows(session)
    for window in session.windows:
        if window not in present:
            lacking = tmux.find_missing(session, window)
            notice(f"{session.name}: Window {window.name} was left out: {lacking} doesn't exist on this branch.")
    panes = [] if session.state == "adding" else tmux.own_panes(session)
    if panes:
        _open_missing(session, {pane.window: pane.id for pane in panes})
    elif present:
        _open(session)


def remove(session: Session) -> None:
    """End the tmux session, if it is ours, with every program that was started in it."""
    if session.tmux in _unopened:
        return
    if not session.created:
        tmux.own_panes(session)
    try:
        if draft := tmux.kill_session(session):
            notice(f"{session.name} had an unsent prompt for Claude, which isn't saved: {draft}")
    except CommandError as error:
        if not _absent(error):
            raise
    from ..system import processes

    processes.end_processes(session)


def problems(session: Session) -> list[Problem]:
    """Return the windows that are missing from a running tmux session."""
    open_windows = {pane.window for pane in tmux.own_panes(session)}
    missing = [window.name for window in tmux.present_windows(session) if window.name not in open_windows]
    if not open_windows or not missing:
        return []
    fix = f"inv session.resume {session.name}"
    return [Problem(f"windows are missing: {', '.join(missing)}", "what should run there is not running", fix)]


def _open(session: Session) -> None:
    try:
        output = tmux.begin_tmux(_opening(session), shell.pristine_environment())
    except SilentError:
        _unopened.add(session.tmux)
        raise
    except CommandError as error:
        if "duplicate session" in error.stderr:
            from ..tools import found_tmux

            if found_tmux.read_mark(session.tmux) == str(
                session.worktree
            ):  # somebody closed our windows, and has others in it
                _open_missing(session, {})
                return
            raise SessionError(found_tmux.describe_taken(session.tmux)) from None
        if re.search(r"unknown (flag|option)|usage:|^-: No such file", error.stderr, re.MULTILINE):
            version = shell.read_output("tmux", "-V").strip()
            raise SessionError(f"{version} is too old.\nInstall tmux 3.2 or newer.") from None
        if _REFUSED not in error.stderr:
            raise
        remove(session)
        output = tmux.begin_tmux(_opening(session, plain_names=True), shell.pristine_environment())
    tmux.remember_panes(session, output)


def _opening(session: Session, plain_names: bool = False) -> list[Sequence[str]]:
    target, variables = f"={session.tmux}:", _variables(session)
    steps: list[Sequence[str]] = []
    title = ""  # of the window that was opened last
    for window in tmux.present_windows(session):
        name = _named(window, plain_names)
        where = ("-c", _directory(session, window))
        if window.window and title == window.title:
            steps.append(("split-window", "-t", target, *where, *variables))
            steps.append(("set-option", "-p", "-t", target, "@tally_window", window.name))
            steps += _laid_out(window, target)
            continue
        title = window.title
        if not steps:
            steps.append(
                ("new-session", "-d", "-s", session.tmux, "-n", name, "-x", "200", "-y", "50", *where, *variables)
            )
            steps.append(("set-option", "-t", target, "@tally_session", str(session.worktree)))
            steps.append(("set-option", "-t", target, "destroy-unattached", "off"))
            widen = f"set-option -t '{target}' status-left-length {_NAME_WIDTH}"  # by default 10 columns of the name
            steps.append(("if-shell", "-F", "-t", target, f"#{{e|<|:#{{status-left-length}},{_NAME_WIDTH}}}", widen))
        else:
            steps.append(("new-window", "-t", target, "-n", name, *where, *variables))
        steps.append(("set-option", "-p", "-t", target, "@tally_window", window.name))
    return [*steps, ("select-window", "-t", f"{target}^"), ("list-panes", "-s", "-t", target, "-F", tmux.FORM)]


def _variables(session: Session) -> list[str]:
    values = activation.own_environment(session)
    return [word for key, value in values.items() for word in ("-e", f"{key}={value}")]


def _open_missing(session: Session, panes: dict[str, str]) -> None:
    """Open the windows that are not among *panes*, the ids by name; then the panes of a window that is open."""
    missing = [window for window in tmux.present_windows(session) if window.name not in panes]
    titles = {window.window for window in session.windows if window.name in panes and window.window}
    first = [each for each in missing if each.window not in titles]
    first = [each for each in first if each.name == next(one.name for one in first if one.title == each.title)]
    for windows in (first, [each for each in missing if each not in first]):
        if windows:
            opened = _open_more(session, windows, panes)
            panes = {**panes, **dict(zip([each.name for each in windows], opened, strict=True))}


def _open_more(session: Session, windows: Sequence[Window], panes: Mapping[str, str]) -> list[str]:
    """Open *windows*, or panes beside those of *panes* that are in the same window; return their ids."""
    try:
        try:
            output = tmux.begin_tmux(_more(session, windows, panes), shell.pristine_environment())
        except CommandError as error:
            if _REFUSED not in error.stderr:
                raise
            output = tmux.begin_tmux(_more(session, windows, panes, plain_names=True), shell.pristine_environment())
    except CommandError as error:
        names = ", ".join(window.name for window in windows)
        why = f"{session.tmux} has just ended" if _absent(error) else error.stderr.strip()
        raise SessionError(f"tmux couldn't open the windows {names}: {why}") from None
    _mark(output.split(), windows)
    return output.split()


def _mark(opened: Sequence[str], windows: Sequence[Window]) -> None:
    """Note in each pane that was *opened* which of *windows* it is; one that has just ended needs no mark."""
    os.environ.setdefault("LIBTMUX_TMUX_FORMAT_SEPARATOR", "|tally|")  # its own is not ASCII: see panes.TMUX
    import libtmux
    from libtmux.exc import LibTmuxException

    with suppress(LibTmuxException):
        server = libtmux.Server(socket_name="default")
        for number, window in zip(opened, windows, strict=True):
            libtmux.Pane(server=server, pane_id=number).cmd("set-option", "-p", "@tally_window", window.name)


def _more(
    session: Session, missing: Sequence[Window], panes: Mapping[str, str], plain_names: bool = False
) -> list[Sequence[str]]:
    """Return the commands that open the *missing* windows, without selecting them."""
    steps: list[Sequence[str]] = []
    known = ("-d", "-P", "-F", "#{pane_id}", "-t")
    for window in missing:
        where = ("-c", _directory(session, window), *_variables(session))
        beside = [panes[each.name] for each in session.windows if each.window == window.title and each.name in panes]
        if window.window and beside:
            steps.append(("split-window", *known, beside[-1], *where))
            steps += _laid_out(window, beside[-1])
        else:
            steps.append(("new-window", *known, f"={session.tmux}:", "-n", _named(window, plain_names), *where))
    return steps


def _laid_out(window: Window, target: str) -> list[Sequence[str]]:
    """Return the command that arranges the panes of *window*; it also makes room for another one."""
    return [("select-layout", "-t", target, window.layout or "tiled")]


def _named(window: Window, plain: bool) -> str:
    return tmux.escape_format(window.title.replace(":", "-") if plain else window.title)


def _directory(session: Session, window: Window) -> str:
    return tmux.escape_format(str(session.worktree / window.directory))


def _absent(error: CommandError) -> bool:
    return bool(_ABSENT.search(error.stderr))
