"""The real Claude Code in two versions, which `python -m testing.real_claude` installs, and keys for its prompt."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tasks.tools.tmux import prompt_text
from testing.project import Project, eventually
from testing.terminal import screen, tmux, windows

VERSIONS = ("2.1.332", "2.1.197")
_PATIENCE = 180  # seconds for npm
_PLACE = os.environ.get("TALLY_SESSIONS_CLAUDE", "")  # the sandbox has it no longer
_AGAIN = 3.0  # seconds after which a key that had no effect was lost


def install(version: str, directory: Path) -> None:
    """Put the real `claude` of *version* into *directory*, in place of the stand-in; skip the test without it."""
    program = Path(_PLACE or "/nowhere", version, "node_modules", ".bin", "claude")
    if not program.exists():
        pytest.skip(
            f"Claude Code {version} is not installed for the tests: set TALLY_SESSIONS_CLAUDE to a directory, then run"
            " python -m testing.real_claude"
        )
    (directory / "claude").unlink(missing_ok=True)
    (directory / "claude").symlink_to(program)
    said = subprocess.run([str(directory / "claude"), "--version"], capture_output=True, text=True, check=False)
    assert version in said.stdout, said


def open_conversations(sandbox: Path) -> list[dict[str, Any]]:
    """Return what Claude Code noted of its open conversations."""
    files = (sandbox / "home" / ".claude" / "sessions").glob("*.json")
    records = [json.loads(file.read_bytes()) for file in files]
    return [record for record in records if psutil.pid_exists(record["pid"])]


def becomes(project: Project, name: str = "x", **facts: Any) -> None:
    """Wait until the session *name* has these *facts* in the list."""

    def fits() -> bool:
        listed = project.listed(name)
        return all(listed[key] == value for key, value in facts.items())

    try:
        eventually(fits, 120)
    except AssertionError:
        shown = "\n".join(f"--- {window}\n{screen(pane)}" for window, pane in windows(f"tally-{name}").items())
        raise AssertionError(f"{facts}\n{project.listed(name)}\n{shown}") from None


def press(pane: str, key: str, has_effect: Callable[[], object]) -> None:
    """Press *key* until it *has_effect*.

    Claude Code ignores keys until it has drawn, and an Enter that comes with a text. So a key counts once its effect
    is seen, and is pressed again only after that had its time.
    """
    pressed = 0.0

    def is_done() -> bool:
        nonlocal pressed
        if has_effect():
            return True
        if time.monotonic() > pressed + _AGAIN:
            tmux("send-keys", "-t", pane, key)
            pressed = time.monotonic()
        return False

    try:
        eventually(is_done, 120)
    except AssertionError:
        raise AssertionError(f"{key} had no effect\n{screen(pane)}") from None


def typed(pane: str) -> str | None:
    """Return what stands at the prompt of Claude Code in *pane*; None where it shows none."""
    return prompt_text(tmux("capture-pane", "-p", "-e", "-t", pane))


def main() -> None:
    """Install each version where TALLY_SESSIONS_CLAUDE says, and say which could not be had."""
    for version in VERSIONS:
        place = Path(_PLACE, version)
        if not (place / "node_modules" / ".bin" / "claude").exists():
            npm = ["npm", "install", "--prefix", str(place), "--no-audit", "--no-fund", "--loglevel", "error"]
            try:
                subprocess.run([*npm, f"@anthropic-ai/claude-code@{version}"], timeout=_PATIENCE, check=True)
            except (subprocess.SubprocessError, OSError) as error:
                print(f"Claude Code {version} is not installed for the tests: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
