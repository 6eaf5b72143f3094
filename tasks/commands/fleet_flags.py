"""The flags of a task of `fleet`, as words for `inv` on a host."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any


def flag_words(choices: dict[str, Any], parameters: list[inspect.Parameter]) -> Iterator[str]:
    """Yield the *choices* as flags for `inv`; the host uses its own defaults for the rest."""
    for each in parameters[1:]:
        value, flag = choices.get(each.name, each.default), each.name.replace("_", "-")
        if value in (each.default, None):
            continue
        if isinstance(value, bool):
            yield f"--{flag}" if value else f"--no-{flag}"
        else:
            yield from (f"--{flag}={item}" for item in (value if isinstance(value, list) else [value]))
