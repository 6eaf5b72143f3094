"""Each key of the dashboard, pressed in an app without a terminal; what it does is done by the tasks themselves."""

import asyncio
import functools
import json
import re
from pathlib import Path

import pytest

from tasks import session
from tasks.model import Repository
from tasks.status import attention
from tasks.views.dashboard import contents, dialogs, keys
from tasks.views.dashboard.app import Dashboard
from tasks.views.dashboard.jobs import Command, Job
from tasks.views.dashboard.palette import MORE
from testing import sessions
from testing.dashboards import Shown, chosen, closes, names, opens_form, palette, run, screen, shows, types, until
from testing.project import Project


@pytest.fixture
def quick(sandbox: Path) -> Project:
    """Return a repository with sessions that have a worktree and nothing else."""
    project = sessions.repository(sandbox / "dev" / "quick", {"a.txt": "one\n"})
    for name, component, files in (
        ("auth", "server", {"a.txt": "auth\n"}), ("bugfix-ui", "web", {"a.txt": "ui\n"}), ("docs", "", {}),
    ):  # fmt: skip
        sessions.add(project, name, files, component=component, created="2026-01-01T00:00:00+00:00")
    (project.worktree("auth") / "new.txt").write_text("not yet tracked\n")
    return project


def test_keys_that_choose_sort_mark_and_filter(quick: Project) -> None:
    async def story(shown: Dashboard, pilot: Shown) -> None:
        assert (names(shown), chosen(shown)) == (["auth", "bugfix-ui", "docs"], "auth")
        for key, name in (
            ("j", "bugfix-ui"), ("down", "docs"), ("down", "docs"), ("k", "bugfix-ui"), ("up", "auth"), ("G", "docs"),
            ("g", "auth"), ("end", "docs"), ("home", "auth"), ("pagedown", "docs"), ("pageup", "auth"),
        ):  # fmt: skip
            await pilot.press(key)
            assert (key, chosen(shown)) == (key, name)
        await shows(pilot, "Sessions 1/3")
        await pilot.press("s")
        await shows(pilot, "sorted by name")
        await pilot.press("s")
        await shows(pilot, "sorted by age")
        await pilot.press("s", "space", "space")
        await shows(pilot, "2 marked")
        assert [row.session.name for row in shown.targets()] == ["auth", "bugfix-ui"]
        await pilot.press("escape", "g", "slash")
        await types(pilot, "fxu")
        assert names(shown) == ["bugfix-ui"]
        await pilot.press("enter")
        await shows(pilot, "filter: fxu")
        await pilot.press("escape", "slash")
        await types(pilot, "component:server git:changed")
        assert names(shown) == ["auth"]
        await pilot.press("escape", "slash")
        await types(pilot, "colour:red")
        await shows(pilot, 'No filter "colour:". There are: state:')
        await pilot.press("escape", "n")
        await shows(pilot, "No session needs you.")
        assert names(shown) == ["auth", "bugfix-ui", "docs"]

    run(quick, story)


def test_each_tab_shows_what_it_is_about_and_keys_turn_them(quick: Project) -> None:
    async def story(shown: Dashboard, pilot: Shown) -> None:
        await shows(pilot, "This session has no window for Claude Code.")
        await pilot.press("d")
        await shows(pilot, "+not yet tracked")
        await shows(pilot, "+auth")
        await pilot.press("l")
        await shows(pilot, "The session is stopped.")
        await pilot.press("4")
        await shows(pilot, "change (Test")
        await pilot.press("G")
        await shows(pilot, "no commits of its own")
        await pilot.press("g")
        await pilot.press("5")
        await shows(pilot, "auth conflicts with bugfix-ui in a.txt")
        await pilot.press("6")
        await shows(pilot, "(uncommitted changes)")
        await pilot.press("right_square_bracket")
        assert shown.preview.tab == "claude"
        await pilot.press("left_square_bracket")
        assert shown.preview.tab == "details"
        await pilot.press("z")
        assert "Sessions 1/3" not in screen(shown)
        await pilot.press("escape")
        await shows(pilot, "Sessions 1/3")
        await pilot.press("tab", "j")
        assert (chosen(shown), shown.focused and shown.focused.id) == ("auth", "lines")  # it scrolls
        await pilot.press("tab", "j")
        assert chosen(shown) == "bugfix-ui"
        await pilot.click("#tabs", offset=(24, 0))
        assert shown.preview.tab == "diff"

    run(quick, story)
    assert {"1", "6"} <= set("123456"[: len(contents.TABS)])


