"""The copy of `tasks/` in another repository: marked for other people's tools, recorded, and never lost."""

from __future__ import annotations

import difflib
import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from develop.embedding import code, releases
from develop.embedding.layout import EmbedError
from tasks.system.version import RECORD, VERSION

OURS = Path(__file__).resolve().parents[2] / "tasks"
# Each tool that checks or formats Python leaves a file with its mark as it is; ruff knows those of flake8 and Black.
MARKS = "# flake8: noqa\n# fmt: off\n# isort: skip_file\n# mypy: ignore-errors\n# pylint: skip-file\n"
_CONFTEST = '"""Keep pytest out of here."""\n\ncollect_ignore_glob = ["*"]\n'


class Copy(NamedTuple):
    """What is at *place*: nothing, or a copy as of *version* and *commit*, whose files *changed*, or not all text."""

    place: Path
    version: str = ""
    commit: str = ""
    files: frozenset[str] = frozenset()  # with their digests, as they were recorded
    changed: tuple[str, ...] = ()
    reformatted: bool = False

    @property
    def exists(self) -> bool:
        """Whether there is a copy."""
        return bool(self.files)


def read_copy(top: Path) -> Copy:
    """Return what is in `tasks/` of the repository *top*. Raises `EmbedError` for a directory that is not ours."""
    place = top / "tasks"
    if not os.path.lexists(place):
        return Copy(place)
    if place.is_symlink() or not (place / RECORD).is_file():
        raise EmbedError(
            f"{place} exists, and inv embed did not write it. Move it away: the sessions need its name.\n"
            f"Or use the installed package: inv embed {shlex.quote(str(top))} --package"
        )
    record = _read_record(place)
    digests, meanings = record["files"], record["code"]
    present = _files(place)
    other = [path for path in sorted({*present, *digests}) if _digest(present, path) != digests.get(path)]
    changed = [path for path in other if path not in present or code.meaning(path, present[path]) != meanings.get(path)]
    recorded = frozenset(f"{path} {digest}" for path, digest in digests.items())
    return Copy(place, record["version"], record["commit"], recorded, tuple(changed), bool(other))


def refuse_changed(copy: Copy) -> None:
    """Raise `EmbedError` with what somebody changed in *copy*, and the one command that puts it back."""
    if copy.changed:
        raise EmbedError(
            f"{_difference(copy)}\n{copy.place} was changed since it was embedded. The differences are above.\n"
            f"To use the current version, and keep yours beside it, run: "
            f"inv embed {shlex.quote(str(copy.place.parent))} --force"
        )


def put_package(copy: Copy) -> str:
    """Make `tasks/` the current version, whatever *copy* is there; return what was done."""
    contents = {path: text.encode() if isinstance(text, str) else text for path, text in _contents().items()}
    digests = {path: code.digest(content) for path, content in contents.items()}
    fresh = frozenset(f"{path} {digest}" for path, digest in digests.items())
    if copy.files == fresh and not copy.changed and not copy.reformatted:
        return f"tasks/ is up to date: version {_name(VERSION, copy.commit)}."
    commit = releases.current_commit()
    record = {
        "version": VERSION, "commit": commit, "files": digests,
        "code": {path: code.meaning(path, content) for path, content in contents.items()},
    }  # fmt: skip
    kept = _set_aside(copy)
    _replace(copy.place, {**contents, RECORD: (json.dumps(record, indent=2) + "\n").encode()})
    return "\n".join([_said(copy, commit), *kept, *releases.changes_since(copy.version, copy.commit)])


def remove_package(copy: Copy) -> list[str]:
    """Remove the copy, for which the installed package comes; return what was done."""
    if not copy.exists:
        return []
    kept = _set_aside(copy)
    shutil.rmtree(copy.place, ignore_errors=True)
    return ["Removed tasks/: the installed package has its modules.", *kept]


def name_version() -> str:
    """Return the version of this clone, and its commit."""
    return _name(VERSION, releases.current_commit())


def _said(copy: Copy, commit: str) -> str:
    new = _name(VERSION, commit)
    if not copy.exists:
        return f"Copied tasks/: version {new}."
    old = _name(copy.version, copy.commit)
    how = "" if copy.changed or not copy.reformatted else ", which was only reformatted"
    return f"Updated tasks/{how}: version {new}{f', before {old}' if old != new else ''}."


