"""The compose file that sessions use where the repository's own has fixed ports."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from develop.detection.compose import FILE, Containers
from develop.embedding import places

__all__ = ["FILE", "write_compose_file"]

_MARK, _BODY = "# digest: ", "services:\n"


def write_compose_file(top: Path, configuration: Path, found: Containers) -> str:
    """Write what was *found* if the *configuration* uses it, unless a person changed it; return what was done."""
    if not found.text or not re.search(rf"\b{re.escape(FILE)}\b", _text(configuration)):
        return ""
    file, at = top / FILE, found.text.index(_BODY)
    new = f"{found.text[:at]}{_MARK}{_digest(found.text[at:])}\n{found.text[at:]}"
    before = _text(file)
    if before == new:
        return ""
    if before and not _is_ours(before):
        return f"Kept {FILE}, which somebody has changed. {' and '.join(found.files)} may have changed, too."
    places.replace_file(file, new.encode())
    return f"{'Updated' if before else 'Wrote'} {FILE}."


def _is_ours(text: str) -> bool:
    recorded = re.search(rf"(?m)^{_MARK}(\w+)$", text)
    return recorded is not None and recorded[1] == _digest(text[text.index(_BODY) :] if _BODY in text else "")


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
