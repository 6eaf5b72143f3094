"""The copy of `tasks/` in another repository, and whether it is still as it was copied."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import shlex
import shutil
from pathlib import Path

from develop.embedding.errors import EmbedError

OURS = Path(__file__).resolve().parents[2] / "tasks"
MANIFEST = "EMBEDDED.json"


def check(package: Path) -> None:
    """Raise `EmbedError` when *package* is not ours, or was changed since it was embedded; the difference is in it."""
    if not os.path.lexists(package):
        return
    if package.is_symlink() or not (package / MANIFEST).is_file():
        raise EmbedError(f"{package} is there and was not embedded by us; move it away: the sessions need its name")
    if different := "".join(_difference(package)):
        raise EmbedError(
            f"{different}\n{package} was changed since it was embedded, as shown against ours of today;"
            f" to have ours: mv {shlex.quote(str(package))} {shlex.quote(f'{package}.yours')}, then again"
        )


def put(package: Path) -> str:
    """Bring *package* to ours of today; return what was done."""
    wanted = _files(OURS)
    if package.exists() and _recorded(package) == {path: _digest(file) for path, file in wanted.items()}:
        return "tasks/ is up to date"
    fresh, old = package.with_name(".tasks.new"), package.with_name(".tasks.old")
    for left in (fresh, old):
        shutil.rmtree(left, ignore_errors=True)
    for path, file in wanted.items():
        (fresh / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, fresh / path)
    digests = {path: _digest(file) for path, file in wanted.items()}
    (fresh / MANIFEST).write_text(json.dumps(digests, indent=2) + "\n", encoding="utf-8")
    was_there = package.exists()
    if was_there:
        package.rename(old)
    fresh.rename(package)
    shutil.rmtree(old, ignore_errors=True)
    return "updated tasks/" if was_there else "copied tasks/"


def _files(package: Path, pattern: str = "*.py") -> dict[str, Path]:
    found = sorted(file for file in package.rglob(pattern) if not file.is_dir() and file.name != MANIFEST)
    return {str(file.relative_to(package)): file for file in found if "__pycache__" not in file.parts}


def _digest(file: Path) -> str:
    """Return the digest of its lines, which git may check out with other ends."""
    return hashlib.sha256(file.read_bytes().replace(b"\r\n", b"\n")).hexdigest() if file.is_file() else ""


def _recorded(package: Path) -> dict[str, str]:
    try:
        found = json.loads((package / MANIFEST).read_text(encoding="utf-8"))
    except ValueError as error:
        raise EmbedError(f"{package / MANIFEST} cannot be read: {error}; restore it with git") from None
    return found if isinstance(found, dict) else {}


def _difference(package: Path) -> list[str]:
    """Return, as a unified diff against ours, the files that are not as they were embedded; and what is not ours."""
    recorded, present = _recorded(package), _files(package, "*")
    changed = {path for path, file in present.items() if recorded.get(path) != _digest(file)}
    lines: list[str] = []
    for path in sorted(changed | (set(recorded) - set(present))):
        if path not in recorded and not (OURS / path).exists():
            lines.append(f"only yours/{path}\n")
            continue
        theirs = _lines(package / path)
        lines += difflib.unified_diff(theirs, _lines(OURS / path), f"yours/{path}", f"ours/{path}")
    return lines


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True) if file.exists() else []
