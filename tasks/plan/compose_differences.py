"""A compose file that comes from the main checkout's disk, not from a commit, runs containers: it counts as well."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..config.harmless import Difference
from ..model import Repository
from ..store import approvals
from . import committed_configuration, compose

_MOST = 20  # files that one may lead to


def find_differences(file: str, sources: Sequence[str], repository: Repository) -> list[Difference]:
    """Return how *file*, and what it includes or extends, differs from the commit, as far as *sources* bring them."""
    differences: list[Difference] = []
    waiting, paths = [file] if file else [], set[str]()
    while waiting and len(paths) < _MOST:
        path = os.path.normpath(waiting.pop())
        if path in paths or not _is_within(path, sources) or not (repository.main / path).is_file():
            continue
        paths.add(path)
        text = (repository.main / path).read_text(encoding="utf-8", errors="replace")
        waiting += _referred(path, text)
        if text != (before := committed_configuration.read_committed(repository, path)):
            differences.append(_difference(path, before, text))
    return differences


def _is_within(path: str, sources: Sequence[str]) -> bool:
    return any(Path(path).is_relative_to(os.path.normpath(each)) for each in sources)


def _difference(path: str, before: str, after: str) -> Difference:
    old, new = before.splitlines(), after.splitlines()
    content = approvals.hash_text(after)[:12]
    return Difference(
        f"{path} (content {content})", tuple(line for line in old if line not in new),
        tuple(line for line in new if line not in old),
    )  # fmt: skip


def _referred(path: str, text: str) -> Iterator[str]:
    """Yield the files that the compose file *path* includes or whose services it extends, from the top."""
    content = compose.parse_compose(text)
    if not isinstance(content, dict):
        return
    services = content.get("services")
    each_service = services.values() if isinstance(services, dict) else ()
    named = [*_many(content.get("include")), *(each.get("extends") for each in each_service if isinstance(each, dict))]
    for each in named:
        inner = (each.get("path"), each.get("file")) if isinstance(each, dict) else (each,)
        for name in (one for item in inner for one in _many(item)):
            if isinstance(name, str):
                yield os.path.normpath(os.path.join(os.path.dirname(path), name))


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
