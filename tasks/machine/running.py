"""Commands that a person runs with the variables of a session, and the variables themselves."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from .. import shell
from ..errors import SessionError
from ..model import Session
from . import activation

_MARK = "TALLY_SESSION"


def variables(session: Session, app: str = "") -> dict[str, str]:
    """Return the variables of *session*, and those of its *app*.

    The mark of its processes is left out: who takes these into a shell of his own does not want it ended by `stop`.
    """
    own = {key: value for key, value in session.environment.items() if key != _MARK}
    if not app:
        return own
    directory = _app(session, app)
    return {**own, **next((session.env[file] for file in session.env_files if str(Path(file).parent) == directory), {})}


def exports(values: Mapping[str, str]) -> str:
    """Return *values* as lines for a shell's `eval`."""
    quoted = ((key, "'" + value.replace("'", "'\"'\"'") + "'") for key, value in values.items())
    return "\n".join(f"export {key}={value}" for key, value in quoted)


def run(session: Session, line: str, app: str, directory: Path | None) -> None:
    """Become a shell that runs *line* with the variables of *session*, in *directory* or the worktree or its *app*.

    In a *directory* inside of an app these are its variables too. Raises `SessionError` when there is no such place.
    """
    place = session.worktree / _app(session, app) if app else directory or session.worktree
    if not place.is_dir():
        raise SessionError(f"{place} does not exist; to see what is wrong: inv session.doctor")
    active = f"{activation.sourced(session.activate)} 1>&2 || exit\n" if session.activate else ""
    values = {**shell.environment(), **variables(session, app or _around(session, place)), _MARK: str(session.worktree)}
    os.chdir(place)
    _become(active + line, values)


def run_unchanged(line: str) -> None:
    """Become a shell that runs *line* here, as if we were not."""
    _become(line, dict(os.environ))


def _become(line: str, environment: dict[str, str]) -> None:
    """^C, the terminal and the exit code are then the command's own."""
    for name in ("SIGPIPE", "SIGXFSZ"):  # which Python ignores, and a program would inherit that
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    sys.stdout.flush()
    try:
        os.execvpe("bash", ["bash", "-c", "--", line], environment)
    except FileNotFoundError:
        raise SessionError("bash is not installed or not on PATH; install the package 'bash'") from None


def _apps(session: Session) -> list[str]:
    return [directory for file in session.env_files if (directory := str(Path(file).parent)) != "."]


def _around(session: Session, place: Path) -> str:
    """Return the innermost app that *place* is in; empty when it is in none."""
    return max((app for app in _apps(session) if place.is_relative_to(session.worktree / app)), key=len, default="")


def _app(session: Session, app: str) -> str:
    """Return the directory of *app*, which may be named by its last part.

    Raises `SessionError` with the known ones unless it is one of them, or another directory of the worktree.
    """
    wanted = str(Path(app))
    known = _apps(session)
    found = [each for each in known if wanted in (each, Path(each).name)]
    if len(found) == 1 or wanted in found:
        return wanted if wanted in found else found[0]
    if (session.worktree / wanted).resolve().is_relative_to(session.worktree) and (session.worktree / wanted).is_dir():
        return wanted
    listed = f"known: {', '.join(known)}" if known else "none has variables of its own (`app_env`)"
    raise SessionError(f"session {session.name} has no app {app!r}; {listed}")
