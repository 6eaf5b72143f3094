"""Everything that tmux is asked or told."""

from __future__ import annotations

import os
import re
import shutil
import termios
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from ..errors import CommandError, SessionError, SilentError
from ..model import Session, Window
from ..system import progress, shell
from ..system.patterns import late_pattern


def require_tmux() -> None:
    """Raise `SessionError` unless tmux is installed: before anything is done that would stop halfway without it."""
    if shutil.which("tmux") is None:
        raise SessionError("tmux is not installed, or not on PATH. Install the package tmux.")


def escape_format(text: str) -> str:
    """Return *text* for a place where tmux expands formats: it would run the `#(…)` in a window's name."""
    return text.replace("#", "##")


def same_mark(mark: str) -> str:
    """Return tmux's condition that a tmux session has *mark* as its `@tally_session`."""
    return "#{==:#{@tally_session}," + re.sub(r"([#,}])", r"#\1", mark) + "}"


# Where the locale is not UTF-8, as with LC_ALL=C, tmux would print _ for each letter that is not ASCII.
TMUX = ("tmux", "-u")
_SEPARATOR = "|"
_ATTEMPTS = 20  # while a tmux server ends
_START = 20.0  # seconds for a server that is just starting, which waits for the commands in its configuration
FORM = _SEPARATOR.join(
    "#{pane_id} #{window_id} #{pane_tty} #{pane_current_command} #{@tally_window} #{@tally_typed} #{session_name}"
    " #{@tally_session}".split()
)
SHELLS = frozenset("bash zsh fish sh dash ksh mksh ash tcsh csh nu xonsh".split())


_opened: dict[str, list[Pane]] = {}


class Pane(NamedTuple):
    """A pane of ours: *window* of the session at *worktree*."""

    id: str
    window_id: str
    tty: str
    command: str  # what runs in its foreground
    window: str
    typed: bool  # whether its command was already typed
    tmux: str  # the tmux session's name
    worktree: str

    @property
    def at_prompt(self) -> bool:
        """Whether its shell is waiting for a command."""
        return self.command.lstrip("-") in SHELLS and is_at_prompt(self.tty)


# A worktree's path may have newlines, so a line that begins with ids and a terminal is a new pane.
_NEXT = late_pattern(r"\n(?=%\d+\|@\d+\|/)")
_PLAIN = late_pattern(r"[\w@%+=:,./-]", re.ASCII)
_BYTES = 0xDC00  # where Python's code points for bytes that are not UTF-8 begin
_WORD = late_pattern(r"-?[A-Za-z][\w-]*", re.ASCII)


def list_panes(session: Session | None = None) -> list[Pane]:
    """Return our panes in every tmux session, or in that of *session*; none when tmux is not running."""
    if not _asked_once or (session and not session.created):  # another tool's may still have to be adopted
        return _ask_for_panes(("-s", "-t", f"={session.tmux}:") if session else ("-a",))
    panes = _asked_once[-1]
    if panes is None:
        panes = _asked_once[-1] = _ask_for_panes(("-a",))
    return [pane for pane in panes if session is None or pane.tmux == session.tmux]


def _ask_for_panes(scope: Sequence[str]) -> list[Pane]:
    try:
        output = shell.read_output(*TMUX, "list-panes", *scope, "-F", FORM)
    except CommandError:
        return []
    return parse_panes(output)


_asked_once: list[list[Pane] | None] = []  # the panes of all, for each block of `panes_asked_once`


@contextmanager
def panes_asked_once() -> Iterator[None]:
    """Ask tmux once for the panes of all sessions in the block, which neither opens nor ends any."""
    _asked_once.append(None)
    try:
        yield
    finally:
        _asked_once.pop()


def panes_by_worktree() -> dict[str, list[Pane]] | None:
    """Return our panes in every tmux session, by worktree; None when tmux doesn't answer."""
    panes_of: dict[str, list[Pane]] = {}
    try:
        panes = list_panes()
    except SilentError as error:
        progress.notice(str(error))
        return None
    for pane in panes:
        panes_of.setdefault(pane.worktree, []).append(pane)
    return panes_of


def last_visits() -> dict[str, float]:
    """Return by tmux session when a person was last attached to it; infinity where one is now."""
    form = "#{session_attached} #{session_last_attached} #{session_name}"
    output = shell.read_output(*TMUX, "list-sessions", "-F", form, check=False)
    visits = {}
    for attached, at, name in (line.split(" ", 2) for line in output.splitlines()):
        visits[name] = float("inf") if attached != "0" else float(at or 0)
    return visits


