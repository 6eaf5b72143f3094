"""The files for another repository: `tasks/`, `tasks.py` and the entries of `.gitignore`."""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from develop.embedding.layout import EmbedError, Layout


def append_lines(file: Path, lines: str) -> None:
    """Add *lines*, ASCII, to the end of *file*, ended as its own are; without it make it."""
    before = file.read_bytes() if file.exists() else b""
    ending = b"\r\n" if b"\r\n" in before else b"\n"
    with file.open("ab") as opened:
        opened.write(ending if before and not before.endswith(b"\n") else b"")
        opened.write(lines.encode("ascii").replace(b"\n", ending))


OURS = Path(__file__).resolve().parents[2] / "tasks"
MANIFEST = "EMBEDDED.json"


def check_package(package: Path) -> None:
    """Raise `EmbedError` when *package* is not ours, or was changed since it was embedded; the difference is in it."""
    if not os.path.lexists(package):
        return
    if package.is_symlink() or not (package / MANIFEST).is_file():
        raise EmbedError(f"{package} exists, and inv embed did not write it. Move it away: the sessions need its name.")
    if different := "".join(_difference(package)):
        aside = f"mv {shlex.quote(str(package))} {shlex.quote(f'{package}.yours')}"
        raise EmbedError(
            f"{different}\n{package} was changed since it was embedded. The differences are above.\n"
            f"To use the current version, run this, then embed again: {aside}"
        )


def put_package(package: Path) -> str:
    """Update *package* to the current version; return what was done."""
    ours = _files(OURS)
    if package.exists() and _recorded(package) == {path: _digest(file) for path, file in ours.items()}:
        return "tasks/ is up to date."
    fresh, old = package.with_name(".tasks.new"), package.with_name(".tasks.old")
    for left in (fresh, old):
        shutil.rmtree(left, ignore_errors=True)
    for path, file in ours.items():
        (fresh / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, fresh / path)
    digests = {path: _digest(file) for path, file in ours.items()}
    (fresh / MANIFEST).write_text(json.dumps(digests, indent=2) + "\n", encoding="utf-8")
    was_there = package.exists()
    if was_there:
        package.rename(old)
    fresh.rename(package)
    shutil.rmtree(old, ignore_errors=True)
    return "Updated tasks/." if was_there else "Copied tasks/."


def _files(package: Path, kinds: tuple[str, ...] = (".py", ".json")) -> dict[str, Path]:
    found = sorted(file for file in package.rglob("*") if file.name.endswith(kinds) and file.name != MANIFEST)
    found = [file for file in found if not file.is_dir()]
    return {str(file.relative_to(package)): file for file in found if "__pycache__" not in file.parts}


def _digest(file: Path) -> str:
    """Return a digest of the lines, whatever their line endings: git may convert them."""
    return hashlib.sha256(file.read_bytes().replace(b"\r\n", b"\n")).hexdigest() if file.is_file() else ""


def _recorded(package: Path) -> dict[str, str]:
    try:
        found = json.loads((package / MANIFEST).read_text(encoding="utf-8"))
    except ValueError as error:
        raise EmbedError(f"{package / MANIFEST} can't be read: {error}. Restore it with git.") from None
    return found if isinstance(found, dict) else {}


def _difference(package: Path) -> list[str]:
    """Return a diff of the files that were changed since they were embedded, and the files that are not ours."""
    recorded, present = _recorded(package), _files(package, ("",))
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


_MISSING = "tasks/ is missing here. Commit it together with tasks.py: git add tasks"
NEW = f"""import sys
from pathlib import Path

if not Path(__file__).with_suffix("").is_dir():
    sys.exit("{_MISSING}")
del sys.modules[__name__]

from tasks import ns
"""
# Invoke loads that file as the module `tasks`; without the first line it would import itself.
ADDED = f"__import__('os').path.isdir(__file__[:-3]) or exit('{_MISSING}'); "
ADDED += "del __import__('sys').modules[__name__]  # noqa\n"
ADDED += "from tasks import join  # noqa\nns = join(globals())\n"


@dataclass(frozen=True)
class Plan:
    """The lines to *add* to *file* (None: none), and the message about it."""

    file: Path
    add: str | None
    said: str

    @property
    def left(self) -> bool:
        """Whether the lines are left for a person to add."""
        return self.add is None and bool(self.said)


def plan_front_door(file: Path, patch: bool) -> Plan:
    """Decide what becomes of *file*; raises `EmbedError` when it is not a file of Invoke's."""
    if not os.path.lexists(file):
        return Plan(file, NEW, "Wrote tasks.py.")
    if not file.is_file():
        raise EmbedError(f"{file} is not a file. Move it away: `inv` and the package need its name.")
    text = file.read_bytes()
    if re.search(rb"^from tasks import .*\b(ns|join)\b", text, re.MULTILINE) and b"sys" in text:
        return Plan(file, None, "")
    if not _of_invoke(text):
        raise EmbedError(f"{file} is not a file of Invoke's tasks. Rename it: `inv` and the package need its name.")
    if patch:
        return Plan(file, f"\n{ADDED}", "Added three lines to the end of tasks.py.")
    return Plan(file, None, f"Kept tasks.py. Add these lines to its end, or run this again with --patch:\n\n{ADDED}")


def write_front_door(decided: Plan) -> str:
    """Do what was *decided*, and return the message about it."""
    if decided.add is not None:
        append_lines(decided.file, decided.add)
    return decided.said


def _of_invoke(text: bytes) -> bool:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return any(name.partition(".")[0] in ("invoke", "fabric") for name in names)


_ENTRIES = ("/.tally-sessions", ".env.session")
_BYTECODE = "__pycache__/"  # the server in a session's window writes it, and untracked files block a removal


def write_ignores(top: Path, found: Layout) -> str:
    """Add what is missing to `.gitignore`; return what was done."""
    file = top / ".gitignore"
    text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    present = {line.strip().lstrip("/") for line in text.splitlines()}
    missing = [entry for entry in _ENTRIES if entry.lstrip("/") not in present]
    if found.bytecode is not None and not list_ignored(top, f"{found.bytecode or '.'}/__pycache__/x"):
        missing.append(_BYTECODE)
    if not missing:
        return ""
    append_lines(file, "\n".join(missing) + "\n")
    return f"Added to .gitignore: {', '.join(missing)}"


def list_ignored(top: Path, *paths: str) -> list[str]:
    """Return those of *paths* that git ignores in the repository at *top*."""
    asked = ["git", "-C", str(top), "check-ignore", "--no-index", "--", *paths]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines()
