"""Text where tmux expands a format."""

import re


def literal(text: str) -> str:
    """Return what is *text* itself: tmux would run the `#(…)` in a window's name."""
    return text.replace("#", "##")


def same(mark: str) -> str:
    """Return the condition that a tmux session carries *mark*."""
    return "#{==:#{@tally_session}," + re.sub(r"([#,}])", r"#\1", mark) + "}"