def test_what_a_commit_a_file_and_a_task_say_cannot_control_the_terminal(quick: Project) -> None:
    hostile = "\x1bcreset \x9b31m [/bold] [@click=app.quit]x[/] \x7f"
    sessions.commit(quick, quick.worktree("auth"), {"b.txt": f"{hostile}\n"})
    quick.git("commit", "--quiet", "--amend", "-m", hostile, cwd=quick.worktree("auth"))

    async def story(shown: Dashboard, pilot: Shown) -> None:
        for tab in ("3", "4"):
            await pilot.press(tab)
            await shows(pilot, "\u241bcreset \ufffd31m [/bold] [@click=app.quit]x[/]")
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", screen(shown))
        shown.tell(hostile)
        await shows(pilot, "\u241bcreset")
        shown.push_screen(dialogs.Notice("Said", hostile))
        await shows(pilot, "\u241bcreset")
        await pilot.press("escape", "slash", "left_square_bracket", "slash", "x", "right_square_bracket")
        await shows(pilot, "filter: [/x]")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", screen(shown))

    run(quick, story)


def _heading(shown: Dashboard) -> str:
    """Return the headings as they are on the screen."""
    return next(line for line in screen(shown).splitlines() if "claude" in line).strip("│").rstrip()


@pytest.mark.slow
def test_the_mouse_the_palette_the_help_and_a_terminal_that_changes_its_size(quick: Project) -> None:
    async def story(shown: Dashboard, pilot: Shown) -> None:
        await pilot.click("#sessions", offset=(5, 1))
        assert chosen(shown) == "bugfix-ui"
        await pilot.click("#sessions", offset=(5, 2), times=2)
        await shows(pilot, "docs is stopped. Press r to start it.")
        await pilot.press("question_mark")
        await shows(pilot, "go to the next that needs you")
        for key in keys.KEYS:
            assert key.help in " ".join(screen(shown).split()) or key.help in screen(shown)
        await pilot.press("escape", "colon")
        await types(pilot, "sort by")
        await pilot.pause(0.5)
        await pilot.press("enter", "enter")
        await shows(pilot, "sorted by name")
        await pilot.resize_terminal(60, 24)
        await until(pilot, lambda: screen(shown).endswith("q quit") and "sorted by name" in screen(shown))
        assert "claude" in screen(shown)
        for width in range(36, 60):  # in one of them a column fits only without the scroll bar
            await pilot.resize_terminal(width, 5)
            await until(pilot, lambda: _heading(shown) == str(shown.sessions.headings).rstrip())
        await pilot.resize_terminal(60, 10)
        await until(pilot, lambda: "conflicts" not in screen(shown))
        await pilot.resize_terminal(200, 50)
        await shows(pilot, "component")
        await pilot.click("#keys", offset=(2, 0))
        await shows(pilot, "Press r to start it.")

    run(quick, story, (150, 50))


@pytest.mark.slow
def test_what_has_no_key_is_in_the_palette(quick: Project) -> None:
    async def story(shown: Dashboard, pilot: Shown) -> None:
        await palette(pilot, "rename it")
        await shows(pilot, "New name of auth")
        await pilot.press("ctrl+u")
        await types(pilot, "login")
        await pilot.press("enter")
        await until(pilot, lambda: "login" in names(shown))
        await until(pilot, lambda: chosen(shown) == "login")
        await palette(pilot, "copy its files")
        await shows(pilot, "What login has of the configured files")
        await pilot.press("escape")
        await palette(pilot, "merge every")
        await shows(pilot, "y  Merge all")
        await until(pilot, lambda: shown.focused and shown.focused.id == "choice-no")
        await pilot.press("y")
        await shows(pilot, "has uncommitted changes")  # the error is shown whole
        await pilot.press("escape")
        await palette(pilot, "merged session")
        await shows(pilot, "docs counts as merged: it has had no commits")
        await until(pilot, lambda: shown.focused and shown.focused.id == "choice-no")
        await pilot.press("y")
        await until(pilot, lambda: "docs" not in names(shown))

    run(quick, story)
    assert {more.words[0] for more in MORE} <= {f"session.{name}" for name in session.TASKS}


