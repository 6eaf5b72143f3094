"""Removing in the dashboard: what is done is what was shown, and its last line says all of it."""

from pathlib import Path

import pytest

from tasks.views.dashboard.app import Dashboard
from testing import sessions
from testing.dashboards import Shown, names, palette, run, screen, shows, until
from testing.project import Project


@pytest.fixture
def quick(sandbox: Path) -> Project:
    """Return a repository with four sessions: one has a commit, and nothing is lost with the others."""
    project = sessions.repository(sandbox / "dev" / "quick", {"a.txt": "one\n"})
    for name in ("a", "b", "c"):
        sessions.add(project, name)
    sessions.add(project, "work", {"a.txt": "work\n"})
    return project


async def _mark_all(shown: Dashboard, pilot: Shown) -> None:
    await pilot.press("s")  # by name
    await pilot.press("g", *["space"] * 4)
    await until(pilot, lambda: len(shown.targets()) == 4)


def test_the_last_line_names_all_that_were_removed(quick: Project) -> None:
    async def story(shown: Dashboard, pilot: Shown) -> None:
        await pilot.press("s", "g", "space", "space", "space", "D")
        await shows(pilot, "y  Remove")
        await pilot.press("y")
        await shows(pilot, "Removed 3 sessions: a, b, c. Press u to restore.")
        await until(pilot, lambda: names(shown) == ["work"])

    run(quick, story)


def test_removing_the_others_takes_those_that_were_shown_as_safe_and_still_are(quick: Project) -> None:
    async def story(shown: Dashboard, pilot: Shown) -> None:
        await _mark_all(shown, pilot)
        await pilot.press("D")
        await shows(pilot, "1 unmerged commit on work")
        await shows(pilot, "y  Remove the others")
        quick.git("merge", "--quiet", "work")  # safe now, but it wasn't when it was shown
        (quick.worktree("b") / "new.txt").touch()
        await pilot.press("y")
        await shows(pilot, "Not removed: b")
        await shows(pilot, "untracked: new.txt")
        assert screen(shown).count("Not removed") == 1
        await pilot.press("escape")
        await until(pilot, lambda: names(shown) == ["b", "work"])
        await shows(pilot, "Removed 2 sessions: a, c. Kept: work, b.")

    run(quick, story)


def test_force_is_for_what_was_shown_and_is_asked_for_again(quick: Project) -> None:
    async def story(shown: Dashboard, pilot: Shown) -> None:
        await _mark_all(shown, pilot)
        await pilot.press("D")
        await shows(pilot, "f  Remove all anyway")
        sessions.commit(quick, quick.worktree("work"), {"a.txt": "more work\n"})
        await pilot.press("f")
        await shows(pilot, "Session work has changed since its removal was shown, so it was kept.")
        await shows(pilot, "2 unmerged commits on work")
        assert names(shown)[-1] == "work"
        await pilot.press("l")
        await shows(pilot, "Remove work?")
        await shows(pilot, "f  Remove anyway")
        await pilot.press("f")
        await shows(pilot, "Removed work.")
        await until(pilot, lambda: names(shown) == [])

    run(quick, story)


def test_nothing_is_asked_where_no_session_is_merged(quick: Project) -> None:
    for name in ("a", "b", "c"):
        sessions.commit(quick, quick.worktree(name), {f"{name}.txt": "its own\n"})

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await palette(pilot, "merged session")
        await shows(pilot, "Nothing to remove: no session is merged.")
        await until(pilot, lambda: len(shown.screen_stack) == 1)
        quick.git("merge", "--quiet", "a")
        await palette(pilot, "merged session")
        await shows(pilot, "y  Remove")
        assert "a counts as merged" in screen(shown)
        await pilot.press("y")
        await until(pilot, lambda: names(shown) == ["b", "c", "work"])

    run(quick, story)
