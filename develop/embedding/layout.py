"""What a repository is made of, as far as a session needs to know."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_LOCKS = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lockb": "bun", "bun.lock": "bun"}
_PROJECT = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8")
_NEEDED = " ".join(
    f"'{each}'" for each in re.findall(r'"([^"]+)"', re.split(r"^dependencies = |^\]", _PROJECT, flags=re.M)[1])
)
_INSTALLED = {"node_modules", "site-packages"}  # who has not ignored them yet did not write them
_LOCAL = re.compile(r"https?://(?:localhost|127\.0\.0\.1):\d+")

INSTALL = {
    "poetry": f"poetry add --group dev {_NEEDED}",
    "uv": f"uv add --dev {_NEEDED}",
    "pipenv": f"pipenv install --dev {_NEEDED}",
    "pip": f"pip install {_NEEDED}    (in a virtualenv; and name them in your requirements)",
}


@dataclass(frozen=True)
class Frontend:
    """A directory whose `dev` script starts Vite, and the program that runs it."""

    directory: str
    manager: str


@dataclass(frozen=True)
class Layout:
    """The parts that were found; paths are relative to the repository, `""` is its top."""

    django: str | None
    frontend: Frontend | None
    databases: tuple[str, ...]
    env_files: tuple[str, ...]
    packages: tuple[str, ...]  # the node_modules directories
    addresses: dict[str, dict[str, str]]  # file -> variables that hold an address on this machine
    python: str  # poetry, uv, pipenv or pip
    compose: str
    session_config: str
    new_session: bool  # whether the Makefile has such a target
    remote: bool  # whether the repository has one
    uncommitted: tuple[str, ...]  # where the servers are, if these are not committed


def of(top: Path) -> Layout:
    """Return what is in the repository at *top*: its files, and the ignored ones that a worktree would lack."""
    standard = ("ls-files", "-z", "--exclude-standard")
    tracked = _git(top, *standard)
    loose = [path for path in _git(top, *standard, "--others") if not _INSTALLED.intersection(path.split("/"))]
    own = [*tracked, *loose]
    ignored = _git(top, *standard, "--others", "--ignored", "--directory")
    django = _shallowest(path for path in own if Path(path).name == "manage.py")
    env_files = tuple(path for path in ignored if re.fullmatch(r"\.env(\.local)?", Path(path).name))
    packages = [path.rstrip("/") for path in ignored if Path(path).name == "node_modules"]
    frontend = _frontend(top, own)
    present = {Path(path).name for path in own if "/" not in path}
    return Layout(
        django=None if django is None else _parent(django),
        frontend=frontend, uncommitted=_within(loose, django, frontend),
        databases=tuple(path for path in ignored if re.search(r"\.(sqlite3?|db)$", path)),
        env_files=env_files, packages=tuple(packages), python=_python(top, present),
        addresses={file: found for file in env_files if (found := _addresses(top / file))},
        compose=next((name for name in ("docker-compose.session.yml", "compose.session.yml") if name in present), ""),
        session_config=next((name for name in ("session.config.mjs", "session.config.js") if name in present), ""),
        new_session=bool(re.search(r"^new-session\s*:", _read(top / "Makefile"), re.MULTILINE)),
        remote=bool(_git(top, "remote")),
    )  # fmt: skip


def _within(loose: list[str], django: str | None, frontend: Frontend | None) -> tuple[str, ...]:
    used = [*([django] if django else []), *([f"{frontend.directory}/package.json".lstrip("/")] if frontend else [])]
    return tuple(dict.fromkeys(path.split("/")[0] for path in used if path in loose))


def _git(top: Path, *arguments: str) -> list[str]:
    said = subprocess.run(["git", "-C", str(top), *arguments], capture_output=True, check=True).stdout
    return [path for path in os.fsdecode(said).split("\0") if path]


def _shallowest(paths: Iterable[str]) -> str | None:
    return min(paths, key=lambda path: (path.count("/"), path), default=None)


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _frontend(top: Path, own: list[str]) -> Frontend | None:
    scripts = [path for path in own if Path(path).name == "package.json"]
    for path in sorted(scripts, key=lambda path: (path.count("/"), path)):
        try:
            content = json.loads(_read(top / path))
            script = content.get("scripts", {}).get("dev", "")
        except (ValueError, AttributeError):
            continue
        if "vite" in script:
            return Frontend(_parent(path), _manager((top / path).parent, top))
    return None


def _manager(directory: Path, top: Path) -> str:
    for place in (directory, top):
        for lock, manager in _LOCKS.items():
            if (place / lock).is_file():
                return manager
    return "npm"


def _python(top: Path, present: set[str]) -> str:
    if "poetry.lock" in present or "[tool.poetry]" in _read(top / "pyproject.toml"):
        return "poetry"
    if "uv.lock" in present:
        return "uv"
    return "pipenv" if "Pipfile" in present else "pip"


def _addresses(file: Path) -> dict[str, str]:
    """Return the variables of an `.env` file that hold an address on this machine; no other value is looked at."""
    from dotenv import dotenv_values

    found = dotenv_values(stream=io.StringIO(_read(file)), interpolate=False)
    return {key: value for key, value in found.items() if value and _LOCAL.match(value)}