def test_the_details_say_what_of_packages_and_code_is_its_own(quick: Project) -> None:
    (quick.main / "package-lock.json").touch()
    sessions.add(quick, "aaa", python_path=("src",), link=("node_modules",))

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await until(pilot, lambda: names(shown)[0] == "aaa")
        await pilot.press("g", "6")  # which one was chosen while the order was not known yet does not matter
        await until(pilot, lambda: chosen(shown) == "aaa")
        await shows(pilot, "packages     its own node_modules")
        await shows(pilot, "python       its own src")

    run(quick, story)


def test_sessions_that_appear_and_go_and_a_registry_that_breaks(quick: Project) -> None:
    registry = quick.main / ".tally-sessions"

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await pilot.press("d")  # who reads the diff of the first means it with the next key, too
        sessions.add(quick, "aaa")
        await until(pilot, lambda: names(shown) == ["aaa", "auth", "bugfix-ui", "docs"])
        assert chosen(shown) == "auth"  # whatever came above it
        await pilot.press("j")
        rows = json.loads(registry.read_text())
        registry.write_text("{")
        await shows(pilot, "not valid JSON")
        assert len(names(shown)) == 4  # what was known last
        registry.write_text(json.dumps({name: row for name, row in rows.items() if name != "bugfix-ui"}))
        await until(pilot, lambda: names(shown) == ["aaa", "auth", "docs"])
        assert chosen(shown) == "docs"
        registry.write_text("{}")
        await shows(pilot, "No sessions yet. Press c to add one.")
        await pilot.press("enter", "x", "D", "p", "a", "d")  # nothing to act on
        await pilot.press("q")

    assert run(quick, story) is None


def test_the_last_line_names_no_key_that_the_chosen_session_has_no_use_for() -> None:
    shown = {kind: {each.shown for each in keys.footer_keys(kind)} for kind in attention.CLASSES}
    assert {kind for kind in shown if "a" in shown[kind]} == {"waiting"}
    assert {kind for kind in shown if "x" not in shown[kind]} == {"stopped"}
    assert not shown["stopped"] & set("apxo")
    assert all({"enter", "D", "c"} <= each for each in shown.values())
    assert [each.shown for each in keys.footer_keys("stopped")][:3] == ["enter", "r", "D"]
    assert {kind for kind in shown if "p" not in shown[kind]} == {"waiting", "stopped"}
    assert "p" not in {each.shown for each in keys.footer_keys("idle", talks=False)}
    merged = [each.shown for each in keys.footer_keys("finished", is_merged=True)]
    assert merged[:3] == ["enter", "D", "x"]
    assert not {"m", "P"} & {*merged}


def test_the_tabs_have_their_whole_names_where_these_just_fit(quick: Project) -> None:
    async def story(shown: Dashboard, pilot: Shown) -> None:
        await shows(pilot, " claude ")
        assert all(f" {tab} " in screen(shown) for tab in contents.TABS)

    run(quick, story, (100, 30))


def _is_last(ran: list[tuple[str, ...]], expected: tuple[str, ...]) -> bool:
    return ran[-1:] == [expected]


@pytest.mark.slow
def test_what_is_asked_before_a_task_runs_and_what_the_answers_mean(quick: Project) -> None:
    ran: list[tuple[str, ...]] = []

    async def perform(_title: str, *words: str, at: Repository, **_variables: str) -> Job:
        ran.append(words)
        job = Job(Command("", words))
        job.code, job.out = 0, "Bash command\n  npm install\nDo you want to proceed?"
        return job

    async def story(shown: Dashboard, pilot: Shown) -> None:
        shown.perform = perform  # type: ignore[method-assign, assignment]
        for pressed, said, expected in (
            ("a a", "", ("session.answer", "auth", "always")),
            ("a n", "", ("session.answer", "auth", "no")),
            ("a enter", "", ("session.answer", "auth", "yes")),
            ("a i", "use uv", ("session.answer", "auth", "no", "--message=use uv")),
            ("o", "", ("session.open", "auth", "--browser")),
            ("e", "", ("session.open", "auth", "--editor")),  # there is no terminal to lend
            ("p", "say hi", ("session.send", "auth", "--text=say hi")),
            ("m s", "", ("session.merge", "auth", "--squash")),
            ("m r", "", ("session.merge", "auth", "--remove")),
            ("P d", "", ("session.pr", "auth", "--draft")),
            ("D y", "", ("session.remove", "auth")),
            ("space space x", "", ("session.stop", "auth,bugfix-ui")),
            ("r", "", ("session.start", "auth,bugfix-ui")),
            ("y", "", ("session.sync", "bugfix-ui")),
        ):  # fmt: skip
            for key in pressed.split():
                await pilot.press(key)
                await pilot.pause(0.2)
            if said:
                await pilot.pause(0.3)
                await types(pilot, said)
                await pilot.press("enter")
            await until(pilot, functools.partial(_is_last, ran, expected))
        count = len(ran)
        await pilot.press("escape", "D")
        await shows(pilot, "Do you want to proceed?")
        await pilot.press("enter")  # the first answer keeps it
        await pilot.pause(0.3)
        assert ran[count:] == [("session.remove", "docs", "--dry-run")]

    run(quick, story)