def _name(version: str, commit: str) -> str:
    return f"{version or 'unknown'}{f' ({commit[:10]})' if commit else ''}"


def _set_aside(copy: Copy) -> list[str]:
    """Move a changed *copy* away, unless git has it; return what was done."""
    if not copy.changed:
        return []
    top = copy.place.parent
    if all(_git_has(top, f"tasks/{path}") for path in copy.changed):
        return ["Your changes of tasks/ are in git. To see them: git diff -R HEAD -- tasks"]
    number = 1
    while os.path.lexists(aside := top / f"tasks.yours{f'.{number}' if number > 1 else ''}"):
        number += 1
    copy.place.rename(aside)
    return [f"Your changed copy is in {aside.name}/."]


def _git_has(top: Path, path: str) -> bool:
    """Return whether *path* is gone, or as it was committed; `git status` can be told to be silent."""
    if not os.path.lexists(top / path):
        return True
    asked = ["git", "-C", str(top), "cat-file", "blob", f"HEAD:./{path}"]
    said = subprocess.run(asked, capture_output=True, check=False)
    return not said.returncode and (top / path).is_file() and said.stdout == (top / path).read_bytes()


def _replace(place: Path, contents: dict[str, bytes]) -> None:
    fresh, old = place.with_name(".tasks.new"), place.with_name(".tasks.old")
    for left in (fresh, old):
        shutil.rmtree(left, ignore_errors=True)
    for path, content in contents.items():
        (fresh / path).parent.mkdir(parents=True, exist_ok=True)
        (fresh / path).write_bytes(content)
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def _contents() -> dict[str, str | bytes]:
    """Return every file of the copy, each Python file with the marks."""
    found: dict[str, str | bytes] = {}
    for path, content in _files(OURS).items():
        if path.endswith(".py"):
            found[path] = MARKS.encode() + content
        elif path.endswith(".json"):
            found[path] = content
    return {**found, "conftest.py": _CONFTEST}


def _files(package: Path) -> dict[str, bytes]:
    files = (file for file in package.rglob("*") if file.name != RECORD and not file.is_dir())
    own = {str(file.relative_to(package)): file for file in files if "__pycache__" not in file.parts}
    return {path: own[path].read_bytes() if own[path].is_file() else b"" for path in sorted(own)}


def _digest(present: dict[str, bytes], path: str) -> str:
    return code.digest(present[path]) if path in present else ""


def _read_record(package: Path) -> Any:
    try:
        found = json.loads((package / RECORD).read_text(encoding="utf-8"))
    except ValueError as error:
        raise EmbedError(f"{package / RECORD} can't be read: {error}. Restore it with git.") from None
    empty: dict[str, Any] = {"version": "", "commit": "", "files": {}, "code": {}}
    if not isinstance(found, dict):
        return empty
    return {
        **empty,
        **(found if isinstance(found.get("files"), dict) else {"files": found}),
    }  # as earlier versions wrote


def _difference(copy: Copy) -> str:
    """Return a diff from what was embedded, as far as this clone still has it, to what is there now."""
    lines: list[str] = []
    for path in copy.changed:
        before, now = _before(copy, path), copy.place / path
        if before is None and now.exists():
            lines.append(f"only yours/{path}\n")
            continue
        theirs = now.read_text(encoding="utf-8", errors="replace") if now.exists() else ""
        old, new = (text.splitlines(keepends=True) for text in (before or "", theirs))
        lines += difflib.unified_diff(old, new, f"ours/{path}", f"yours/{path}")
    return "".join(lines)


def _before(copy: Copy, path: str) -> str | None:
    if copy.commit:
        asked = ["git", "-C", str(OURS.parent), "show", f"{copy.commit}:tasks/{path}"]
        said = subprocess.run(asked, capture_output=True, check=False)
        if said.returncode == 0:
            return (MARKS if path.endswith(".py") else "") + said.stdout.decode(errors="replace")
    content = _contents().get(path)
    return content.decode(errors="replace") if isinstance(content, bytes) else content
