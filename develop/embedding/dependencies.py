"""How a repository gets the packages: its own manager's command, what that changes, and how this project is pinned."""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from develop.embedding.layout import EmbedError, list_ignored
from tasks.version import VERSION

_TOP = Path(__file__).resolve().parents[2]
_VENDOR = "vendor"
_REQUIREMENTS = ("requirements-dev.txt", "dev-requirements.txt", "requirements/dev.txt", "requirements.txt")
_NAME = re.compile(r"tally[-_]sessions[^\n\"']*")


class Manager(NamedTuple):
    """A package manager: how it *add*s packages for developers, how it *sync*s them, and which *files* it writes."""

    add: str
    sync: str
    files: tuple[str, ...]


MANAGERS = {
    "uv": Manager("uv add --dev", "uv sync", ("pyproject.toml", "uv.lock")),
    "poetry": Manager("poetry add --group dev", "poetry install", ("pyproject.toml", "poetry.lock")),
    "pipenv": Manager("pipenv install --dev", "pipenv install --dev", ("Pipfile", "Pipfile.lock")),
}


def core_packages() -> list[str]:
    """Return what the tasks need; the packages of extras are asked for by those that need them."""
    text = (_TOP / "pyproject.toml").read_text(encoding="utf-8")
    return re.findall(r'"([^"]+)"', re.split(r"^dependencies = |^\]", text, flags=re.M)[1])


def install_command(top: Path, manager: str, packages: list[str]) -> str:
    """Return the command that adds *packages* to the repository *top* with its *manager*, and records them."""
    words = " ".join(f"'{each}'" for each in packages)
    if manager in MANAGERS:
        return f"{MANAGERS[manager].add} {words}"
    file = requirements_file(top)
    return f"printf '%s\\n' {words} >> {shlex.quote(file)} && pip install -r {shlex.quote(file)}"


def sync_command(top: Path, manager: str) -> str:
    """Return the command with which a contributor installs what is recorded."""
    return MANAGERS[manager].sync if manager in MANAGERS else f"pip install -r {requirements_file(top)}"


def changed_files(top: Path, manager: str) -> list[str]:
    """Return the files that the command changes, without those that git ignores in the repository *top*."""
    files = MANAGERS[manager].files if manager in MANAGERS else (requirements_file(top),)
    ignored = list_ignored(top, *files)
    return [each for each in files if each not in ignored]


def requirements_file(top: Path) -> str:
    """Return the file of requirements that developers install, or the one to make."""
    return next((each for each in _REQUIREMENTS if (top / each).is_file()), _REQUIREMENTS[0])


def find_pin(top: Path, manager: str) -> tuple[str, str]:
    """Return the version and the commit of this project that the repository *top* has; empty if it has none."""
    for name in (*(MANAGERS[manager].files[:1] if manager in MANAGERS else ()), requirements_file(top)):
        file = top / name
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        if line := next(iter(re.findall(r".*tally[-_]sessions.*", text)), ""):
            version = re.search(r"(?:tally[-_]sessions-|==)(\d[\w.]*?)(?:\+g?(\w+))?(?:-py3|[\"';\s]|$)", line)
            commit = re.search(r"[@\"']([0-9a-f]{7,40})\b", line)
            found = (version[2] if version else "") or (commit[1] if commit else "")
            return (version[1] if version else ""), found
    return "", ""


def has_pin(top: Path, manager: str, requirement: str) -> bool:
    """Return whether the repository *top* has just this *requirement*."""
    names = (*(MANAGERS[manager].files if manager in MANAGERS else ()), requirements_file(top))
    texts = [(top / name).read_text(encoding="utf-8", errors="replace") for name in names if (top / name).is_file()]
    place, _, commit = requirement.replace("#", "@").rpartition("@")
    word = Path(requirement).name if requirement.endswith(".whl") else commit if place else requirement
    return any(word in text for text in texts)


def pin(top: Path, manager: str, wished: str) -> tuple[str, str]:
    """Return the requirement for the installed package, and the file that was put into the repository *top* for it.

    That is *wished*, or the pushed commit of this clone, or else a wheel that is built here.
    """
    if wished:
        return wished, ""
    commit, url = _git("rev-parse", "HEAD"), _git("remote", "get-url", "origin")
    clean = not _git("status", "--porcelain", "--", "tasks", "pyproject.toml")
    if clean and re.match(r"https?://|ssh://|[\w.-]+@[\w.-]+:", url) and _git("branch", "-r", "--contains", commit):
        address = re.sub(r"^([\w.-]+@[\w.-]+):", r"ssh://\1/", url)
        return f"git+{address}#{commit}" if manager == "poetry" else f"tally-sessions @ git+{address}@{commit}", ""
    wheel = _build_wheel(top / _VENDOR, f"g{commit[:10]}" if clean and commit else f"d{_state()}")
    return f"./{_VENDOR}/{wheel}", f"{_VENDOR}/{wheel}"


def _state() -> str:
    """Return a digest of what is packed, for a clone with changes."""
    files = [_TOP / "pyproject.toml", *sorted((_TOP / "tasks").rglob("*.py"))]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:10]


def _build_wheel(place: Path, state: str) -> str:
    """Build the wheel of this clone, with its *state* in its version, into *place*; return its name."""
    with tempfile.TemporaryDirectory(prefix="tally-wheel-") as scratch:
        source = Path(scratch) / "source"
        _copy_source(source, f"{VERSION}+{state}")
        words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", scratch, str(source)]
        built = subprocess.run(words, capture_output=True, text=True, check=False)
        wheels = list(Path(scratch).glob("*.whl"))
        if built.returncode or len(wheels) != 1:
            raise EmbedError(f"The wheel could not be built: {built.stderr.strip()[-500:]}\nRun: {' '.join(words)}")
        place.mkdir(exist_ok=True)
        for old in place.glob("tally_sessions-*.whl"):
            old.unlink()
        (place / wheels[0].name).write_bytes(wheels[0].read_bytes())
        return wheels[0].name


def _copy_source(place: Path, version: str) -> None:
    place.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(_TOP / name, place / name)
    shutil.copytree(_TOP / "tasks", place / "tasks", ignore=shutil.ignore_patterns("__pycache__"))
    file = place / "tasks" / "version.py"
    file.write_text(file.read_text(encoding="utf-8").replace(f'VERSION = "{VERSION}"', f'VERSION = "{version}"'))


def _git(*words: str) -> str:
    said = subprocess.run(["git", "-C", str(_TOP), *words], capture_output=True, text=True, check=False)
    return said.stdout.strip() if said.returncode == 0 else ""
