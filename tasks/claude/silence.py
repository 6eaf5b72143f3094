"""Programs that did not answer when they were last asked, so that not every command waits for them again."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from ..errors import CommandError, SessionError
from ..store.state_directory import state_directory
from ..system import files, shape, shell
from . import version

_LONGEST = 3600.0  # seconds that any is remembered
_NO_ANSWER = 124
_NOTES = shape.list_form(
    shape.plain_form(
        "a time and a question", lambda note: isinstance(note, list) and list(map(type, note)) == [float, list]
    )
)


def ask_unless_silent(seconds: float, pause: float, *argv: str, env: Mapping[str, str]) -> str | None:
    """Return what *argv* prints; None when it fails, or took more *seconds* now or less than *pause* seconds ago."""
    question = [*version.program_identity(argv[0]), *argv[1:]]
    now = time.time()
    notes = [each for each in _read_notes() if 0 <= now - each[0] < _LONGEST]
    if any(silent == question and now - when < pause for when, silent in notes):
        return None
    try:
        return shell.run_bounded(seconds, *argv, env=env)
    except CommandError as error:
        if error.exit_code == _NO_ANSWER:
            _write_notes([*(each for each in notes if each[1] != question), (time.time(), question)])
    except (SessionError, OSError):
        pass
    return None


def _read_notes() -> list[tuple[float, list[Any]]]:
    try:
        notes = shape.read_json(state_directory() / "silent.json", _NOTES)
    except (OSError, ValueError, SessionError):  # the last where others may write to it
        return []
    return [(when, question) for when, question in notes]


def _write_notes(notes: list[tuple[float, list[Any]]]) -> None:
    try:
        place = state_directory()
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.write_cache(place / "silent.json", json.dumps(notes) + "\n")
    except (OSError, SessionError):
        pass  # then it is asked again
