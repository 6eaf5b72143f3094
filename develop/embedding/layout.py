"""Detect what a repository consists of, and write an `invoke.yaml` for it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invoke.util import yaml

from tasks.config.presets import PRESETS
from tasks.config.settings import parse_settings
from tasks.errors import SessionError

_LOCKS = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lockb": "bun", "bun.lock": "bun"}
_PROJECT = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8")
_NEEDED = " ".join(
    f"'{each}'" for each in re.findall(r'"([^"]+)"', re.split(r"^dependencies = |^\]", _PROJECT, flags=re.M)[1])
)
_INSTALLED = {"node_modules", "site-packages"}  # directories of other people's code, even if they are not ignored yet
_LOCAL = re.compile(r"https?://(?:localhost|127\.0\.0\.1):\d+")


class EmbedError(Exception):
    """The sessions cannot be embedded; the message says why and what to do."""


INSTALL = {
    "poetry": f"poetry add --group dev {_NEEDED}",
    "uv": f"uv add --dev {_NEEDED}",
    "pipenv": f"pipenv install --dev {_NEEDED}",
    "pip": f"pip install {_NEEDED}    (in a virtualenv; add them to your requirements, too)",
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


def find_layout(top: Path) -> Layout:
    """Return what was found in the repository *top*, also in ignored files, which a new worktree doesn't have."""
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


def is_tracked(top: Path, path: str) -> bool:
    """Return whether git tracks the file *path*."""
    return bool(_git(top, "ls-files", "-z", "--", path))


def has_changes(top: Path, paths: Iterable[str]) -> bool:
    """Return whether any of *paths* has something that is not committed."""
    return bool(_git(top, "status", "--porcelain", "-z", "--", *paths))


def is_pushed(top: Path) -> bool:
    """Return whether a remote branch has the last commit."""
    return bool(_git(top, "branch", "--remotes", "--contains", "HEAD"))


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


_load: Any = yaml.safe_load  # what Invoke reads the file with
_FILES = {
    "invoke.yaml": r"^['\"]?session['\"]?\s*:", "invoke.yml": r"^['\"]?session['\"]?\s*:",
    "invoke.json": r"[\"]session[\"]\s*:", "invoke.py": r"^session\s*=",
}  # fmt: skip
_DEV = {
    "npm": "npm run dev -- --port {frontend_port}", "pnpm": "pnpm dev --port {frontend_port}",
    "yarn": "yarn dev --port {frontend_port}", "bun": "bun run dev --port {frontend_port}",
}  # fmt: skip


HEADING = """\
# yaml-language-server: $schema=tasks/config/invoke.schema.json
# Sessions (inv session.add NAME). All keys: inv session.config; one key: inv session.config --explain KEY."""


def configuration_text(found: Layout, preset: str) -> str:
    """Return the commented configuration for what was *found*, with *preset* or the one that fits.

    Raises `EmbedError` for an unknown preset.
    """
    name = choose_preset(found, preset)
    if name not in PRESETS:
        raise EmbedError(f"No preset {name!r}. Known: {', '.join(PRESETS)}")
    lines = [HEADING, "session:", f"  preset: {name}"]
    if name in ("points", "tally"):
        lines += [f"  {line}" for line in _web(found, shared_database=name == "tally")]
    made = "\n".join(lines) + "\n"
    try:
        parse_settings(_load(made)["session"])
    except SessionError as error:
        raise EmbedError(f"No configuration could be written for this layout: {error}") from None
    return made


def configuration_file(top: Path) -> Path:
    """Return the configuration file that Invoke reads: the first one that exists."""
    return next((top / name for name in _FILES if (top / name).exists()), top / "invoke.yaml")


# What earlier versions wrote beside a session.config.mjs.
_OLD_COMMENT = re.compile(
    r"# (yaml-language-server: .*invoke\.schema|Sessions: complete |Sessions \(inv |session\.config\.m?js is read )"
)


def says_nothing(file: Path) -> bool:
    """Return whether *file* exists and has nothing but comments."""
    if file.suffix not in (".yaml", ".yml") or not file.exists():
        return False
    text = file.read_text(encoding="utf-8", errors="replace")
    return text.endswith("\n") and all(not line or line.startswith("#") for line in text.splitlines())


def lacks_session(file: Path) -> bool:
    """Return whether *file* exists without a `session:` part."""
    if not file.exists():
        return False
    return not re.search(_FILES[file.name], file.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)


def write_configuration(file: Path, settings: str) -> str:
    """Write *settings* unless *file* exists; return what was done."""
    if not file.exists():
        file.write_text(settings, encoding="utf-8")
        return f"Wrote {file.name}."
    if says_nothing(file):
        own = [line for line in file.read_text(encoding="utf-8").splitlines() if not _OLD_COMMENT.match(line)]
        file.write_text("\n".join([*own, settings]), encoding="utf-8")
        return f"Added `session:` to {file.name}."
    if not lacks_session(file):
        return f"Kept {file.name}: it has a `session:` part."
    form = "" if file.suffix in (".yaml", ".yml") else ", in its format"
    return f"Kept {file.name}. Add these settings to it{form}:\n\n{settings}"


def choose_preset(found: Layout, preset: str) -> str:
    """Return *preset*, or else the name of the one that fits what was *found*."""
    if preset:
        return preset
    if found.session_config or found.compose:
        return "dev-session"
    return "parallel" if found.new_session else "points"


def _web(found: Layout, shared_database: bool) -> Iterator[str]:
    served = {
        **({"backend_port": 8000} if found.django is not None else {}),
        **({"frontend_port": 5000} if found.frontend else {}),
    }
    databases = list(found.databases)
    yield f"ports: {json.dumps(served)}    # the first port to try, counting up"
    copied = [*([] if shared_database else databases), *found.env_files]
    yield f"copy: {json.dumps(copied)}    # each session gets its own"
    linked = [*found.packages, *(databases if shared_database else [])]
    yield f"link: {json.dumps(linked)}    # shared; node_modules with a lock file: its own"
    yield from _env(found)
    yield "# activate: source '{main}/.venv/bin/activate'    # default: virtualenvwrapper, .venv, Poetry or Pipenv"
    yield "windows:"
    yield from (f"  - {json.dumps(window)}" for window in _windows(found, not shared_database))


def _env(found: Layout) -> Iterator[str]:
    if found.django is None or not found.addresses:
        yield 'env: {}    # file -> variables set in it, for example {.env: {API_URL: "http://localhost:{backend_port}"}}'
        return
    yield "env:    # the rest of each file is kept"
    for file, variables in found.addresses.items():
        values = {key: re.sub(r":\d+", ":{backend_port}", value, count=1) for key, value in variables.items()}
        yield f"  {json.dumps(file)}: {json.dumps(values)}"


def _windows(found: Layout, five: bool) -> Iterator[dict[str, object]]:
    backend, frontend = ("backend:{backend_port}", "frontend:{frontend_port}") if five else ("backend", "frontend")
    if found.django is not None:
        run = "python manage.py runserver {backend_port}"
        yield {"name": backend, **_in(found.django), "run": run}
    if found.frontend:
        yield {"name": frontend, **_in(found.frontend.directory), "run": _dev(found.frontend)}
    yield {"name": "claude", "claude": True}
    if five:
        yield {"name": "shell"}
    if five and found.django is not None:
        yield {"name": "cli", "type": f"python {found.django}/manage.py ".replace(" /", " ")}


def _in(directory: str) -> dict[str, str]:
    return {"dir": directory} if directory else {}


def _dev(frontend: Frontend) -> str:
    return _DEV[frontend.manager]
