"""The form of a new session: what was typed stays until it is accepted, and it may be for another repository."""

import json
from pathlib import Path

import pytest
from textual.widgets import Input, Select

from tasks.model import Repository
from tasks.status.shown_rows import Source
from tasks.views.dashboard import drafts, forms
from tasks.views.dashboard import palette as palette_module
from tasks.views.dashboard.app import Dashboard
from testing import sessions
from testing.dashboards import Shown, chosen, names, opens_form, palette, run, screen, shows, types, until
from testing.project import EMBEDDING, Project, make

# Notes what runs it, and where; the directory of the main checkout decides which tasks these are.
_NOTING = """import os, sys
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ran"), "a") as file:
    print(os.getcwd(), *sys.argv[1:], file=file)
"""
_WINDOWS = "session: {windows: [{name: shell}]}\n"


def _field(shown: Dashboard, name: str) -> Input:
    return shown.screen.query_one(f"#{name}", Input)


def test_a_refused_name_stays_in_the_form_with_the_reason_and_the_cursor(project: Project) -> None:
    project.configure(_WINDOWS)
    project.inv("session.add", "auth")

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await opens_form(pilot, "auth")
        await pilot.press("tab")
        await types(pilot, "main")
        await pilot.press("enter")
        await shows(pilot, "Session auth already exists.")
        assert (_field(shown, "name").value, _field(shown, "base").value) == ("auth", "main")
        assert shown.focused is _field(shown, "name")
        await pilot.press("end")
        await types(pilot, "2")
        await pilot.press("tab")
        await types(pilot, "x")
        await pilot.press("ctrl+s")
        await shows(pilot, "No such branch or commit: ")
        assert shown.focused is _field(shown, "base")
        _field(shown, "base").value = ""
        await pilot.press("enter")
        await until(pilot, lambda: names(shown) == ["auth", "auth2"])
        await until(pilot, lambda: not shown.jobs.running)
        await until(pilot, lambda: chosen(shown) == "auth2")
        assert not isinstance(shown.screen, forms.AddForm)

    run(project, story)


@pytest.mark.parametrize("is_slow", [False, True])
def test_a_name_that_a_rename_refuses_stays_in_its_field_with_the_reason_below(
    sandbox: Path, monkeypatch: pytest.MonkeyPatch, is_slow: bool
) -> None:
    quick = sessions.repository(sandbox / "dev" / "quick", {"a.txt": "one\n"})
    for name in ("auth", "docs"):
        sessions.add(quick, name)
    if is_slow:  # the form is closed before the answer, and comes back with it
        monkeypatch.setattr(palette_module, "SOON", -1.0)

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await pilot.press("s", "g")
        await palette(pilot, "rename it")
        await shows(pilot, "New name of auth")
        assert _field(shown, "line").value == "auth"
        await pilot.press("ctrl+u")
        await types(pilot, "docs")
        await pilot.press("enter")
        await shows(pilot, "already exists. Choose another NAME")
        assert (_field(shown, "line").value, shown.focused) == ("docs", _field(shown, "line"))
        assert _field(shown, "line").region.bottom <= shown.screen.query_one("#error").region.y
        await types(pilot, "2")
        await pilot.press("enter")
        await until(pilot, lambda: names(shown) == ["docs", "docs2"])
        await until(pilot, lambda: chosen(shown) == "docs2" and len(shown.screen_stack) == 1)

    run(quick, story)


def test_what_needs_approval_is_approved_in_the_form(project: Project) -> None:
    project.configure(_WINDOWS)
    (project.main / "invoke.yaml").write_text('session: {windows: [{name: shell, run: "sleep 1000"}]}\n')

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await pilot.press("c")
        await types(pilot, "auth")
        assert "Approve and add" not in screen(shown)
        await pilot.press("enter")
        await shows(pilot, "Approve and add")
        await pilot.press("enter")  # is no approval
        await until(pilot, lambda: len(shown.jobs.every) == 2 and not shown.jobs.running)
        await shows(pilot, "Approve and add")
        assert names(shown) == []
        assert "sleep 1000" in screen(shown)
        await pilot.click("#approve")
        await until(pilot, lambda: names(shown) == ["auth"])
        await until(pilot, lambda: not shown.jobs.running)

    run(project, story)


def test_which_field_is_at_fault() -> None:
    where = Repository(Path("/a"), Path("/a/.git"))
    for error, field in (
        ("Error: No such branch or commit: x\nList them: git branch --all", "base"),
        ('No component "x" in the setting components. Known: a', "component"),
        ("No agent 'x' in the setting agents. Known: a", "agent"),
        ("--prompt needs a window with `claude: true`, and none is configured.", "prompt"),
        ("Session component already exists. Choose another NAME, or open it.", "name"),
    ):  # fmt: skip
        assert drafts.Draft(where, {}, error).fault == field, error
    assert drafts.Draft(where, {"name": "--help"}).words == ["--name=--help"]


@pytest.fixture
def two(project: Project, sandbox: Path) -> tuple[Project, Project]:
    """Return two repositories with a session each: the one that we are in, and another with tasks of its own."""
    other = make(sandbox / "a" / "other")
    for each, name in ((project, "here"), (other, "there")):
        each.configure(_WINDOWS)
        each.inv("session.add", name)
    (other.main / "tasks.py").write_text(_NOTING + EMBEDDING)
    return project, other


@pytest.mark.slow
def test_sessions_are_added_and_restored_in_the_repository_that_is_chosen(two: tuple[Project, Project]) -> None:
    here, other = two

    def sources() -> list[Source]:
        return [
            Source(Repository(each.main, each.main / ".git"), lambda each=each: sessions.all_of(each))  # type: ignore[misc]
            for each in two
        ]

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await until(pilot, lambda: names(shown) == ["here", "there"])
        await pilot.press("G", "c")
        await shows(pilot, "Repository")
        where = shown.screen.query_one("#repository", Select).selection
        assert isinstance(where, Repository) and where.main == other.main  # that of the chosen session
        await types(pilot, "more")
        await pilot.press("enter")
        await until(pilot, lambda: names(shown) == ["here", "more", "there"])
        await until(pilot, lambda: not shown.jobs.running)
        await until(pilot, lambda: chosen(shown) == "more")
        await pilot.press("c")
        await shows(pilot, "Repository")
        shown.screen.query_one("#repository", Select).value = Repository(here.main, here.main / ".git")
        await types(pilot, "again")
        await pilot.press("enter")
        await until(pilot, lambda: names(shown) == ["again", "here", "more", "there"])
        await until(pilot, lambda: not shown.jobs.running)
        other.inv("session.remove", "more", "--force")
        await until(pilot, lambda: names(shown) == ["again", "here", "there"])
        await pilot.press("u")
        await shows(pilot, "other")
        await pilot.press("enter")
        await until(pilot, lambda: names(shown) == ["again", "here", "more", "there"])
        await until(pilot, lambda: not shown.jobs.running)

    run(here, story, find=sources)
    ran = (other.main / "ran").read_text()
    assert f"{other.main} session.add more\n" in ran
    assert f"{other.main} session.restore more --at=" in ran
    assert "session.add again" not in ran
    assert sorted(json.loads((here.main / ".tally-sessions").read_text())) == ["again", "here"]
