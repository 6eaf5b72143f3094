"""What the terminal can show: its width, characters and colours; and text made safe for it."""

from __future__ import annotations

import codecs
import functools
import json
import os
import re
import shlex
import sys
import textwrap
from collections.abc import Callable

from .patterns import late_pattern

RED, GREEN, YELLOW, BLUE = 1, 2, 3, 4
CALLED = "TALLY_SESSIONS_CALLER"  # `caller` says what it is
SHOWN = "TALLY_SESSIONS_SHOWN"  # so does `shown_removals`
_NARROW = 40  # columns below which further lines are indented by less
_INDENT = 4
_COLOUR = late_pattern(r"\x1b\[[\d;:]*m|\r(?=\n)")  # colours in the messages of programs; and line ends of Windows
_PASSWORD = late_pattern(r"(://)[\w.~%+=,:!*@-]+@")
_COMMAND = late_pattern(r"[A-Z][^.:]*: ")  # Run: inv …
_UNIT = late_pattern(r"(?<=\d) (?=(?:s|B|kB|MB|GB|%)$|(?:s|B|kB|MB|GB|%)\s)")
# Beside control characters those that reverse text, and halves of surrogate pairs, which no terminal can be given.
_CONTROL = late_pattern("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def is_live() -> bool:
    """Return whether stderr is a terminal on which a line can be overwritten."""
    try:
        return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    except ValueError:  # closed
        return False


def write_out(text: str) -> None:
    """Write *text* to stderr; a terminal that was closed in the meantime is not an error."""
    try:
        sys.stderr.write(encodable_text(text))
        sys.stderr.flush()
    except (OSError, ValueError):
        pass


def can_ask() -> bool:
    """Return whether a person is at the terminal, who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def command_with_consent() -> str:
    """Return the command that was typed with --yes, for where nobody can be asked."""
    return shlex.join(["inv", *sys.argv[1:], "--yes"])


def ask_consent(question: str) -> bool:
    """Return whether the person at the terminal answers yes to *question*; Enter alone is no."""
    write_out(f"{told_text(question)} [y/N] ")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def plain_text(text: str) -> str:
    """Return *text* with its control characters escaped: a commit, a file or a program can contain any."""
    if text.replace("\n", "").isprintable():
        return text
    return _CONTROL.sub(_escaped, _COLOUR.sub("", text))


def _addressed(text: str) -> str:
    """Return *text* in the words of the machine that called us, where one did."""
    if CALLED not in os.environ:
        return text
    from . import caller

    return caller.in_its_words(text)


def mask_passwords(text: str) -> str:
    """Return *text* with the passwords in its URLs masked; nothing that a shell would interpret is hidden."""
    return _PASSWORD.sub(r"\1…@", text)


def told_text(text: str) -> str:
    """Return *text* as it is safe to show: without control characters and passwords."""
    return mask_passwords(plain_text(_addressed(text)))


def told_error(text: str) -> str:
    """Return *text* as the error that ends a task; on a terminal it begins with a word in red."""
    return f"{paint_text('Error:', RED)} {told_text(text)}" if is_live() else told_text(text)


def home_path(path: str) -> str:
    """Return *path* as people write it, with ~ for their home."""
    home = os.path.expanduser("~")
    return "~" + path.removeprefix(home) if path.startswith(home + "/") else path


def home_paths(text: str) -> str:
    """Return *text* with ~ for their home in each path, but in quotes, where no shell knows it."""
    home = re.escape(os.path.expanduser("~"))
    return re.sub(rf"(?<![^\s(,:]){home}(?=/)", "~", text)


def one_line(text: str) -> str:
    """Return *text* as one line that is safe to show."""
    return re.sub("[\t\n]", _escaped, told_text(text))


def file_name(path: str) -> str:
    """Return *path* as one line in which every control character is seen: without its colours it is another file."""
    return one_line(_CONTROL.sub(_escaped, path))


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"  # as in JSON, which some answers are


def terminal_columns() -> int:
    """Return the width of the terminal on stderr; 80 when there is none."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def stdout_columns() -> int:
    """Return the width of the terminal on stdout, whatever COLUMNS is; 0 when there is none."""
    return _size()[0]


def terminal_lines() -> int:
    """Return the height of the terminal on stdout; 0 when there is none."""
    return _size()[1]


def follow_size() -> None:
    """Have the size of the terminal count, also when it changes: not what a shell exported as COLUMNS and LINES."""
    if sys.__stdout__ and sys.__stdout__.isatty():
        for name in ("COLUMNS", "LINES"):
            os.environ.pop(name, None)


def _size() -> tuple[int, int]:
    try:
        return os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return 0, 0


def text_width(text: str) -> int:
    """Return the columns that *text* takes at most: other characters than ASCII may take two."""
    return sum(1 if each.isascii() else 2 for each in text)


def shorten_text(text: str, room: int) -> str:
    """Return *text*, cut to *room* columns with … at its end."""
    if text_width(text) <= room:
        return text
    while text and text_width(text) > room - 3:  # … may become three dots
        text = text[:-1]
    return f"{text}…"


def shorten_middle(text: str, room: int) -> str:
    """Return *text*, cut to *room* columns with … in its middle: both ends of a name tell it apart from others."""
    if text_width(text) <= room:
        return text
    tail = (room - 1) // 2
    head = room - 1 - tail
    while head > 0 and text_width(text[:head]) + text_width(text[-tail:]) + 1 > room:
        head, tail = head - 1, max(tail - 1, 1)
    return f"{text[:head]}…{text[-tail:]}"


def wrap_text(text: str, indent: int) -> str:
    """Return *text* in lines as wide as the terminal, with a hanging *indent*; without a terminal in one line."""
    room = terminal_columns() if is_live() else 0
    if not room:
        return text
    below, (first, *more) = " " * (indent if room >= _NARROW else _INDENT), text.split("\n")
    return "\n".join([_fill(first, room, below), *(_below(line, room, below) for line in more)])


def _below(line: str, room: int, below: str) -> str:
    """Return a later *line* in its column; a command in one piece, so that it can be copied."""
    return f"{below}{line}" if _COMMAND.match(line) else _fill(f"{below}{line}", room, below)


def _fill(line: str, room: int, below: str) -> str:
    if len(line) <= room:
        return line
    joined = _UNIT.sub("\u00a0", line)  # a number stays with its unit; textwrap breaks at ASCII spaces alone
    lines = textwrap.fill(joined, room, subsequent_indent=below, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\u00a0", " ")


def encodable_text(text: str) -> str:
    """Return *text* with what the terminal's encoding doesn't have escaped."""
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.replace("…", "...").encode(encoding, "backslashreplace").decode(encoding)
    return text


def paint_text(text: str, colour: int) -> str:
    """Return *text* in a *colour* if stderr is a terminal that has it, unless NO_COLOR is set."""
    return _painted(text, colour) if is_live() else text


def paint_answer(text: str, colour: int) -> str:
    """Return *text* in a *colour* if stdout is a terminal that has it, unless NO_COLOR is set."""
    return _painted(text, colour) if stdout_columns() else text


def paint_done(text: str) -> str:
    """Return *text* with its first sentence in green, where stdout shows colours."""
    sentence = re.match(r".*?\.(?=\s|$)", text)
    return f"{paint_answer(sentence[0], GREEN)}{text[sentence.end() :]}" if sentence else text


def _painted(text: str, colour: int) -> str:
    begin, end = ("", "") if os.environ.get("NO_COLOR") else _colours(colour)
    return f"{begin}{text}{end}"


@functools.cache
def _colours(colour: int) -> tuple[str, str]:
    """Return the sequences that begin and end a *colour*, from the system's description of the terminal."""
    try:
        import curses

        curses.setupterm(fd=2)  # only errors would be written there
        begin, end = curses.tigetstr("setaf"), curses.tigetstr("sgr0")
        return (curses.tparm(begin, colour).decode(), end.decode()) if begin and end else ("", "")
    except Exception:  # a Python without curses, or an unknown terminal: plain text
        return "", ""


def _as_in_json(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)  # it is registered for nothing else
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error("as_in_json", _as_in_json)


def print_answer(text: str, verbatim: bool = False, paint: Callable[[str], str] | None = None) -> None:
    """Print *text* to stdout; control characters, and what its encoding doesn't have, are escaped.

    With *verbatim*, for a shell to read, control characters stay; *paint* then colours what is safe.
    """
    text = text if verbatim else plain_text(_addressed(text))
    text = paint(text) if paint else text
    try:
        print(text)
    except UnicodeEncodeError:
        print(text.encode(sys.stdout.encoding, "as_in_json").decode(sys.stdout.encoding))
    sys.stdout.flush()
