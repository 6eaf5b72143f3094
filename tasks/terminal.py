"""What the terminal on stderr can show: how wide it is, which letters and colours it has."""

from __future__ import annotations

import functools
import os
import re
import sys
import textwrap

YELLOW, RED, GREEN = 3, 1, 2
_NARROW = 40  # columns below which further lines are indented by less
_INDENT = 4
_COLOUR = re.compile(r"\x1b\[[\d;:]*m|\r(?=\n)")  # which programs give their messages; and how Windows ends a line
_PASSWORD = re.compile(r"(://)[\w.~%+=,:!*@-]+@")
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # the last turn letters round


def live() -> bool:
    """Return whether lines can be told again in their place."""
    try:
        return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    except ValueError:  # closed
        return False


def write(text: str) -> None:
    """Write *text*; a terminal that went away in the meantime is no failure."""
    try:
        sys.stderr.write(encodable(text))
        sys.stderr.flush()
    except (OSError, ValueError):
        pass


def plain(text: str) -> str:
    """Return *text* without what a terminal would obey: a commit, a file or another program can say anything."""
    return _OBEYED.sub(_escaped, _COLOUR.sub("", text))


def masked(text: str) -> str:
    """Return *text* without the passwords in its addresses; nothing that a shell would act upon is left out."""
    return _PASSWORD.sub(r"\1…@", text)


def told(text: str) -> str:
    """Return *text* as people are told it: plain, and masked."""
    return masked(plain(text))


def line(text: str) -> str:
    """Return *text*, as the name of a file, as one line of that."""
    return re.sub("[\t\n]", _escaped, told(text))


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"  # as JSON has it, which some answers are


def columns() -> int:
    """Return how wide it is."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def room() -> int:
    """Return how wide the terminal on stdout is, whatever COLUMNS says; 0 when there is none."""
    return _size()[0]


def lines() -> int:
    """Return how many lines it has; 0 when there is none."""
    return _size()[1]


def _size() -> tuple[int, int]:
    try:
        return os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return 0, 0


def width(text: str) -> int:
    """Return the columns that *text* takes at most: what is not ASCII may take two."""
    return sum(1 if each.isascii() else 2 for each in text)


def shortened(text: str, room: int) -> str:
    """Return what of *text* fits into *room* columns."""
    if width(text) <= room:
        return text
    while text and width(text) > room - 3:  # also where … is told as three dots
        text = text[:-1]
    return f"{text}…"


def wrapped(text: str, indent: int) -> str:
    """Return *text* in lines as wide as the terminal, the further ones with an *indent*; elsewhere in one line."""
    room = columns() if live() else 0
    if len(text) <= room or not room or "\n" in text:
        return text
    below = " " * (indent if room >= _NARROW else _INDENT)
    return textwrap.fill(text, room, subsequent_indent=below, break_long_words=False, break_on_hyphens=False)


def encodable(text: str) -> str:
    """Return *text* as the terminal's encoding can say it."""
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.replace("…", "...").encode(encoding, "backslashreplace").decode(encoding)
    return text


def painted(text: str, colour: int) -> str:
    """Return *text* in a *colour*, where there are colours and they are wanted."""
    if not live() or os.environ.get("NO_COLOR"):
        return text
    begin, end = _colours(colour)
    return f"{begin}{text}{end}"


@functools.cache
def _colours(colour: int) -> tuple[str, str]:
    """Return what begins a *colour* and what ends it, as the system's description of the terminal has it."""
    try:
        import curses

        curses.setupterm(fd=sys.stderr.fileno())
        begin, end = curses.tigetstr("setaf"), curses.tigetstr("sgr0")
        return (curses.tparm(begin, colour).decode(), end.decode()) if begin and end else ("", "")
    except Exception:  # a Python without curses, or a terminal that nobody described: then it is plain
        return "", ""
