"""Lines of text as Textual draws them, without what would control the terminal."""

from __future__ import annotations

import re

from rich.console import Console
from rich.segment import Segment
from rich.text import Text
from textual.content import Content
from textual.strip import Strip

# Those of other programs reach the terminal as they are, and could reset it: ESC c in the subject of a commit.
# Half a surrogate pair can't be written there at all.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def harmless(text: str) -> str:
    """Return *text* with signs in place of control characters, one for each: its styles stay where they are."""
    return _CONTROL.sub(lambda match: chr(0x2400 + ord(match[0])) if match[0] < " " else "\ufffd", text)


def in_border(text: str) -> Content:
    """Return *text* for the border of a box, which takes what is no `Content` for markup, and ends with `[/`."""
    return Content(harmless(text))


def strip_of(text: Text, console: Console) -> Strip:
    """Return the line *text* with all of its styles: rendered alone, a text forgets its own."""
    text.end = ""
    if _CONTROL.search(text.plain):
        text.plain = harmless(text.plain)
    return Strip(Segment.apply_style(text.render(console), console.get_style(text.style)), text.cell_len)
