"""Which version is embedded, and what the changelog says came since another one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tasks.system.version import VERSION

_TOP = Path(__file__).resolve().parents[2]
_CHANGELOG = "CHANGELOG.md"
_SHOWN = 40  # entries
_ENTRY = re.compile(r"^- .*(?:\n  .*)*", re.MULTILINE)


def current_commit() -> str:
    """Return the commit of this clone; empty where it is none, or has changes in what is embedded."""
    if _git("status", "--porcelain", "--", "tasks"):
        return ""
    return _git("rev-parse", "HEAD").strip()


def changes_since(version: str, commit: str) -> list[str]:
    """Return the entries of the changelog that came after *version* at *commit*; none for a first copy."""
    if not (version or commit):
        return []
    text = (_TOP / _CHANGELOG).read_text(encoding="utf-8")
    before = _git("show", f"{commit}:{_CHANGELOG}") if commit else ""
    if before:
        old = {_plain(entry) for entry in _ENTRY.findall(before)}
        new = [entry for entry in _ENTRY.findall(text) if _plain(entry) not in old]
    else:
        new = _ENTRY.findall(text.partition(f"\n## {version}")[0]) if version != VERSION else []
    if not new:
        return []
    more = [f"and {len(new) - _SHOWN} more: see {_CHANGELOG}"] if len(new) > _SHOWN else []
    return ["New since then:", *(f"  {entry}".replace("\n", "\n  ") for entry in new[:_SHOWN]), *more]


def _plain(entry: str) -> str:
    return " ".join(entry.split())


def _git(*words: str) -> str:
    said = subprocess.run(["git", "-C", str(_TOP), *words], capture_output=True, text=True, check=False)
    return said.stdout if said.returncode == 0 else ""
