"""Commands with a session's variables, its environment activated."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..errors import SessionError
from ..model import Session
from . import activation, shell, signals, terminal

_GRACE = 5.0  # seconds that a command may take to end


class Run(NamedTuple):
    """How a *command* ended, and after how long."""

    command: str
    exit_code: int
    seconds: float


def command_script(session: Session, command: str) -> str:
    """Return a script for bash that runs *command* in the worktree, `$1`, with its environment activated."""
    active = f"{activation.sourced_activation(session.activate)} && " if session.activate else ""
    return f'cd "$1" && {{ {active}cd "$1" && {command}\n}} 1>&2'  # a hook of `workon` may change the directory


def ask_in_session(session: Session, command: str, seconds: float) -> str:
    """Return what *command* prints in the worktree, its environment activated; empty where it can't be run."""
    active = f"{activation.sourced_activation(session.activate)} 1>&2 && " if session.activate else ""
    argv = ("bash", "-c", f'{{ {active}cd "$1"; }} && {command}', "bash", str(session.worktree))
    environment, place = activation.session_environment(session), session.worktree
    return shell.read_output(*argv, env=environment, check=False, cwd=place, seconds=seconds)


def run_in_session(session: Session, command: str, quiet: bool = False) -> Run:
    """Run *command* and return how it ended; its output goes to stderr. A signal to us ends all that it started.

    A *quiet* one's output is not shown.
    """
    argv = ("bash", "-c", command_script(session, command), "bash", str(session.worktree))
    started = time.monotonic()
    sys.stderr.flush()
    with signals.signals_raised(), subprocess.Popen(
        argv, env=activation.session_environment(session), stdin=subprocess.DEVNULL, start_new_session=True,
        stderr=subprocess.DEVNULL if quiet else None,
    ) as process:  # fmt: skip
        try:
            code = process.wait()
        except BaseException:
            _end(process)
            raise
    return Run(command, code if code >= 0 else 128 - code, time.monotonic() - started)


def _end(process: subprocess.Popen[bytes]) -> None:
    with signals.signals_held(), suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            pass
        os.killpg(process.pid, signal.SIGKILL)  # what ignored the first signal, or outlived its parent


_MARK = "TALLY_SESSION"


def session_variables(session: Session, app: str = "") -> dict[str, str]:
    """Return the variables of *session*, and those of its *app*.

    The mark of its processes is left out: `stop` must not end the shell of somebody who sets these variables there.
    """
    own = {key: value for key, value in activation.own_environment(session).items() if key != _MARK}
    if not app:
        return own
    directory = _app(session, app)
    return {**own, **next((session.env[file] for file in session.env_files if str(Path(file).parent) == directory), {})}


def export_lines(values: Mapping[str, str]) -> str:
    """Return *values* as lines for a shell's `eval`."""
    quoted = ((key, "'" + value.replace("'", "'\"'\"'") + "'") for key, value in values.items())
    return "\n".join(f"export {key}={value}" for key, value in quoted)


def become_command(session: Session, line: str, app: str, directory: Path | None) -> None:
    """Become a shell that runs *line* with the variables of *session*, in *directory*, the worktree or its *app*.

    A *directory* inside an app has the app's variables, too. Raises `SessionError` when there is no such directory.
    """
    place, script, values = _prepare(session, line, app, directory)
    os.chdir(place)
    _become(script, values)


def run_line(session: Session, line: str, app: str) -> int:
    """Run *line* as `become_command` does, but come back; return its exit code."""
    place, script, values = _prepare(session, line, app, None)
    with signals.signals_raised(), subprocess.Popen(["bash", "-c", "--", script], cwd=place, env=values) as process:
        code = process.wait()
    return code if code >= 0 else 128 - code


def _prepare(session: Session, line: str, app: str, directory: Path | None) -> tuple[Path, str, dict[str, str]]:
    """Return where to run *line*, what bash is to run, and its environment."""
    place = session.worktree / _app(session, app) if app else directory or session.worktree
    if not place.is_dir():
        raise SessionError(f"{place} doesn't exist.\nRun: inv session.doctor")
    back = f"cd {shlex.quote(str(place))} || exit\n"
    active = f"{activation.sourced_activation(session.activate)} 1>&2 || exit\n{back}" if session.activate else ""
    values = {
        **shell.clean_environment(),
        **session_variables(session, app or _around(session, place)),
        _MARK: str(session.worktree),
    }
    return place, active + line, values


def become_command_unchanged(line: str) -> None:
    """Become a shell that runs *line* here, in our own environment."""
    _become(line, {key: value for key, value in os.environ.items() if key != terminal.CALLED})


def _become(line: str, environment: dict[str, str]) -> None:
    """Become bash: ^C, the terminal and the exit code are then the command's own."""
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores them, and a program would inherit that
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    sys.stdout.flush()
    try:
        os.execvpe("bash", ["bash", "-c", "--", line], environment)
    except FileNotFoundError:
        raise SessionError("bash is not installed, or not on PATH. Install the package bash.") from None


def _apps(session: Session) -> list[str]:
    return [directory for file in session.env_files if (directory := str(Path(file).parent)) != "."]


def _around(session: Session, place: Path) -> str:
    """Return the innermost app around *place*; empty when there is none."""
    return max((app for app in _apps(session) if place.is_relative_to(session.worktree / app)), key=len, default="")


def _app(session: Session, app: str) -> str:
    """Return the directory of *app*, which may be given by its last component.

    Raises `SessionError` unless it is an app with variables, or another directory of the worktree.
    """
    directory = str(Path(app))
    apps = _apps(session)
    matches = [each for each in apps if directory in (each, Path(each).name)]
    if len(matches) == 1 or directory in matches:
        return directory if directory in matches else matches[0]
    place = session.worktree / directory
    if place.resolve().is_relative_to(session.worktree) and place.is_dir():
        return directory
    hint = f"Its apps: {', '.join(apps)}" if apps else "No app has variables of its own (`app_env`)."
    raise SessionError(f'{session.name} has no app "{app}". {hint}')


def run_project_step(session: Session, command: str, role: str) -> None:
    """Run *command* of the configuration in the worktree as a step of ours; bash calls itself by its *role*.

    Raises `CommandError` when it fails.
    """
    argv = ("bash", "-c", command_script(session, command), role, str(session.worktree))
    shell.run_step(*argv, env=activation.session_environment(session))
