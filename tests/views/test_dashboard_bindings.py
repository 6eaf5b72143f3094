"""Held by reading the tests: each key of the dashboard is pressed in one; and the keys that the others don't press."""

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.binding import Binding
from textual.widgets import OptionList, TextArea

from tasks.views.dashboard import app, dialogs, forms, keys, picker, preview, session_list
from tasks.views.dashboard.app import Dashboard
from testing import sessions
from testing.dashboards import Shown, chosen, run, screen, shows, types, until
from testing.project import Project

_CLASSES: tuple[Any, ...] = (
    app.Dashboard, session_list.SessionList, preview.LinesView, dialogs.Dialog, dialogs.Question, dialogs.Notice,
    forms.AddForm, forms.PromptForm, forms._Message, picker.Picker,
)  # fmt: skip
_IN_TMUX = {"C-c": "ctrl+c", "C-z": "ctrl+z", "C-k": "ctrl+k", "C-j": "ctrl+j", "Enter": "enter", "Escape": "escape",
            "Up": "up", "Down": "down", "Tab": "tab"}  # fmt: skip


def _pressed() -> Iterator[str]:
    """Yield each key that a test presses: in `press(…)`, in `send-keys`, and first in the lines of a table."""
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            words: list[ast.expr] = []
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("press", "tmux"):
                words = node.args
            elif isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple):
                words = [each.elts[0] if isinstance(each, ast.Tuple) else each for each in node.iter.elts]
            for word in words:
                if isinstance(word, ast.Constant) and isinstance(word.value, str):
                    yield from (_IN_TMUX.get(key, key) for key in word.value.split())


def test_no_key_is_without_a_test() -> None:
    bound = {
        name: of.__name__
        for of in _CLASSES
        for binding in of.BINDINGS
        if isinstance(binding, Binding)
        for name in binding.key.split(",")
    }
    assert {name for key in keys.KEYS for name in key.key.split(",")} <= set(bound)

    pressed = set(_pressed())
    assert {name: place for name, place in bound.items() if name not in pressed} == {}


@pytest.fixture
def quick(sandbox: Path) -> Project:
    """Return a repository with sessions that have a worktree and nothing else."""
    project = sessions.repository(sandbox / "dev" / "quick", {"a.txt": "one\n"})
    for name in ("a", "b", "c"):
        sessions.add(project, name, {f"{name}.txt": "".join(f"line {n}\n" for n in range(200))})
    return project


def test_keys_and_the_wheel_turn_the_tabs_and_scroll_the_preview(quick: Project) -> None:
    async def story(shown: Dashboard, pilot: Shown) -> None:
        for key, tab in (
            ("2", "servers"), ("1", "claude"), ("left", "details"), ("right", "claude"), ("h", "details"),
            ("3", "diff"),
        ):  # fmt: skip
            await pilot.press(key)
            assert (key, shown.preview.tab) == (key, tab)
        await shows(pilot, "+line 1")
        lines = shown.screen.query_one(preview.LinesView)
        await pilot.press("tab", "G")
        await until(pilot, lambda: lines.scroll_offset.y == lines.max_scroll_y > 0)
        end = lines.scroll_offset.y
        await pilot.press("k")
        await until(pilot, lambda: lines.scroll_offset.y == end - 1)
        await pilot.press("j")
        await until(pilot, lambda: lines.scroll_offset.y == end)
        await pilot.press("ctrl+u")
        await until(pilot, lambda: lines.scroll_offset.y < end - 1)
        await pilot.press("g")
        await until(pilot, lambda: lines.scroll_offset.y == 0)
        await pilot.press("tab", "G", "ctrl+u")
        assert chosen(shown) == "a"
        await pilot._post_mouse_events([events.MouseScrollDown], "#lines", (5, 5), button=0)
        await until(pilot, lambda: lines.scroll_offset.y > 0)

    run(quick, story)


def test_n_goes_around_among_those_that_need_somebody(quick: Project) -> None:
    for name in ("d", "e"):
        sessions.add(quick, name, setup=("npm install",))

    async def story(shown: Dashboard, pilot: Shown) -> None:
        await pilot.press("s", "g")  # by name
        assert chosen(shown) == "a"
        for name in "ded":
            await pilot.press("n")
            assert chosen(shown) == name

    run(quick, story)


def test_keys_in_questions_and_in_what_was_printed(quick: Project) -> None:
    async def story(shown: Dashboard, pilot: Shown) -> None:
        long = "\n".join(f"line {n}" for n in range(100))
        choices = [dialogs.Choice("n", "No", "no"), dialogs.Choice("y", "Yes", "yes")]
        answers: list[str | None] = []
        shown.push_screen(dialogs.Question("Sure?", long, choices), answers.append)
        await shows(pilot, "line 1")
        body = shown.screen.query_one("#body")
        for key, offset in (("down", 1), ("up", 0), ("pagedown", 10), ("pageup", 0)):
            await pilot.press(key)
            assert (key, body.scroll_offset.y) == (key, offset)
        await pilot.press("right", "left", "right", "enter")
        assert answers == ["yes"]
        for key in ("q", "enter", "escape", "ctrl+c"):
            shown.push_screen(dialogs.Notice("Printed", "everything"), answers.append)
            await shows(pilot, "everything")
            await pilot.press(key)
            await until(pilot, lambda: "everything" not in screen(shown))
        shown.push_screen(dialogs.Notice("Printed", "everything"))
        await shows(pilot, "y copies the text")
        await pilot.press("y")
        await shows(pilot, "Copied.")
        assert shown.clipboard == "everything"
        await pilot.press("escape", "p")
        await shows(pilot, "ctrl+j begins a line")
        await types(pilot, "one")
        await pilot.press("ctrl+j")
        await types(pilot, "two")
        assert shown.screen.query_one("#message", TextArea).text == "one\ntwo"
        await pilot.press("escape")

    run(quick, story)


def test_keys_of_pick() -> None:
    async def pick(*pressed: str) -> str | None:
        shown = picker.Picker(["one", "two", "three"])
        async with shown.run_test() as pilot:
            found = shown.query_one(OptionList)
            for key, place in (("down", 1), ("ctrl+j", 2), ("up", 1), ("ctrl+k", 0), ("tab", 1)):
                await pilot.press(key)
                assert (key, found.highlighted) == (key, place)
            await pilot.press(*pressed)
        return shown.return_value

    assert [asyncio.run(pick(key)) for key in ("enter", "escape", "ctrl+c")] == ["two", None, None]
