"""Lines of text as Textual draws them."""

from __future__ import annotations

from rich.console import Console
from rich.segment import Segment
from rich.text import Text
from textual.strip import Strip


def strip_of(text: Text, console: Console) -> Strip:
    """Return the line *text* with all of its styles: rendered alone, a text forgets its own."""
    text.end = ""
    return Strip(Segment.apply_style(text.render(console), console.get_style(text.style)), text.cell_len)