def test_a_question_is_there_before_what_it_is_about_so_that_no_key_means_something_else(quick: Project) -> None:
    ran: list[tuple[str, ...]] = []
    known = asyncio.Event()

    async def perform(_title: str, *words: str, at: Repository, **_variables: str) -> Job:
        ran.append(words)
        await known.wait()
        job = Job(Command("", words))
        job.code, job.out = 0, "Would remove much."
        return job

    async def story(shown: Dashboard, pilot: Shown) -> None:
        shown.perform = perform  # type: ignore[method-assign, assignment]
        await pilot.press("D", "y", "m", "enter", "y")
        await shows(pilot, "Looking …")
        assert ran == [("session.remove", "auth", "--dry-run")]
        known.set()
        await shows(pilot, "Would remove much.")
        await pilot.press("y")
        await until(pilot, lambda: ran[1:] == [("session.remove", "auth")])

    run(quick, story)


def test_keys_that_act_run_the_tasks_and_show_what_they_say(project: Project) -> None:
    project.inv("session.add", "auth", "--prompt=ask npm install")

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await shows(pilot, "● 1 waiting")
        await opens_form(pilot, "docs")
        await pilot.press("enter")
        await until(pilot, lambda: names(shown) == ["auth", "docs"])
        await until(pilot, lambda: not shown.jobs.running)
        await until(pilot, lambda: chosen(shown) == "docs")
        await pilot.press("p")
        await types(pilot, "work hard")
        await pilot.press("enter")
        await shows(pilot, "Sent to docs.")
        await until(pilot, lambda: "working" in screen(shown))
        await pilot.press("x")
        await shows(pilot, "Claude in docs is working.")
        await closes(pilot, "escape")
        await pilot.press("x")
        await shows(pilot, "Its turn would be cut off")
        await pilot.press("y")
        await shows(pilot, "Stopped docs.")
        await until(pilot, lambda: "stopped" in screen(shown))
        await pilot.press("r")
        # The first where its servers answer before the task has ended.
        await until(pilot, lambda: re.search(r"docs is running \(started|Started docs", screen(shown)))
        await pilot.press("y")
        await shows(pilot, "docs is up to date with main.")
        await pilot.press("m")
        await shows(pilot, "docs: 0 commits into main")
        await closes(pilot, "n")
        await pilot.press("P")
        await shows(pilot, "is pushed, and a pull request is opened.")
        await pilot.press("y")
        await shows(pilot, "failed")
        await shows(pilot, "Nothing to open a pull request for")  # an error is shown whole
        await closes(pilot, "c")
        await pilot.press("D")
        await shows(pilot, "Would end tmux session")
        await closes(pilot, "n")
        await pilot.press("D")
        await shows(pilot, "Would end tmux session")
        await pilot.press("y")
        await until(pilot, lambda: names(shown) == ["auth"])
        await until(pilot, lambda: not shown.jobs.running)
        await pilot.press("u")
        await shows(pilot, "Restore a removed session")
        await pilot.press("enter")
        await until(pilot, lambda: names(shown) == ["auth", "docs"])
        await until(pilot, lambda: not shown.jobs.running)
        await pilot.press("exclamation_mark")
        await shows(pilot, "Restoring docs: done")
        await pilot.press("escape")

    run(project, story)
    assert {row["name"] for row in project.inv("session.list", "--json").json} == {"auth", "docs"}
