"""The copy of `tasks/` in another repository, and whether it is still as it was copied."""

from __future__ import annotations

import difflib
import hashlib
import json
import shutil
from pathlib import Path

from develop.embedding.errors import EmbedError

OURS = Path(__file__).resolve().parents[2] / "tasks"
MANIFEST = "EMBEDDED.json"


def check(package: Path) -> None:
    """Raise `EmbedError` when *package* is not ours, or was changed since it was embedded; the difference is in it."""
    if not package.exists():
        return
    if not (package / MANIFEST).is_file():
        raise EmbedError(f"{package} is there and was not embedded by us; move it away: the sessions need its name")
    if different := "".join(_difference(package)):
        raise EmbedError(
            f"{different}\n{package} was changed since it was embedded, as shown against ours of today;"
            f" to have ours: git -C {package.parent} rm -r --quiet tasks, then again"
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


def _files(package: Path) -> dict[str, Path]:
    found = sorted(package.rglob("*.py"))
    return {str(file.relative_to(package)): file for file in found if "__pycache__" not in file.parts}


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _recorded(package: Path) -> dict[str, str]:
    try:
        found = json.loads((package / MANIFEST).read_text(encoding="utf-8"))
    except ValueError as error:
        raise EmbedError(f"{package / MANIFEST} cannot be read: {error}; restore it with git") from None
    return found if isinstance(found, dict) else {}


def _difference(package: Path) -> list[str]:
    """Return, as a unified diff against ours, the files that are not as they were embedded."""
    recorded, present = _recorded(package), _files(package)
    changed = {path for path, file in present.items() if recorded.get(path) != _digest(file)}
    lines: list[str] = []
    for path in sorted(changed | (set(recorded) - set(present))):
        theirs = _lines(package / path)
        lines += difflib.unified_diff(theirs, _lines(OURS / path), f"yours/{path}", f"ours/{path}")
    return lines


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