def remember_panes(session: Session, output: str) -> None:
    """Keep what tmux printed about the windows that it just opened, so that it need not be asked again."""
    _opened[session.tmux] = parse_panes(output)


def session_panes(session: Session) -> list[Pane]:
    """Return the panes of *session*: as remembered when they were opened, else as tmux knows them now."""
    panes = _opened.pop(session.tmux, None) or list_panes(session)
    return [pane for pane in panes if pane.worktree == str(session.worktree)]


def parse_panes(output: str) -> list[Pane]:
    """Return our panes in the *output* of `list-panes`."""
    panes = []
    for line in _NEXT.split(output.removesuffix("\n")):
        fields = line.split(_SEPARATOR, 7)
        if len(fields) == 8 and fields[4] and fields[7]:
            pane, window_id, tty, command, window, typed, tmux, worktree = fields
            panes.append(Pane(pane, window_id, tty, command, window, bool(typed), tmux, worktree))
    return panes


def run_tmux(commands: Iterable[Sequence[str]], env: dict[str, str] | None = None) -> str:
    """Run tmux *commands* in one process, which ends at the first that fails; return what they print."""
    return shell.read_output(*join_commands(commands), env=env)


def join_commands(commands: Iterable[Sequence[str]]) -> list[str]:
    """Return the argv of one tmux that runs all of *commands*."""
    words = [word for command in commands for word in (";", *map(_escape_word, command))]
    return [*TMUX, *words[1:]]


def begin_tmux(commands: Sequence[Sequence[str]], env: dict[str, str]) -> str:
    """Run *commands*, of which the first may start the server; try again while an old server is just ending.

    They go through tmux's stdin: everybody can read the arguments of a process, and they stay those of the server.
    """
    line = command_line(commands) + "\n"
    shown = join_commands(map(_without_values, commands))
    for attempt in range(_ATTEMPTS + 1):
        try:
            argv = (*TMUX, "start-server", ";", "source-file", "-")
            return shell.feed_program(*argv, given=line, shown=shown, env=env, seconds=_opening_limit(env))
        except CommandError as error:
            if attempt == _ATTEMPTS or not re.search("server exited|no server running|lost server", error.stderr):
                raise
        time.sleep(0.05)
    raise AssertionError


def command_line(commands: Iterable[Sequence[str]]) -> str:
    """Return *commands* as a line of tmux's configuration."""
    return " ; ".join(" ".join(map(_quoted, command)) for command in commands)


def _opening_limit(env: dict[str, str]) -> float:
    """Return the seconds for a command that may start the server; 0, the usual, where one has been up for longer."""
    import socket

    server = os.path.join(env.get("TMUX_TMPDIR") or "/tmp", f"tmux-{os.getuid()}", "default")  # noqa: S108 (tmux's own place)
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        began = os.lstat(server).st_mtime
        line.setblocking(False)
        with suppress(BlockingIOError):  # it is there, and others wait for it
            line.connect(server)
        return 0 if time.time() - began > _START else _START
    return _START


def _quoted(word: str) -> str:
    """Return *word* as tmux's configuration has it: what could mean something there becomes an octal escape."""
    return word if _WORD.fullmatch(word) else '"' + "".join(map(_escape_letter, word)) + '"'


def _escape_letter(letter: str) -> str:
    code = ord(letter)
    if _PLAIN.match(letter) or 127 < code < _BYTES or code > _BYTES + 0xFF:
        return letter
    return f"\\{code % _BYTES:03o}"  # also for bytes that are not UTF-8: tmux takes the byte 255 for the end


def _without_values(command: Sequence[str]) -> list[str]:
    """Return *command* without the values of the variables that it sets."""
    before = ("", *command[:-1])
    return [f"{word.partition('=')[0]}=…" if was == "-e" else word for was, word in zip(before, command, strict=True)]


def listen_step(pane: Pane) -> Sequence[str]:
    """Return the command after which *pane* takes keys: in copy mode, as after an error in `tmux.conf`, it doesn't."""
    return ("copy-mode", "-q", "-t", pane.id)


def _escape_word(word: str) -> str:
    return word[:-1] + "\\;" if word.endswith(";") else word


