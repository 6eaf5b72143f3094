"""What tmux is asked and told: one process for many questions or steps."""

from __future__ import annotations

import os
import re
import termios
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .. import shell
from ..errors import CommandError
from ..model import Session

# Where the locale is not UTF-8, as with LC_ALL=C, tmux would tell us _ for each letter that is not ASCII.
TMUX = ("tmux", "-u")
_SEPARATOR = "|"
_ENDING = 20  # attempts while a tmux server ends
FORM = _SEPARATOR.join(
    "#{pane_id} #{window_id} #{pane_tty} #{pane_current_command} #{@tally_window} #{@tally_typed} #{session_name}"
    " #{@tally_session}".split()
)
_SHELLS = frozenset("bash zsh fish sh dash ksh mksh ash tcsh csh nu xonsh".split())

_opened: dict[str, list[Pane]] = {}


@dataclass(frozen=True)
class Pane:
    """The pane that we opened as *window* of the session at *worktree*."""

    id: str
    window_id: str
    tty: str
    command: str  # what runs in its foreground
    window: str
    typed: bool  # whether its command was typed already
    tmux: str  # the tmux session's name
    worktree: str

    @property
    def at_prompt(self) -> bool:
        """Whether its shell waits for a command."""
        return self.command.lstrip("-") in _SHELLS and line_editor(self.tty)


def observe(session: Session | None = None) -> list[Pane]:
    """Return our panes in every tmux session, or in that of *session*; none when tmux is not running."""
    scope = ("-s", "-t", f"={session.tmux}:") if session else ("-a",)
    try:
        said = shell.read(*TMUX, "list-panes", *scope, "-F", FORM)
    except CommandError:
        return []
    return parse(said)


def by_worktree() -> dict[str, list[Pane]]:
    """Return our panes in every tmux session, by the worktree that they belong to."""
    found: dict[str, list[Pane]] = {}
    for pane in observe():
        found.setdefault(pane.worktree, []).append(pane)
    return found


def remember(session: Session, said: str) -> None:
    """Keep what tmux printed of the windows that it just opened, so that it is not asked again."""
    _opened[session.tmux] = parse(said)


def of(session: Session) -> list[Pane]:
    """Return the panes of *session*: as they were just opened, or else as tmux knows them now."""
    found = _opened.pop(session.tmux, None) or observe(session)
    return [pane for pane in found if pane.worktree == str(session.worktree)]


def parse(said: str) -> list[Pane]:
    """Return the panes in what tmux printed, without those that are not ours."""
    found = []
    for line in said.split("\n"):
        fields = line.split(_SEPARATOR, 7)
        if len(fields) == 8 and fields[4] and fields[7]:
            pane, window_id, tty, command, window, typed, tmux, worktree = fields
            found.append(Pane(pane, window_id, tty, command, window, bool(typed), tmux, worktree))
    return found


def step(commands: Iterable[Sequence[str]], env: dict[str, str] | None = None) -> str:
    """Run tmux *commands* one after the other in one process; the first that fails ends it."""
    return shell.run(*joined(commands), env=env)


def joined(commands: Iterable[Sequence[str]]) -> list[str]:
    """Return the one tmux that does all of *commands*."""
    words = [word for command in commands for word in (";", *map(_escaped, command))]
    return [*TMUX, *words[1:]]


def begin(commands: Sequence[Sequence[str]], env: dict[str, str]) -> str:
    """Run *commands*, whose first may start the server; one that is just ending takes none."""
    for _attempt in range(_ENDING):
        try:
            return step(commands, env)
        except CommandError as error:
            if not re.search("server exited|no server running|lost server", error.stderr):
                raise
        time.sleep(0.05)
    return step(commands, env)


def listening(pane: Pane) -> Sequence[str]:
    """Return the step after which *pane* takes keys: one scrolled back, or with errors of `tmux.conf`, does not."""
    return ("copy-mode", "-q", "-t", pane.id)


def _escaped(word: str) -> str:
    return word[:-1] + "\\;" if word.endswith(";") else word


def line_editor(tty: str) -> bool:
    """Return whether the program on *tty* reads single keys, as a shell does exactly while it shows its prompt."""
    try:
        descriptor = os.open(tty, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return not termios.tcgetattr(descriptor)[3] & termios.ICANON
    except termios.error:
        return False
    finally:
        os.close(descriptor)


def wait_for_prompts(panes: Sequence[Pane], seconds: float) -> list[Pane]:
    """Wait until every one of *panes* shows a prompt; return those that do not after *seconds*."""
    waiting, deadline = list(panes), time.monotonic() + seconds
    while waiting and time.monotonic() < deadline:
        waiting = [pane for pane in waiting if not line_editor(pane.tty)]
        time.sleep(0.005 if waiting else 0)
    return waiting


def wait_for_work(panes: Sequence[Pane], seconds: float) -> None:
    """Wait until the shells in *panes* have begun with what was typed, at most *seconds*: a quick one is never seen."""
    waiting, deadline = list(panes), time.monotonic() + seconds
    while waiting and time.monotonic() < deadline:
        waiting = [pane for pane in waiting if line_editor(pane.tty)]
        time.sleep(0.002)
