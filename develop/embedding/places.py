"""Where embedding writes: files inside of the repository, each replaced as a whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path


class EmbedError(Exception):
    """The sessions cannot be embedded; the message says why and what to do."""


def refuse_foreign(top: Path, files: Iterable[Path]) -> None:
    """Raise `EmbedError` for the first of *files* that is something else, or that a link leads out of *top*.

    Whoever wrote the repository could have it lead to a file of yours, and a pipe would never answer.
    """
    inside = Path(os.path.realpath(top))
    for file in files:
        real = Path(os.path.realpath(file))
        if not real.is_relative_to(inside):
            raise EmbedError(f"{file} leads out of the repository, to {real}. Put a file of its own there instead.")
        if os.path.lexists(file) and not file.is_file():
            raise EmbedError(f"{file} is not a file. Move it away: inv embed needs its name.")


def replace_file(file: Path, content: bytes) -> None:
    """Give *file* this *content*, or leave it as it was: a kill or a full disk loses nothing of a person's."""
    real = Path(os.path.realpath(file))
    if not real.exists():
        real.write_bytes(content)
        return
    new = real.with_name(f".{real.name}.{os.getpid()}.tmp")
    try:
        new.write_bytes(content)
        shutil.copymode(real, new)
        new.replace(real)
    finally:
        new.unlink(missing_ok=True)
