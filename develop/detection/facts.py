"""What a repository has on disk, as the rules ask for it. Nothing is run, and no value of a person is kept."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from develop.detection.comments import blank_comments

_INSTALLED = {"node_modules", "site-packages"}  # directories of other people's code, even if they are not ignored yet
# Code that shows something, but isn't what the repository's developers run.
_ASIDE = re.compile(
    r"(^|/)(tests?|__tests__|spec|fixtures|__fixtures__|examples?|samples?|templates?|e2e|playgrounds?|vendor|testdata"
    r"|docs_src|benchmarks?|tasks)/"
)
_GENERATED = {
    *_INSTALLED, ".venv", "venv", ".git", "dist", "build", "target", ".next", ".nuxt", ".svelte-kit", "__pycache__",
    ".turbo", ".cache", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".tox", "vendor", "coverage", ".angular",
}  # fmt: skip
_REQUIREMENTS = re.compile(r"pyproject\.toml|Pipfile|setup\.(py|cfg)|requirements.*\.(txt|in)|environment\.ya?ml")
_DEPTH, _MOST = 3, 2000  # how far, and how much, an ignored directory is looked through
_LARGE = 400_000  # bytes of a file that are read


class Facts(NamedTuple):
    """The files of the repository at *top*, relative to it: committed, neither that nor ignored, ignored."""

    top: Path
    tracked: tuple[str, ...]
    loose: tuple[str, ...]
    ignored: tuple[str, ...]  # a directory that is ignored as a whole has a slash at its end

    @property
    def own(self) -> tuple[str, ...]:
        """The files that are the repository's, whether somebody has committed them or not."""
        return (*self.tracked, *self.loose)

    def has(self, path: str) -> bool:
        """Return whether *path* is on disk, ignored or not."""
        return (self.top / path).exists()

    def named(self, *names: str) -> list[str]:
        """Return its own files that are called one of *names*, the shallowest first, without examples and tests."""
        found = [path for path in self.own if path.rpartition("/")[2] in names and not _ASIDE.search(path)]
        return sorted(found, key=lambda path: (path.count("/"), path))

    def ending(self, suffix: str) -> list[str]:
        """Return its own files that end in *suffix*, the shallowest first, without examples and tests."""
        found = [path for path in self.own if path.endswith(suffix) and not _ASIDE.search(path)]
        return sorted(found, key=lambda path: (path.count("/"), path))

    def read(self, path: str) -> str:
        """Return the text of *path*; empty without one."""
        return read_text(self.top / path)

    def read_json(self, path: str) -> dict[str, Any]:
        """Return the table that *path* has, comments left out; empty where it is none."""
        text = self.read(path)
        try:
            try:
                found = json.loads(text)
            except ValueError:  # comments, and commas before a bracket, as editors and devcontainers have them
                found = json.loads(re.sub(r",(\s*[}\]])", r"\1", blank_comments(text)))
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def nearest(self, directory: str, *names: str) -> str:
        """Return the first of *names* in *directory*, or in the closest directory above it; empty without any."""
        for place in (directory, *parents(directory)):
            for name in names:
                if self.has(join(place, name)):
                    return join(place, name)
        return ""

    def requires(self, directory: str, package: str) -> str:
        """Return the file of *directory*, or above it, that names the Python *package* as a requirement."""
        pattern = rf"(?im)(?:^|[\"'\s]){re.escape(package)}(\[[\w, -]+\])?[ \t]*([=<>~!;,\"'\]@]|\r?$)"
        for place in (directory, *parents(directory)):
            for path in self._requirements(place):
                if re.search(pattern, self.read(path)):
                    return path
        return ""

    def _requirements(self, place: str) -> Iterator[str]:
        for path in self.own:
            directory, _, name = path.rpartition("/")
            listed = directory == join(place, "requirements") and name.endswith((".txt", ".in"))
            if listed or (directory == place and _REQUIREMENTS.fullmatch(name)):
                yield path

    def hidden_files(self) -> Iterator[str]:
        """Yield the ignored files, those of ignored directories too, without installed and generated ones."""
        for path in self.ignored:
            if not path.endswith("/"):
                yield path
            elif not _GENERATED.intersection(path.rstrip("/").split("/")):
                yield from _walk(self.top, path.rstrip("/"))


def _walk(top: Path, directory: str) -> Iterator[str]:
    seen = 0
    for place, directories, names in os.walk(top / directory):
        depth = len(Path(place).relative_to(top / directory).parts)
        directories[:] = [] if depth >= _DEPTH else [name for name in directories if name not in _GENERATED]
        for name in names:
            seen += 1
            if seen > _MOST:
                return
            yield str((Path(place) / name).relative_to(top))


def collect_facts(top: Path) -> Facts:
    """Return the facts of the repository at *top*."""
    standard = ("ls-files", "-z", "--exclude-standard")
    others = _git(top, *standard, "--others")
    return Facts(
        top, tuple(_git(top, *standard)),
        tuple(path for path in others if not _INSTALLED.intersection(path.split("/"))),
        tuple(_git(top, *standard, "--others", "--ignored", "--directory")),
    )  # fmt: skip


def _git(top: Path, *arguments: str) -> list[str]:
    said = subprocess.run(["git", "-C", str(top), *arguments], capture_output=True, check=True).stdout
    return [path for path in os.fsdecode(said).split("\0") if path]


def join(directory: str, name: str) -> str:
    """Return the path of *name* in *directory*, which may be the top."""
    return f"{directory}/{name}" if directory else name


def parent(path: str) -> str:
    """Return the directory of *path*; empty at the top."""
    return path.rpartition("/")[0]


def parents(directory: str) -> Iterator[str]:
    """Yield the directories above *directory*, the top last; none above the top."""
    while directory:
        directory = parent(directory)
        yield directory


@cache
def _read(file: Path, _stamp: int) -> str:
    with file.open("rb") as opened:
        return opened.read(_LARGE).decode("utf-8", errors="replace")


def read_text(file: Path) -> str:
    """Return what *file* begins with; empty where it can't be read."""
    try:
        return _read(file, file.stat().st_mtime_ns) if file.is_file() else ""
    except OSError:
        return ""
