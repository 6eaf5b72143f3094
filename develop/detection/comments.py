"""Comments of JSON and JavaScript, in time that grows with the text alone, whatever is in it."""

from __future__ import annotations

import re

# A string, or what looks like one to its end; then comments. Each matches to its end or that of the text, at once.
_PART = re.compile(
    r'"(?:\\.|[^"\\\n])*"?|\'(?:\\.|[^\'\\\n])*\'?|`(?:\\.|[^`\\])*`?|//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/)?', re.DOTALL
)


def blank_comments(text: str) -> str:
    """Return *text* with spaces in the place of comments: every other character stays where it is."""
    return _PART.sub(lambda match: re.sub(r"[^\r\n]", " ", match[0]) if match[0][0] == "/" else match[0], text)


def own_line(space: str) -> str:
    """Return what of the *space* begins the last line: its line end and indentation; without a line end a space."""
    last = space.rfind("\n")
    return space[:1] if last < 0 else space[last - (space[last - 1 : last] == "\r") :]
