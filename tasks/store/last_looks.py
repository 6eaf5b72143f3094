"""What the dashboard showed of each session last: its next start begins with that, until it knows better."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import SessionError
from ..model import Repository
from ..system import files, shape

_VERSION = 1
_LOOK = shape.fields_form({
    "created": shape.TEXT, "at": shape.NUMBER, "attention": shape.TEXT, "since": shape.NUMBER,
    "cells": shape.TEXT_TABLE,
})  # fmt: skip
_FORM = shape.fields_form({"version": shape.choice_form(_VERSION), "sessions": shape.table_form(_LOOK)})


class LastLook(NamedTuple):
    """What was shown of the session that was *created* then, *at* a time in seconds since 1970."""

    created: str
    at: float
    attention: str
    since: float  # by which those of one class are sorted
    cells: Mapping[str, str]  # by column: what it said


def read_looks(repository: Repository) -> dict[str, LastLook]:
    """Return by session what was shown last; nothing of a file that is damaged, or of another version's."""
    try:
        content = shape.read_json(repository.looks_file, _FORM)
    except (OSError, SessionError):
        return {}
    return {name: LastLook(*(each[key] for key in LastLook._fields)) for name, each in content["sessions"].items()}


def write_looks(repository: Repository, looks: Mapping[str, LastLook]) -> None:
    """Note *looks* by session; where that can't be written, the next start knows less."""
    content = {"version": _VERSION, "sessions": {name: look._asdict() for name, look in looks.items()}}
    try:
        if not looks:
            repository.looks_file.unlink(missing_ok=True)
            return
        repository.private.mkdir(mode=0o700, exist_ok=True)
        files.write_cache(repository.looks_file, json.dumps(content) + "\n")
    except OSError:
        return
