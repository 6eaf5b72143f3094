"""What the palette offers beside the keys: tasks that are too rare for a key of their own."""

from __future__ import annotations

from typing import NamedTuple

from .actions import ActingApp
from .dialogs import Choice, Question


class More(NamedTuple):
    """A task: its *words*, in which {name} is the chosen session and {text} what the person writes."""

    label: str
    words: tuple[str, ...]
    doing: str
    asks: str = ""  # the title of the field
    example: str = ""
    warns: str = ""  # what the question before it says; "--dry-run": a removal, which is shown first
    button: str = ""

    @property
    def task(self) -> str:
        """The command as people type it."""
        return " ".join(["inv", *(word for word in self.words if not word.startswith("{"))]).replace("={text}", "")


_COPIES = "What {name} has of the configured files and databases is replaced, and saved in git's directory before."
_ALL = (
    "Every session that has commits is synced, checked and merged, the least overlap first."
    " It stops at the first conflict, and what was merged before stays."
)

MORE = (
    More(
        "Add a session from a pull request", ("session.add", "--pr={text}"), "Adding pull request {text}",
        "Pull request", "number or address",
    ),
    More(
        "Add a session from an issue", ("session.add", "--from-issue={text}"), "Adding a session for issue {text}",
        "Issue", "number",
    ),
    More("Rename it", ("session.rename", "{name}", "{text}"), "Renaming {name}", "New name of {name}", "feature/login"),
    More("Run its setup commands again", ("session.setup", "{name}"), "Setting up {name}"),
    More(
        "Copy its files and databases again", ("session.refresh", "{name}"), "Copying into {name}",
        warns=_COPIES, button="Replace them",
    ),
    More("Merge every session", ("session.merge", "--all"), "Merging all sessions", warns=_ALL, button="Merge all"),
    More(
        "Remove every merged session", ("session.remove", "--merged"), "Removing merged sessions",
        warns="--dry-run", button="Remove them",
    ),
    More(
        "Stop sessions that nobody uses", ("session.stop", "--idle={text}"), "Stopping idle sessions", "Idle for", "2h"
    ),
)  # fmt: skip


async def perform_more(app: ActingApp, more: More) -> None:
    """Ask what *more* needs to know, and perform it."""
    from . import forms, removing

    if more.warns == "--dry-run":
        await removing.remove_merged(app, more.label, app.repository)
        return
    row = app.chosen() if "{name}" in more.words else None
    if row is None and "{name}" in more.words:
        app.tell("No session is chosen.", is_error=True)
        return
    at = row.session.repository if row else app.repository
    facts = {"name": row.session.name if row else "", "text": ""}
    if more.asks:
        text = await app.push_screen_wait(forms.LineForm(more.asks.format(**facts), more.example))
        if not text:
            return
        facts["text"] = text
    words = [word.format(**facts) for word in more.words]
    if more.warns:
        text = more.warns.format(**facts)
        choices = [Choice("n", "Cancel", "no"), Choice("y", more.button, "yes", True)]
        if await app.push_screen_wait(Question(more.label, text, choices)) != "yes":
            return
    if "{text}" in more.words:  # a name
        app.go_to(facts["text"])
    await app.act(more.doing.format(**facts), *words, at=at)
