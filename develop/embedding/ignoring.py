"""The entries of `.gitignore` that a repository with sessions needs."""

from __future__ import annotations

from pathlib import Path

_ENTRIES = ("/.tally-sessions", ".env.session")


def put(top: Path) -> str:
    """Add what is missing to `.gitignore`; return what was done."""
    file = top / ".gitignore"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    present = {line.strip().lstrip("/") for line in text.splitlines()}
    missing = [entry for entry in _ENTRIES if entry.lstrip("/") not in present]
    if not missing:
        return ""
    separator = "" if not text or text.endswith("\n") else "\n"
    file.write_text(text + separator + "\n".join(missing) + "\n", encoding="utf-8")
    return f"added to .gitignore: {', '.join(missing)}"
