"""Where a setting is written: the file and its line. Loaded only for an error's message."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from invoke.util import yaml


def find_setting(message: str, files: Iterable[Path]) -> str:
    """Return `file:line` of the key that *message* begins with, as session.ports.web; "" if none of *files* has it."""
    deepest, place = int("." in message.partition(" ")[0].rstrip(":.")), ""
    for file in files:
        try:
            root = yaml.compose(  # type: ignore[no-untyped-call]
                file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader
            )
        except (OSError, ValueError, yaml.YAMLError):
            continue
        line, depth = _follow(root, f".{message}")
        if depth > deepest:
            deepest, place = depth, f"{file}:{line}"
    return place


def _follow(node: Any, rest: str) -> tuple[int, int]:
    """Return the line of the last key of *rest* that is below *node*, and how many of its keys are."""
    line = depth = 0
    while node is not None:
        node, used, at = _child(node, rest)
        if node is not None:
            line, depth, rest = at, depth + 1, rest[used:]
    return line, depth


def _child(node: Any, rest: str) -> tuple[Any, int, int]:
    """Return what *rest* names first below *node*, the characters that this takes, and its line; None for nothing."""
    if isinstance(node, yaml.SequenceNode):
        index = re.match(r"\[(\d+)\]", rest)
        if index and int(index[1]) < len(node.value):
            child = node.value[int(index[1])]
            return child, index.end(), child.start_mark.line + 1
    elif isinstance(node, yaml.MappingNode):
        keys = [each for each in node.value if re.match(rf"\.{re.escape(str(each[0].value))}(?=[\s.:\[]|$)", rest)]
        if keys:
            key, child = max(keys, key=lambda each: len(str(each[0].value)))
            return child, len(str(key.value)) + 1, key.start_mark.line + 1
    return None, 0, 0
