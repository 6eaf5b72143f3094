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


_answers: dict[tuple[Any, ...], dict[str, Any]] = {}  # what the saved answer was, by question


def known_version(program: str) -> Version | None:
    """Return the version of *program* if it said that before: nothing is asked."""
    file = shutil.which(program)
    answer = _saved_answer(_question(file)) if file else {}
    return _parse_version(answer["version"]) if answer else None


def installed_version(program: str = "claude") -> Version | None:
    """Return the version of *program*; None when it is not installed or does not say it.

    Asking takes longer than the rest of a small add, so the answer is saved, for a day at most.
    """
    file = shutil.which(program)
    if file is None:
        return None
    question = _question(file)
    answer = _saved_answer(question)
    if answer and 0 <= time.time() - answer["asked"] < _DAY:
        return _parse_version(answer["version"])
    from . import silence

    output = silence.ask_unless_silent(_PATIENCE, _PAUSE, file, "--version", env=shell.clean_environment())
    version = _parse_version(output or "")
    if version is not None:
        _save_answer({"program": question, "version": format_version(version), "asked": time.time()})
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


def _saved_answer(question: list[Any]) -> dict[str, Any]:
    """Return the answer to *question*, which is read once; empty where there is none."""
    if (answer := _answers.get(tuple(question))) is not None:
        return answer
    try:
        saved = dict(shape.read_json(_cache_file(), _CACHE))
    except (OSError, ValueError):
        return {}
    return _answers.setdefault(tuple(question), saved) if saved["program"] == question else {}


def _save_answer(facts: dict[str, Any]) -> None:
    _answers[tuple(facts["program"])] = facts
    file = _cache_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.write_cache(file, json.dumps(facts) + "\n")
    except OSError:
        pass  # then it is asked again
