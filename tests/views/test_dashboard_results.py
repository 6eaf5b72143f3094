"""What the last line and the list say after something was done: all of it, and nothing jumps."""

import asyncio
import re
from pathlib import Path

import pytest
from rich.text import Text

from tasks.model import Repository
from tasks.views.dashboard import app as dashboard_app
from tasks.views.dashboard import contents, jobs
from tasks.views.dashboard.app import Dashboard
from tasks.views.dashboard.jobs import Command, Job
from tasks.views.dashboard.preview import LinesView
from testing import sessions
from testing.dashboards import Shown, names, opens_form, run, screen, shows, types, until
from testing.project import Project

_ADDED = "backend    http://localhost:8000\nworktree   ~/dev/x\nattach     inv session.attach feature/x\n"


@pytest.fixture
def quick(sandbox: Path) -> Project:
    """Return a repository with three sessions."""
    project = sessions.repository(sandbox / "dev" / "quick", {"a.txt": "one\n"})
    for name in ("auth", "docs", "ui"):
        sessions.add(project, name)
    return project


def _ended(words: tuple[str, ...], out: str, code: int = 0) -> Job:
    job = Job(Command("", words))
    job.code, job.out = code, out
    return job


def test_what_is_said_of_one_of_several_and_of_a_new_session() -> None:
    several = ["a", "b", "c"]
    for task, out, said in (
        ("stop", "Stopped a.\nStart again: inv session.start a\nStopped b.\nStart again: …\nStopped c.\n",
         "Stopped 3 sessions: a, b, c."),
        ("stop", "Stopped a.\nb was already stopped.\nc was already stopped.\n",
         "Stopped 1 session: a. Already stopped: b, c."),
        ("start", "a is running (started 2 windows).\nb is already running.\nStarted c (1 window).\nNext: …\n",
         "Started 2 sessions: a, c. Already running: b."),
        ("merge", "Merged a into main.\nUndo: inv x\nMerged c into main.\n", "Merged a into main. Merged c into main."),
    ):  # fmt: skip
        assert jobs.describe_several(several, _ended((f"session.{task}", "a,b,c"), out)) == said
    assert jobs.count_names([*"abcdefghi"]) == "9 sessions: a, b, c, d, e, f and 3 more"
    added = jobs.describe_new(_ended(("session.add", "feature/x"), _ADDED))
    assert added == "Added feature/x.  backend http://localhost:8000"
    assert jobs.describe_new(_ended(("session.restore", "x"), "attach   inv session.attach x\n")) == "Restored x."


def test_the_last_line_is_about_all_of_the_sessions_and_goes_with_the_next_action(
    quick: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboard_app, "_SHOWN", 600.0)
    begun = asyncio.Event()

    async def perform(_title: str, *words: str, at: Repository, **_variables: str) -> Job:
        if words[0] == "session.pr":
            await begun.wait()
        return _ended(words, f"{words[0].rpartition('.')[2]} of {words[1]}.\nmore")

    async def story(shown: Dashboard, pilot: Shown) -> None:
        shown.perform = perform  # type: ignore[method-assign, assignment]
        await pilot.press("s", "g", "space", "space", "space", "y")
        await shows(pilot, "sync of auth. sync of docs. sync of ui.")
        await pilot.press("j", "d")
        assert "sync of auth." in screen(shown)  # who only looks may still be reading it
        await pilot.press("p")
        await until(pilot, lambda: "sync of auth." not in screen(shown))
        await types(pilot, "hi")
        await pilot.press("enter")
        await shows(pilot, "Sent to 3 sessions: auth, docs, ui.")

    run(quick, story)


def test_a_session_that_was_added_is_named_with_its_addresses(project: Project) -> None:
    async def story(shown: Dashboard, pilot: Shown) -> None:
        await opens_form(pilot, "docs")
        await pilot.press("enter")
        await shows(pilot, "Added docs.  backend http://localhost:")
        await until(pilot, lambda: names(shown) == ["docs"] and not shown.jobs.running)

    run(project, story)


def test_paths_are_shown_as_people_write_them(quick: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(quick.top))

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await pilot.press("s", "g", "D")
        await shows(pilot, "and delete ~/quick-auth and the branch")
        await pilot.press("escape")
        shown.tell(f"Now at {quick.top}/x: cd '{quick.top}/y z'")
        await shows(pilot, f"Now at ~/x: cd '{quick.top}/y z'")

    run(quick, story)


def test_columns_stay_where_they_are_while_the_same_sessions_are_shown(quick: Project) -> None:
    worktree = quick.worktree("auth")
    for number in range(12):
        (worktree / f"{number}.txt").touch()

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await shows(pilot, "±12")
        sessions.commit(quick, worktree, {"a.txt": "x\n"})
        await shows(pilot, "↑1")
        sessions.write(worktree, {f"{number}.txt": "more\n" for number in range(12)})
        await shows(pilot, "±12 ↑1")
        before = str(shown.sessions.headings)
        quick.git("reset", "--quiet", "--hard", "main", cwd=worktree)
        await until(pilot, lambda: "±12" not in screen(shown) and "↑1" not in screen(shown))
        assert str(shown.sessions.headings) == before
        sessions.add(quick, "another")
        await until(pilot, lambda: "another" in names(shown))
        await until(pilot, lambda: str(shown.sessions.headings) != before)

    run(quick, story)


def test_sentences_need_no_second_scroll_bar(quick: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    page = contents.Page([Text("x" * 200)] * 20, wraps=True)
    monkeypatch.setitem(contents._READERS, "details", lambda _row, _rows: page)

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await pilot.press("6")
        lines = shown.preview.query_one(LinesView)
        await until(pilot, lambda: lines.show_vertical_scrollbar and "xxx" in screen(shown))
        await pilot.press("tab", "G")
        await until(pilot, lambda: lines.scroll_offset.y == lines.max_scroll_y > 0)
        assert not lines.show_horizontal_scrollbar
        assert max(len(line) for line in map(str, lines._lines)) == lines.scrollable_content_region.width

    run(quick, story, (60, 20))


def test_every_answer_of_a_question_is_readable_in_a_narrow_terminal(quick: Project) -> None:
    async def story(shown: Dashboard, pilot: Shown) -> None:
        await pilot.press("m")
        await shows(pilot, "r  Merge and remove")
        tall = screen(shown)
        assert all(f"{key}  {label}" in tall for key, label in (("n", "Cancel"), ("s", "Squash into one")))
        await pilot.resize_terminal(140, 30)
        await until(pilot, lambda: re.search("n  Cancel.*r  Merge and remove", screen(shown)))
        await pilot.press("escape")

    run(quick, story, (80, 24))
