"""Which sessions a filter shows: letters of the name in their order, and `key:value` words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ...status.shown_rows import Row
from .columns import claude_words

KEYS: dict[str, Callable[[Row], Sequence[str]]] = {
    "state": lambda row: (row.status.state, row.attention, claude_words(row)[0]),
    "claude": lambda row: (row.status.talk.state, row.attention),
    "component": lambda row: (row.session.component,),
    "branch": lambda row: (row.session.branch,),
    "base": lambda row: (row.session.base,),
    "git": lambda row: _git_words(row),
    "repository": lambda row: (row.session.repository.main.name,),
}


def _git_words(row: Row) -> list[str]:
    status = row.status
    facts = {
        "changed": bool(status.work and status.work.dirty), "clean": bool(status.work and not status.work.dirty),
        "ahead": status.ahead, "behind": status.behind, "merged": status.merged,
        "conflict": any(each.kind == "conflict" for each in status.conflicts),
    }  # fmt: skip
    return [word for word, is_so in facts.items() if is_so]


def fuzzy_score(letters: str, name: str) -> float:
    """Return how well *name* has *letters* in their order, 0 if it doesn't: at its beginning and together is best."""
    letters, name = letters.lower(), name.lower()
    if not letters:
        return 1.0
    pattern = ".*?".join(map(re.escape, letters))
    spans = [match.span(1) for match in re.finditer(f"(?=({pattern}))", name)]
    if not spans:
        return 0.0
    start, end = min(spans, key=lambda span: (span[1] - span[0], span[0]))
    return 1000.0 * (letters == name) + 10.0 * len(letters) / (end - start) + 1.0 / (1 + start) + 0.1 / len(name)


def best_names(letters: str, names: Sequence[str]) -> list[str]:
    """Return those of *names* that have *letters* in their order, the best first."""
    scores = {name: fuzzy_score(letters, name) for name in names}
    return sorted((name for name in names if scores[name]), key=lambda name: -scores[name])


def matches(row: Row, text: str) -> bool:
    """Return whether every word of *text* fits *row*."""
    return all(_fits(row, word) for word in text.split())


def wrong_word(text: str) -> str:
    """Return what is wrong with a filter: a word with a key that there isn't; empty for nothing."""
    for word in text.split():
        key, colon, _value = word.partition(":")
        if colon and key not in KEYS:
            return f'No filter "{key}:". There are: {", ".join(f"{each}:" for each in KEYS)}'
    return ""


def _fits(row: Row, word: str) -> bool:
    key, colon, value = word.partition(":")
    if colon and key in KEYS:
        return any(each.lower().startswith(value.lower()) for each in KEYS[key](row) if each) or not value
    return bool(fuzzy_score(word, row.session.name)) if not colon else False
