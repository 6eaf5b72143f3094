"""Pictures of the dashboard: the real program on a project with sessions in every state, driven by its own keys."""

from __future__ import annotations

import asyncio
import functools
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from invoke.config import Config
from invoke.context import Context

from develop import demo
from develop.busy_project import INV, busy_project

if TYPE_CHECKING:
    from textual.app import App
    from textual.pilot import Pilot

    from tasks.model import Session
    from tasks.views.dashboard.app import Dashboard

_PATIENCE = 60.0
# What would be fetched: fonts; what points within the picture, which a page may not know; who drew it.
_ELSEWHERE = re.compile(r'@font-face \{.*?\}| clip-path="[^"]*"|<!--.*?-->', re.DOTALL)


class View(NamedTuple):
    """A picture: its title, the keys that lead to it, a text that it shows then, and its columns and lines."""

    title: str
    keys: Sequence[str]
    shows: str
    size: tuple[int, int] = (150, 32)


VIEWS = {
    "dashboard": View("The dashboard: eight sessions, the one that waits first", (), "waiting"),
    "dashboard-diff": View("Everything that a session changed", ("search:feature-auth", "d"), "session.py"),
    "dashboard-servers": View("What its servers print", ("search:feature-search", "l"), "frontend"),
    "dashboard-log": View("Its commits, and where it began", ("search:export-pdf", "4"), "Write page 1"),
    "dashboard-conflicts": View("What git can't merge", ("5",), "conflicts with"),
    "dashboard-details": View("All about a session", ("search:feature-auth", "6"), "memory"),
    "dashboard-filter": View("A filter", ("slash", "type:state:w"), "spike-maps"),
    "dashboard-add": View("The form of a new session", ("c", "type:feature-map"), "First message"),
    "dashboard-remove": View("What a removal would take", ("search:export-pdf", "D"), "unmerged"),
    "dashboard-keys": View("All keys", ("question_mark",), "Signs", (150, 40)),
    "dashboard-narrow": View("In 60 columns", (), "waiting", (60, 28)),
    "dashboard-plain": View("Without colours", ("plain",), "waiting", (120, 24)),
}


def take(directory: Path, say: Callable[[str], None]) -> list[Path]:
    """Take every picture again and write it into *directory* as NAME.svg; return the files."""
    before, sys.argv[0] = sys.argv[0], INV
    files = []
    try:
        with busy_project(say) as project:
            for name, view in VIEWS.items():
                files.append(directory / f"{name}.svg")
                files[-1].write_text(asyncio.run(_picture(project.main, view)), encoding="utf-8")
                say(f"Wrote {files[-1]}.")
    finally:
        sys.argv[0] = before
    return files


async def _picture(main: Path, view: View) -> str:
    from tasks.commands import watch
    from tasks.status import feed
    from tasks.system import progress
    from tasks.tools import git
    from tasks.views.dashboard import app

    config = Config(project_location=main)
    config.load_project()
    context, repository = Context(config), git.find_repository(main)
    known = feed.Feed([watch.source_of(context, repository)], 1.0)
    setup = app.Setup(repository, known, functools.partial(watch.form_choices, context))
    if "plain" in view.keys:
        os.environ["NO_COLOR"] = "1"  # Textual takes it out again
    with progress.muted_output():
        dashboard = app.Dashboard(setup)
        async with dashboard.run_test(size=view.size) as pilot:
            await _until(pilot, lambda: dashboard.feed.complete_at)
            for key in view.keys:
                await _press(pilot, dashboard, key)
            await _until(pilot, lambda: view.shows in screen_text(dashboard))
            await pilot.pause(1.0)
            picture = dashboard.export_screenshot(title=view.title)
        dashboard.feed.join(10)
    return _without_home(picture, str(main.parent.parent))


def _without_home(picture: str, home: str) -> str:
    """Return *picture* with `~` for *home*, and without fonts from elsewhere.

    A text that gets shorter isn't stretched to its former length.
    """
    lines, picture = [], _ELSEWHERE.sub("", picture)
    for line in picture.splitlines():
        texts = re.split("(?=<text )", line)
        short = [re.sub(' textLength="[^"]*"', "", each).replace(home, "~") if home in each else each for each in texts]
        lines.append("".join(short).rstrip())
    return "\n".join([*lines, ""])


async def _press(pilot: Pilot[Session], dashboard: Dashboard, key: str) -> None:
    what, _colon, text = key.partition(":")
    if what == "search":
        dashboard.go_to(text)
        await _until(pilot, lambda: (row := dashboard.chosen()) is not None and row.session.name == text)
    elif what == "type":
        await pilot.press(*({"-": "minus", ":": "colon"}.get(letter, letter) for letter in text))
    elif what != "plain":
        await pilot.press(key)


def screen_text(dashboard: App[Session]) -> str:
    """Return the text of what is drawn now."""
    strips = dashboard.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def _until(pilot: Pilot[Session], true: Callable[[], object]) -> None:
    for _ in range(int(_PATIENCE / 0.1)):
        if true():
            return
        await pilot.pause(0.1)
    raise demo.DemoError(
        f"The dashboard didn't show what the picture is about.\nRun: inv docs --record\n{screen_text(pilot.app)}"
    )