# Claude Code's prompt stands below a line; what was said before begins with the same mark, but without one. Dim text
# there is a suggestion, reversed text the cursor.
_STYLE = r"(?:\x1b\[[\d;]*m)*"
_PROMPT = late_pattern(rf"^{_STYLE}\u2500{{4}}.*\n{_STYLE}[\u276f>][\s\xa0](.*)$", re.MULTILINE)
_NOT_TYPED = late_pattern(r"\x1b\[7m.\x1b\[(?:0|27)m|\x1b\[2m.*?(?=\x1b\[(?:0|22)m|$)|\x1b\[[\d;]*m")


def prompt_text(screen: str) -> str | None:
    """Return the text that stands at the prompt of Claude Code on *screen*; None when there is no prompt."""
    prompts = _PROMPT.findall(screen)
    return _NOT_TYPED.sub("", prompts[-1]).strip() if prompts else None


def read_draft(session: Session) -> str:
    """Return what was typed into the Claude window of *session* and not sent, as far as its line shows it."""
    if not (steps := _draft_steps(session)):
        return ""
    question = ("if-shell", "-F", "-t", f"={session.tmux}:", same_mark(str(session.worktree)), steps)
    return _draft_in(shell.read_output(*TMUX, *question, check=False))


def kill_session(session: Session) -> str:
    """End the tmux session, if it is ours, and return what `read_draft` does; raises as `run_tmux`."""
    kill, draft = f"kill-session -t '={session.tmux}'", _draft_steps(session)
    condition = ("if-shell", "-F", "-t", f"={session.tmux}:", same_mark(str(session.worktree)))
    if draft:
        with suppress(CommandError):  # without that window tmux does not come to the second
            return _draft_in(run_tmux([(*condition, f"{draft} ; {kill}")]))
    run_tmux([(*condition, kill)])
    return ""


def _draft_steps(session: Session) -> str:
    name = next((window.name for window in session.windows if window.claude), "")
    if not (session.agent.is_claude and _WORD.fullmatch(name)):
        return ""
    place = f"'={session.tmux}:={name}'"
    return f"display-message -p -t {place} '#{{pane_current_command}}' ; capture-pane -p -e -t {place}"


def _draft_in(output: str) -> str:
    program, _, screen = output.partition("\n")
    return "" if program.lstrip("-") in SHELLS else prompt_text(screen) or ""


def is_at_prompt(tty: str) -> bool:
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
    """Wait until every one of *panes* shows a prompt; return those that don't after *seconds*."""
    waiting, deadline = list(panes), time.monotonic() + seconds
    while waiting and time.monotonic() < deadline:
        waiting = [pane for pane in waiting if not is_at_prompt(pane.tty)]
        time.sleep(0.005 if waiting else 0)
    return waiting


def wait_for_work(panes: Sequence[Pane], seconds: float) -> None:
    """Wait at most *seconds* until the shells in *panes* run what was typed; a quick command may be over by then."""
    waiting, deadline = list(panes), time.monotonic() + seconds
    while waiting and time.monotonic() < deadline:
        waiting = [pane for pane in waiting if is_at_prompt(pane.tty)]
        time.sleep(0.002)


def own_panes(session: Session) -> list[Pane]:
    """Return our panes in the tmux session, which is adopted first if another tool made it for this worktree."""
    panes = list_panes(session)
    if panes or session.created:
        return [pane for pane in panes if pane.worktree == str(session.worktree)]
    from . import found_tmux

    found_tmux.take_over_seed(session)
    return list_panes(session)


def present_windows(session: Session) -> tuple[Window, ...]:
    """Return the windows of *session* for which its worktree has all that they need; before that is made, all."""
    if not session.worktree.exists():
        return session.windows
    return tuple(window for window in session.windows if not find_missing(session, window))


def waiting_windows(session: Session, panes: Iterable[Pane]) -> list[Window]:
    """Return the windows of *session* whose server waits for somebody to attach; *panes* are the open ones."""
    lazy = {window.name: window for window in session.windows if window.is_lazy}
    return [lazy[pane.window] for pane in panes if pane.window in lazy and not pane.typed]


def find_missing(session: Session, window: Window) -> str:
    """Return the path that *window* needs and the worktree of *session* doesn't have; empty for none."""
    place = session.worktree / window.directory
    if not place.is_dir():
        return window.directory
    return window.needs if window.needs and not (place / window.needs).exists() else ""
