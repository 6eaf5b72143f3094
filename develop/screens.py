"""The pictures of the manual: screens of the real program, taken in a real terminal. Claude Code is a stand-in."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from develop import dashboard_pictures, demo, recording

TITLES = {
    "add": "Adding a session",
    "window": "The backend's window of a session in tmux",
    "list": "The list of four sessions",
    "conflict": "A sync that stops at a conflict",
}
_PROMPTS = {  # the stand-in stays busy after `work`, and asks for a permission after `ask`
    "feature-auth": "work on the login page",
    "bugfix-ui": "ask npm install d3",
}
_SEARCH = "<p>Find a point</p>"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

Say = Callable[[str], None]


def take(directory: Path, say: Say) -> list[Path]:
    """Take every picture again and write it into *directory* as NAME.svg; return the files."""
    files = []
    with recording.project_in_terminal(say) as (terminal, main):
        for name, screen in _screens(terminal, main):
            files.append(directory / f"{name}.svg")
            files[-1].write_text(_picture(screen, TITLES[name]), encoding="utf-8")
            say(f"Wrote {files[-1]}.")
    return [*files, *dashboard_pictures.take(directory, say)]


def _screens(terminal: recording.Terminal, main: Path) -> Iterator[tuple[str, str]]:
    yield "add", _printed(terminal, "inv session.add feature-auth --wait")
    for command in ("add bugfix-ui", "add feature-search", "add docs"):
        terminal.run(f"inv session.{command}")
    demo.wait(main, lambda _line: None)
    yield "window", _window(terminal)
    _work(terminal, main)
    yield "list", _printed(terminal, "inv session.list")
    terminal.resize()
    yield "conflict", _printed(terminal, "inv session.sync feature-search")


def _printed(terminal: recording.Terminal, command: str) -> str:
    terminal.run("clear")
    return terminal.run(command)[-1][1].removesuffix("\n$ ").removesuffix("\n$")


def _window(terminal: recording.Terminal) -> str:
    """Return the first window of a session, whose server has just answered a request."""
    terminal.resize(16)
    terminal.type("inv session.attach feature-auth")
    terminal.press("Enter")
    screen = terminal.wait_for("GET /api/points/")
    terminal.press("C-b", "d")
    terminal.wait_for("[detached")
    terminal.resize()
    return screen


def _work(terminal: recording.Terminal, main: Path) -> None:
    """Bring the sessions into different states: one is busy, one waits, one conflicts with main, one is stopped."""
    search, page = main.parent / f"{main.name}-feature-search", Path("frontend", "src", "App.svelte")
    for checkout, text in ((search, _SEARCH), (main, "<p>Search</p>")):
        (checkout / page).write_text((checkout / page).read_text(encoding="utf-8") + text + "\n", encoding="utf-8")
        _git(checkout, "commit", "--quiet", "--all", "--no-verify", "-m", "Add a search field")
    changed = main.parent / f"{main.name}-feature-auth" / "backend" / "manage.py"
    changed.write_text(changed.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    for name, prompt in _PROMPTS.items():
        terminal.run(f"inv session.send {name} '{prompt}'")
    terminal.run("inv session.stop docs")


def _git(checkout: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.invalid", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=checkout, check=True)


def _picture(screen: str, title: str) -> str:
    lines = [_COLOURS.sub("", line).rstrip() for line in screen.split("\n")]
    return recording.svg([(1.0, screen)], max(map(len, lines)), len(lines), title)
