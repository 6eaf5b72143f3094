"""The configuration that the main checkout has committed, on top of what the program and its `tasks.py` say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from invoke.config import AmbiguousMergeError, merge_dicts
from invoke.context import Context
from invoke.util import yaml

from ..config.schema import CHECKS
from ..config.settings import Settings, parse_settings
from ..errors import SessionError
from ..model import Repository
from ..store import approvals, configuration
from ..tools import git

_FILES = ("invoke.yaml", "invoke.yml", "invoke.json", "invoke.py")  # in Invoke's order
_load: Any = yaml.safe_load  # what Invoke reads its files with


def read_baseline(c: Context, repository: Repository, dry: bool = False) -> dict[str, Any]:
    """Return Invoke's configuration without uncommitted values, but with the flags that were typed.

    A *dry* run does not remember what git said of it.
    """
    levels = (getattr(c.config, f"_{level}", None) or {} for level in ("defaults", "collection", "overrides"))
    defaults, collection, overrides = map(configuration.plain_tables, levels)
    baseline: dict[str, Any] = {}
    for level in (defaults, collection, _committed_file(c, repository, dry or c.config.run.dry), overrides):
        try:
            merge_dicts(baseline, level)
        except (AmbiguousMergeError, AttributeError, TypeError):  # a table here is none there: nothing of it counts
            continue
    return baseline


def settings_of(baseline: Mapping[str, Any], preset: str) -> Settings:
    """Return the settings of a *baseline*, as they are with *preset*, which is part of the program."""
    configured = baseline.get("session")
    own = configured if isinstance(configured, Mapping) else {}
    try:
        return parse_settings({**own, "preset": preset})
    except SessionError:
        return parse_settings({"preset": preset})


def as_table(settings: Settings) -> dict[str, Any]:
    """Return *settings* as tables and lists, by key."""
    table = {key: getattr(settings, key) for key in CHECKS}
    ports = table["ports"]
    return {**table, "ports": ports if isinstance(ports, dict) else dict(ports._asdict())}


def read_committed(repository: Repository, path: str) -> str:
    """Return the text of *path* in the main checkout's commit; empty when it has none."""
    return git.read_git(repository.main, "show", f"HEAD:{path}", check=False)


def _committed_file(c: Context, repository: Repository, dry: bool) -> dict[str, Any]:
    path = Path(getattr(c.config, "_project_path", None) or "")
    text = _text(path) if path.name in _FILES else ""
    if not text:  # also if it was deleted: then its values are not used either
        names = git.read_git(repository.main, "ls-tree", "--name-only", "HEAD", "--", *_FILES, check=False).split()
        committed_name = next((name for name in _FILES if name in names), "")
        return _parsed(committed_name, read_committed(repository, committed_name)) if committed_name else {}
    digest = approvals.digest_facts(repository, "committed", path.name, text)
    if digest in approvals.read_approvals():
        return _loaded(c)
    for name in _FILES:
        if committed := read_committed(repository, name):
            if (path.name, text) != (name, committed):
                return _parsed(name, committed)
            if not dry:
                approvals.approve_digests([digest])  # so that git need not be asked again
            return _loaded(c)
    return {}


def _loaded(c: Context) -> dict[str, Any]:
    project = configuration.plain_tables(getattr(c.config, "_project", {}))
    return project if isinstance(project, dict) else {}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _parsed(name: str, text: str) -> dict[str, Any]:
    if name.endswith(".py"):
        return {}  # a program, which is not run to be compared
    try:
        content = json.loads(text) if name.endswith(".json") else _load(text)
    except (yaml.YAMLError, ValueError, RecursionError):  # a date that is none; too deep
        return {}
    return content if isinstance(content, dict) else {}
