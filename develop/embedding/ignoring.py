"""The entries of `.gitignore` that a repository with sessions needs."""

from __future__ import annotations

import subprocess
from pathlib import Path

from develop.embedding.appending import append
from develop.embedding.layout import Layout

_ENTRIES = ("/.tally-sessions", ".env.session")
_BYTECODE = "__pycache__/"  # the server in a session's window writes it, and what is untracked blocks removal


def put(top: Path, found: Layout) -> str:
    """Add what is missing to `.gitignore`; return what was done."""
    file = top / ".gitignore"
    text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    present = {line.strip().lstrip("/") for line in text.splitlines()}
    missing = [entry for entry in _ENTRIES if entry.lstrip("/") not in present]
    if found.django is not None and not ignored(top, f"{found.django or '.'}/__pycache__/x"):
        missing.append(_BYTECODE)
    if not missing:
        return ""
    append(file, "\n".join(missing) + "\n")
    return f"added to .gitignore: {', '.join(missing)}"


def ignored(top: Path, *paths: str) -> list[str]:
    """Return those of *paths* that git ignores in the repository at *top*."""
    asked = ["git", "-C", str(top), "check-ignore", "--no-index", "--", *paths]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines()
