"""The dashboard without a terminal: its app, its keys and what it shows."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

from textual import _wait
from textual.pilot import Pilot
from textual.widgets import Input

from tasks.model import Repository, Session
from tasks.status.feed import Feed
from tasks.status.shown_rows import Source
from tasks.views.dashboard import app, drafts
from testing import sessions
from testing.project import INV, Project

Shown = Pilot[Session]
_PATIENCE = 90.0
_POLL = 0.03  # seconds

# After a key Textual waits, for up to a second, until this process is idle. What the feed does in threads of its own
# never is: what counts is whether the thread of the screen is.
setattr(_wait, "process_time", time.thread_time)


def run(
    project: Project, story: Callable[[app.Dashboard, Shown], Awaitable[None]], size: tuple[int, int] = (120, 30),
    waits: bool = True, find: Callable[[], list[Source]] | None = None,
) -> Session | None:  # fmt: skip
    """Show the sessions of *project*, do *story* there, and return what the dashboard ended with.

    The story begins once everything is known, or with *waits* False as soon as the sessions are. *find* returns the
    repositories of now.
    """
    where = Repository(project.main, project.main / ".git")
    choices = drafts.Choices(("server", "web"), ("claude", "other"), "main")
    sources = find() if find else [Source(where, lambda: sessions.all_of(project))]

    async def tell() -> Session | None:
        dashboard = app.Dashboard(app.Setup(where, Feed(sources, 0.5, find), lambda _repository: choices))
        async with dashboard.run_test(size=size) as pilot:
            await until(pilot, lambda: dashboard.feed.complete_at if waits else dashboard.painted_at)
            await story(dashboard, pilot)
        dashboard.feed.join(20)
        return dashboard.return_value

    before, sys.argv[0] = sys.argv[0], INV
    try:
        return asyncio.run(tell())
    finally:
        sys.argv[0] = before


async def until(pilot: Shown, true: Callable[[], object]) -> None:
    """Wait until *true* returns something true."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if true():
            return
        await pilot.pause(_POLL)
    raise AssertionError(f"not within {_PATIENCE} s: {true}\n{screen(pilot.app)}")


async def shows(pilot: Shown, text: str) -> None:
    """Wait until *text* is on the screen."""
    await until(pilot, lambda: text in screen(pilot.app))


async def closes(pilot: Shown, key: str) -> None:
    """Press *key*, and wait until the dialog on top is closed by it: the next key would still be meant for that."""
    open_before = len(pilot.app.screen_stack)
    await pilot.press(key)
    await until(pilot, lambda: len(pilot.app.screen_stack) < open_before)


async def types(pilot: Shown, text: str) -> None:
    """Type *text*."""
    names = {" ": "space", ":": "colon", "-": "minus", "/": "slash"}
    await pilot.press(*(names.get(letter, letter) for letter in text))


async def opens_form(pilot: Shown, name: str) -> None:
    """Open the form for a new session, and fill in its *name*."""
    await pilot.press("c")
    await shows(pilot, "First message to Claude")
    await types(pilot, name)


async def palette(pilot: Shown, text: str) -> None:
    """Do what the palette finds for *text*."""
    await pilot.press("colon")
    await until(pilot, lambda: isinstance(pilot.app.focused, Input))
    pilot.app.screen.query_one(Input).value = text  # each letter that is typed would be searched for
    await pilot.pause(0.5)
    await pilot.press("enter")


def screen(shown: object) -> str:
    """Return the text of what is drawn now, above the list as well."""
    assert isinstance(shown, app.Dashboard)
    lines = []
    for each in shown.screen_stack[-1:]:
        width, height = shown.size
        strips = each._compositor.render_strips()
        lines = ["".join(segment.text for segment in strip)[:width].rstrip() for strip in strips[:height]]
    return "\n".join(lines)


def names(shown: app.Dashboard) -> list[str]:
    """Return the names in the list, from the top."""
    return [row.session.name for row in shown.sessions.shown]


def chosen(shown: app.Dashboard) -> str:
    """Return the name of the chosen session."""
    row = shown.chosen()
    return row.session.name if row else ""
