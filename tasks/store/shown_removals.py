"""What a dry run of `remove` showed: a person who agrees to it agrees to that alone.

The dashboard names a file in the environment. The dry run notes there how each session stands, and the removal takes
only those that still do.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from ..errors import SessionError
from ..system import shape, terminal

_FORM = shape.table_form(shape.list_form(shape.TEXT))
Shown = Mapping[str, tuple[str, bool]]  # by name: what stands for its state, and whether its removal loses nothing


def note_shown(states: Shown) -> None:
    """Note the *states* in the file that the environment names, which is new: nothing is overwritten."""
    content = {name: [state, "safe" if is_safe else ""] for name, (state, is_safe) in states.items()}
    file, flags = os.environ[terminal.SHOWN], os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        with open(os.open(file, flags, 0o600), "w", encoding="utf-8") as new:
            json.dump(content, new)
    except FileExistsError:
        raise SessionError(
            f"{file} exists already. Only the dashboard sets {terminal.SHOWN}.\nRun: unset {terminal.SHOWN}"
        ) from None


def take_shown() -> Shown:
    """Return what was noted there, for this process alone: what it starts removes by its own rules."""
    return read_shown(Path(os.environ.pop(terminal.SHOWN)))


def read_shown(file: Path) -> Shown:
    """Return what was noted in *file*; nothing of one that is not there or damaged."""
    try:
        content = shape.read_json(file, _FORM)
    except (OSError, SessionError):
        return {}
    return {name: (values[0], "safe" in values[1:]) for name, values in content.items() if values}
