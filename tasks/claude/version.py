"""Which Claude Code is installed: how permissions get into a worktree depends on that."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

from ..model import Repository, Session
from ..store.state_directory import state_directory
from ..system import files, shape, shell

Version = tuple[int, int, int]

_SHARED_ENTRY = (2, 1, 63)  # from then on worktrees use the main checkout's entry in `.claude.json`
_SHARED_RULES = (2, 1, 211)  # from then on "always allow" is saved in the main checkout, and read from there
_PATIENCE = 2.0  # seconds for its version
_PAUSE = 900.0  # seconds until one that did not answer is asked again
_DAY = 24 * 3600.0  # seconds; a shim of a version manager does not change when what it starts is updated
_CACHE = shape.fields_form(
    {"program": shape.list_form(lambda _value, _place: ""), "version": shape.TEXT, "asked": shape.NUMBER}
)


def program_identity(program: str) -> list[Any]:
    """Return values that differ once *program* is another file, or has other content."""
    file = os.path.realpath(shutil.which(program) or program)
    try:
        status = os.stat(file)
    except OSError:
        return [file]
    return [file, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size]


def known_version(program: str) -> Version | None:
    """Return the version of *program* if it said that before: nothing is asked."""
    file = shutil.which(program)
    cache = _read_cache() if file else {}
    known = file and cache.get("program") == _question(file)
    return _parse_version(cache["version"]) if known else None


def installed_version(program: str = "claude") -> Version | None:
    """Return the version of *program*; None when it is not installed or does not say it.

    Asking takes longer than the rest of a small add, so the answer is saved, for a day at most.
    """
    file = shutil.which(program)
    if file is None:
        return None
    from . import silence

    question = _question(file)
    cache = _read_cache()
    if cache.get("program") == question and 0 <= time.time() - cache["asked"] < _DAY:
        return _parse_version(cache["version"])
    output = silence.ask_unless_silent(_PATIENCE, _PAUSE, file, "--version", env=shell.clean_environment())
    version = _parse_version(output or "")
    if version is not None:
        _write_cache({"program": question, "version": format_version(version), "asked": time.time()})
    return version


def session_version(session: Session) -> Version | None:
    """Return the version of the program in the Claude window of *session*."""
    return installed_version(session.agent.command)


def format_version(version: Version | None) -> str:
    """Return *version* for people."""
    return ".".join(map(str, version)) if version else "of unknown version"


def shares_entry(version: Version | None) -> bool:
    """Return whether worktrees use the main checkout's entry; an unknown version is taken for a recent one."""
    return version is None or version >= _SHARED_ENTRY


def shares_rules(version: Version | None, repository: Repository) -> bool:
    """Return whether conversations in worktrees read and write the main checkout's rules themselves.

    Claude Code does so only where the user owns the repository, and it is not HOME itself.
    """
    if version is None or version < _SHARED_RULES or repository.main == Path.home():
        return False
    places = (repository.main, repository.common, repository.main / ".claude")
    return all(place.stat().st_uid == os.geteuid() for place in places if place.exists())


def _question(file: str) -> list[Any]:
    """Return what the saved answer is about; once *file* is another one, or has other content, that differs."""
    return [*program_identity(file), "--version"]


def _parse_version(output: str) -> Version | None:
    numbers = re.match(r"\s*(\d+)\.(\d+)\.(\d+)", output)
    return (int(numbers[1]), int(numbers[2]), int(numbers[3])) if numbers else None


def _cache_file() -> Path:
    return state_directory() / "claude-version.json"


def _read_cache() -> dict[str, Any]:
    try:
        return dict(shape.read_json(_cache_file(), _CACHE))
    except (OSError, ValueError):
        return {}


def _write_cache(facts: dict[str, Any]) -> None:
    file = _cache_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.write_cache(file, json.dumps(facts) + "\n")
    except OSError:
        pass  # then it is asked again
