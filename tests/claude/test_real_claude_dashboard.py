"""The dashboard's key `a` answers permission prompts of the real Claude Code."""

from tasks.views.dashboard.app import Dashboard
from testing.dashboards import Shown, run, screen, shows, types, until
from testing.project import Project
from testing.real_claude import becomes


def test_a_answers_what_claude_asks(real: Project) -> None:
    real.inv("session.add", "x")
    becomes(real, claude="idle")
    made = real.worktree("x") / "made"
    real.inv("session.send", "x", "DO bash touch made ;; DO say touched")

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await shows(pilot, "● 1 waiting")
        await pilot.press("a")
        await shows(pilot, "Yes, always")
        assert "touch made" in screen(shown) and not made.exists()
        await pilot.press("y")
        await shows(pilot, "Answered x: yes.")
        await until(pilot, made.exists)
        await until(pilot, lambda: real.listed("x")["claude_what"] == "touched")
        becomes(real, claude="idle")
        real.inv("session.send", "x", "DO bash touch never ;; DO say so")
        await shows(pilot, "● 1 waiting")
        await pilot.press("a")
        await shows(pilot, "touch never")
        await shows(pilot, "No, instead")
        await pilot.press("i")
        await shows(pilot, "What Claude should do")
        await types(pilot, "DO say this instead")
        await pilot.press("enter")
        await until(pilot, lambda: real.listed("x")["claude_what"] == "this instead")

    run(real, story)
    assert not (real.worktree("x") / "never").exists()
