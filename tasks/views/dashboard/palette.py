"""What the palette offers beside the keys: tasks that are too rare for a key of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...model import Repository
from .actions import SOON, ActingApp, offers_approval
from .dialogs import Choice, Question

if TYPE_CHECKING:
    from .forms import LineForm


class More(NamedTuple):
    """A task: its *words*, in which {name} is the chosen session and {text} what the person writes."""

    label: str
    words: tuple[str, ...]
    doing: str
    asks: str = ""  # the title of the field
    example: str = ""
    warns: str = ""  # what the question before it says; "--dry-run": a removal, which is shown first
    button: str = ""
    begins: str = ""  # what the field has at first

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
    More(
        "Rename it", ("session.rename", "{name}", "{text}"), "Renaming {name}", "New name of {name}", begins="{name}"
    ),
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
    if more.warns == "--dry-run":
        from . import removing

        await removing.remove_merged(app, more.label, app.repository)
        return
    row = app.chosen() if "{name}" in more.words else None
    if row is None and "{name}" in more.words:
        app.tell("No session is chosen.", is_error=True)
        return
    at, name = row.session.repository if row else app.repository, row.session.name if row else ""
    if more.asks:
        _open(app, _Asked(more, name, at), more.begins.format(name=name))
        return
    if more.warns:
        choices = [Choice("n", "Cancel", "no"), Choice("y", more.button, "yes", True)]
        if await app.push_screen_wait(Question(more.label, more.warns.format(name=name), choices)) != "yes":
            return
    await app.act(more.doing.format(name=name), *(word.format(name=name) for word in more.words), at=at)


class _Asked(NamedTuple):
    """A task that needs a line from the person, and the session and repository that it is for."""

    more: More
    name: str
    at: Repository


def _open(app: ActingApp, asked: _Asked, written: str = "", error: str = "") -> None:
    from . import forms

    def begin(form: LineForm, text: str) -> None:
        app.begin(_perform(app, asked, form, text))

    title = asked.more.asks.format(name=asked.name)
    app.push_screen(forms.LineForm(title, asked.more.example, begin, written, error))


async def _perform(app: ActingApp, asked: _Asked, form: LineForm, text: str) -> None:
    """Do it with *text*; the form goes once it is accepted, and has the error where it isn't."""
    doing, *words = (word.format(name=asked.name, text=text) for word in (asked.more.doing, *asked.more.words))

    def close() -> None:
        if app.screen is form:
            form.dismiss(None)

    job = app.launch(doing, *words, at=asked.at)
    await app.ended(job, lambda: close() if job.seconds > SOON else None)
    if job.code and form in app.screen_stack and not offers_approval(job):
        form.refuse(job.whole)
        return
    close()
    if not job.code:
        app.tell_done(job)
        if "{text}" in asked.more.words:  # a name
            app.go_to(text, asked.at)
    elif not offers_approval(job) or await app.explain(job, asked.at) is job:
        _open(app, asked, text, job.whole)
