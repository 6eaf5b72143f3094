"""Which Claude Code is installed: what carries permissions into a worktree depends on it."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

from .. import ports, shell
from ..machine import atomic, limited
from ..model import Repository, Session

Version = tuple[int, int, int]

_SHARED_ENTRY = (2, 1, 63)  # from then on worktrees use the main checkout's entry in `.claude.json`
_SHARED_RULES = (2, 1, 211)  # from then on "always allow" is saved in the main checkout, and read from there
_ANSWER = 10.0  # seconds that it may take to say its version
_DAY = 24 * 3600.0  # a shim of a version manager stays as it is when what it starts is updated


def installed(program: str = "claude") -> Version | None:
    """Return the version of *program*; None when it is not installed or says none.

    Asking takes longer than all the rest of a small add, so the answer is kept, for a day at most.
    """
    found = shutil.which(program)
    if found is None:
        return None
    file = os.path.realpath(found)
    status = os.stat(file)
    identity = [file, status.st_ctime_ns, status.st_size]
    kept = _kept()
    if kept.get("program") == identity and 0 <= time.time() - kept.get("asked", 0) < _DAY:
        return _parsed(str(kept.get("version")))
    version = _parsed(limited.within(_ANSWER, found, "--version", env=shell.environment()) or "")
    if version is not None:
        _keep({"program": identity, "version": text(version), "asked": time.time()})
    return version


def of(session: Session) -> Version | None:
    """Return the version of what *session* starts in its Claude window."""
    return installed(session.agent.command)


def text(version: Version | None) -> str:
    """Return *version* for people."""
    return ".".join(map(str, version)) if version else "of unknown version"


def shares_entry(version: Version | None) -> bool:
    """Return whether worktrees use the main checkout's entry; of an unknown version nothing else is assumed."""
    return version is None or version >= _SHARED_ENTRY


def shares_rules(version: Version | None, repository: Repository) -> bool:
    """Return whether conversations in worktrees read and write the main checkout's rules themselves.

    Claude Code does so only where the repository is the person's own, and not all of HOME.
    """
    if version is None or version < _SHARED_RULES or repository.main == Path.home():
        return False
    places = (repository.main, repository.common, repository.main / ".claude")
    return all(place.stat().st_uid == os.geteuid() for place in places if place.exists())


def _parsed(said: str) -> Version | None:
    numbers = re.match(r"\s*(\d+)\.(\d+)\.(\d+)", said)
    return (int(numbers[1]), int(numbers[2]), int(numbers[3])) if numbers else None


def _file() -> Path:
    return ports.state_directory() / "claude-version.json"


def _kept() -> dict[str, Any]:
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    usable = isinstance(found, dict) and isinstance(found.get("asked"), (int, float))
    return found if usable else {}


def _keep(facts: dict[str, Any]) -> None:
    try:
        _file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic.write(_file(), json.dumps(facts) + "\n", mode=0o600)
    except OSError:
        pass  # it is asked again
