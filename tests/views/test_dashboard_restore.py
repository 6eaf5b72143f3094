"""Restoring in the dashboard: a key that comes twice restores once, and a session that comes back says so."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tasks.model import Repository
from tasks.store import archive, registry
from tasks.views.dashboard.app import Dashboard
from testing import sessions
from testing.dashboards import Shown, names, run, shows, until
from testing.project import Project


@pytest.fixture
def removed(sandbox: Path) -> Project:
    """Return a repository with a session, and two that were removed."""
    project = sessions.repository(sandbox / "dev" / "quick", {"a.txt": "one\n"})
    for name in ("auth", "docs", "ui"):
        sessions.add(project, name, {f"{name}.txt": "its own\n"})
    for name in ("docs", "ui"):
        project.inv("session.remove", name, "--force")
    return project


def test_u_pressed_twice_at_once_asks_once_and_restores_once(removed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, list_archives = [], archive.list_archives

    def counted(repository: Repository) -> Sequence[archive.Archive]:
        asked.append(repository)
        return list_archives(repository)

    monkeypatch.setattr(archive, "list_archives", counted)

    async def story(shown: Dashboard, pilot: Shown) -> None:
        shown.action_restore()
        shown.action_restore()
        await shows(pilot, "Restore a removed session")
        assert len(asked) == 1
        await pilot.press("enter")
        await until(pilot, lambda: len(shown.screen_stack) == 1)
        await until(pilot, lambda: len(names(shown)) == 2 and not shown.jobs.running)
        assert [job.code for job in shown.jobs.every] == [0]
        await pilot.press("u")  # and afterwards it asks again
        await shows(pilot, "Restore a removed session")
        await pilot.press("escape", "u")
        await shows(pilot, "Restore a removed session")
        await pilot.press("escape")

    run(removed, story)


def test_a_session_that_is_being_restored_is_not_restored_a_second_time(removed: Project) -> None:
    async def story(shown: Dashboard, pilot: Shown) -> None:
        with registry.session_lock(Repository(removed.main, removed.main / ".git"), "ui"):  # it waits for that
            for _ in range(2):
                await pilot.press("u")
                await shows(pilot, "Restore a removed session")
                await pilot.press("enter")
                await until(pilot, lambda: len(shown.screen_stack) == 1)
            await shows(pilot, "ui is already being restored.")
        await until(pilot, lambda: "ui" in names(shown) and not shown.jobs.running)
        assert [job.code for job in shown.jobs.every] == [0]

    run(removed, story)
