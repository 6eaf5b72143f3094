"""A dashboard that starts again: it begins with what the one before it showed, and finds repositories that are new."""

import json
import threading
from pathlib import Path

import pytest

from tasks.model import Repository, Session
from tasks.status import feed, worktree_looks
from tasks.status.shown_rows import Source
from tasks.status.worktree_looks import Look
from tasks.views.dashboard import dialogs
from tasks.views.dashboard.app import Dashboard
from testing import sessions
from testing.dashboards import Shown, chosen, names, run, screen, shows, until
from testing.project import Project


@pytest.fixture
def quick(sandbox: Path) -> Project:
    """Return a repository with two sessions that conflict."""
    project = sessions.repository(sandbox / "dev" / "quick", {"a.txt": "one\n"})
    for name in ("auth", "ui"):
        sessions.add(project, name, {"a.txt": f"{name}\n"})
    (project.worktree("auth") / "new.txt").write_text("not yet tracked\n")
    return project


def _held_looks(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Have no look at a worktree end before the event that is returned."""
    answers, look = threading.Event(), worktree_looks.look_at_worktree

    def slow(session: Session) -> Look:
        answers.wait(60)
        return look(session)

    monkeypatch.setattr(worktree_looks, "look_at_worktree", slow)
    return answers


async def _nothing(_shown: Dashboard, _pilot: Shown) -> None:
    """Look, and end."""


def _style(shown: Dashboard, text: str) -> set[bool | None]:
    """Return whether the parts of the list that have *text* are dim."""
    return {
        segment.style.dim if segment.style else None
        for y in range(shown.sessions.size.height)
        for segment in shown.sessions.render_line(y)
        if text in segment.text
    }


def test_what_was_known_last_is_shown_dim_until_it_is_known_again(
    quick: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(quick, _nothing)
    answers = _held_looks(monkeypatch)

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await shows(pilot, "±1 ↑1 ≠1")
        assert "dim: 0m old" in screen(shown)
        assert chosen(shown) == "auth"
        assert _style(shown, "±1 ↑1 ≠1") == {True}  # although it is the chosen one
        assert _style(shown, "auth") == {None}
        await pilot.press("j")
        assert _style(shown, "±1 ↑1 ≠1") == {True}
        answers.set()
        await until(pilot, lambda: shown.feed.complete_at)
        await until(pilot, lambda: "dim:" not in screen(shown))
        await until(pilot, lambda: _style(shown, "±1") == {False} or _style(shown, "±1") == {None})

    run(quick, story, waits=False)


def test_nothing_is_shown_of_a_session_that_had_the_same_name_before(
    quick: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(quick, _nothing)
    quick.git("worktree", "remove", "--force", str(quick.worktree("auth")))
    quick.git("branch", "-D", "auth")
    sessions.add(quick, "auth", created="2026-02-02T00:00:00+00:00")
    answers = _held_looks(monkeypatch)

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await shows(pilot, "↑1 ≠1")
        assert "±1" not in screen(shown)
        answers.set()

    run(quick, story, waits=False)


@pytest.mark.slow
def test_a_repository_that_is_new_on_this_machine_appears(
    quick: Project, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_REPOSITORIES", 0.5)
    other = sessions.repository(sandbox / "dev" / "other", {"a.txt": "one\n"})
    sessions.add(other, "there")
    found = [quick]

    def sources() -> list[Source]:
        return [
            Source(Repository(each.main, each.main / ".git"), lambda each=each: sessions.all_of(each))  # type: ignore[misc]
            for each in found
        ]

    async def story(shown: Dashboard, pilot: Shown) -> None:
        assert names(shown) == ["auth", "ui"]
        assert "All repositories" not in screen(shown)
        found.append(other)
        await until(pilot, lambda: names(shown) == ["auth", "ui", "there"])
        await shows(pilot, "All repositories")
        found.remove(other)
        await until(pilot, lambda: names(shown) == ["auth", "ui"])

    run(quick, story, find=sources)


def test_a_second_answer_in_one_burst_of_keys_closes_nothing_else(quick: Project) -> None:
    async def story(shown: Dashboard, pilot: Shown) -> None:
        await pilot.press("question_mark")
        dialog = shown.screen
        assert isinstance(dialog, dialogs.Dialog)
        for _ in range(2):
            dialog.action_close()
        await until(pilot, lambda: len(shown.screen_stack) == 1)
        await pilot.press("G")
        assert names(shown) == ["auth", "ui"]


def test_half_a_surrogate_pair_in_what_was_noted_hides_nothing(quick: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    run(quick, _nothing)
    notes = quick.main / ".git" / "tally-sessions" / "dashboard.json"
    content = json.loads(notes.read_text())
    content["sessions"]["auth"]["cells"]["git"] = "\ud800x"
    notes.write_text(json.dumps(content))
    answers = _held_looks(monkeypatch)

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await shows(pilot, "\\ud800x")
        screen(shown).encode()
        shown.tell("\udc80y")
        await shows(pilot, "\ufffdy")
        answers.set()

    run(quick, story, waits=False)


def test_a_repository_that_is_gone_keeps_its_rows_and_refuses_every_action(quick: Project) -> None:
    moved = quick.main.with_name("moved")

    async def story(shown: Dashboard, pilot: Shown) -> None:
        quick.main.rename(moved)
        try:
            await shows(pilot, "quick is gone.")
            assert "is gone." in screen(shown).splitlines()[0]
            assert names(shown) == ["auth", "ui"]
            for key in ("c", "D", "enter", "u", "p", "P", "e"):
                shown.tell("")
                await pilot.press(key)
                await until(pilot, lambda: screen(shown).count("is gone.") == 2)
                assert len(shown.screen_stack) == 1
            assert shown.jobs.every == []
        finally:
            moved.rename(quick.main)
        await until(pilot, lambda: "is gone." not in screen(shown).splitlines()[0])
        await pilot.press("c")
        await until(pilot, lambda: len(shown.screen_stack) == 2)

    run(quick, story)


def test_several_sessions_are_removed_with_one_answer_and_what_would_lose_work_stays_unless_all_go(
    sandbox: Path,
) -> None:
    project = sessions.repository(sandbox / "dev" / "quick", {"a.txt": "one\n"})
    for name in ("api", "auth", "ui", "web"):
        sessions.add(project, name, {})
    for name in ("auth", "web"):
        (project.worktree(name) / "new.txt").write_text("not yet tracked\n")

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await until(pilot, lambda: names(shown) == ["api", "auth", "ui", "web"])
        await pilot.press("space", "space", "space", "D")
        await shows(pilot, "Remove api, auth, ui?")
        await shows(pilot, "Session auth has uncommitted changes")
        await shows(pilot, "Remove the others")
        await pilot.press("y")
        await until(pilot, lambda: names(shown) == ["auth", "web"])
        await shows(pilot, "Removed 2 sessions: api, ui. Kept: auth.")
        await pilot.press("end", "space", "D")  # auth is still marked
        await shows(pilot, "Remove auth, web?")
        await shows(pilot, "Remove all anyway")
        await pilot.press("f")
        await until(pilot, lambda: names(shown) == [])

    run(project, story)
    removed = json.loads(project.inv("session.list", "--removed", "--json").out)
    assert {each["name"] for each in removed} == {"api", "auth", "ui", "web"}
