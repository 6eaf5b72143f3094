"""How a repository gets the packages: its own manager's command, what that changes, and how this project is pinned."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from develop.embedding.layout import EmbedError, list_ignored
from tasks.system.version import VERSION

_TOP = Path(__file__).resolve().parents[2]
_WHEELS = "wheels"
_EPOCH = "946684800"  # the time in the wheel: one that is built again is the same
_REQUIREMENTS = ("requirements-dev.txt", "dev-requirements.txt", "requirements/dev.txt", "requirements.txt")
# Lines with another version, which pip would refuse beside the new one; GNU's and BSD's sed know these options.
_DROP = (
    r"sed -E -i.old -e '/^[Tt]ally[-_.][Ss]essions *([=@<>~!;[]|$)/d' -e '/^\.\/wheels\/tally_sessions-/d' {0}"
    " && rm {0}.old"
)
_NAME = re.compile(r"tally[-_]sessions[^\n\"']*")


class Manager(NamedTuple):
    """A package manager: how it *add*s packages for developers, *sync*s and *run*s them, and its *files*."""

    add: str
    sync: str
    run: str
    files: tuple[str, ...]


MANAGERS = {
    "uv": Manager("uv add --dev", "uv sync", "uv run", ("pyproject.toml", "uv.lock")),
    # libtmux needs Python below 4; without the marker Poetry refuses that of a project which says no upper bound.
    "poetry": Manager(
        "poetry add --group dev --python '<4.0'", "poetry install", "poetry run", ("pyproject.toml", "poetry.lock")
    ),
    "pipenv": Manager("pipenv install --dev", "pipenv install --dev", "pipenv run", ("Pipfile", "Pipfile.lock")),
}


def core_packages() -> list[str]:
    """Return what the tasks need; the packages of extras are asked for by those that need them."""
    text = (_TOP / "pyproject.toml").read_text(encoding="utf-8")
    return re.findall(r'"([^"]+)"', re.split(r"^dependencies = |^\]", text, flags=re.M)[1])


def install_command(top: Path, manager: str, packages: list[str]) -> str:
    """Return the command that adds *packages* to the repository *top* with its *manager*, and records them.

    pip gets an environment where there is none: elsewhere the Python of Debian, as others, refuses it.
    """
    words = " ".join(f"'{each}'" for each in packages)
    if manager in MANAGERS:
        return f"{MANAGERS[manager].add} {words}"
    file, programs = shlex.quote(requirements_file(top)), environment_programs(top)
    steps = [
        _DROP.format(file) if _lists_pin(top, packages) else "",
        f"printf '%s\\n' {_line_end(top)}{words} >> {file}" if words else "",
        f"python3 -m venv {programs.split('/')[0]}" if programs and not (top / programs / "pip").exists() else "",
        f"{programs}pip install -r {file}",
    ]
    return " && ".join(step for step in steps if step)


def _line_end(top: Path) -> str:
    """Return the word that ends the last line of the requirements in *top*, where that has no end."""
    file = top / requirements_file(top)
    content = file.read_bytes() if file.is_file() else b""
    return "'' " if content and not content.endswith(b"\n") else ""


def environment_programs(top: Path) -> str:
    """Return where the programs of pip's environment in *top* are, or will be: with a slash; empty for those on PATH.

    These are of an environment that is activated, unless it is the one that we run in; and of conda.
    """
    own = _own_environment(top)
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX") or sys.prefix
    elsewhere = os.path.realpath(active) != os.path.realpath(sys.prefix)
    if not own and (elsewhere or _has_conda(top)):
        return ""
    return f"{own or '.venv'}/bin/"


def _own_environment(top: Path) -> str:
    return next((name for name in (".venv", "venv") if (top / name / "pyvenv.cfg").is_file()), "")


def _has_conda(top: Path) -> bool:
    return any((top / name).is_file() for name in ("environment.yml", "environment.yaml"))


def missing_requirements(top: Path, manager: str, packages: list[str]) -> list[str]:
    """Return those of *packages* that *top* doesn't list for pip, in any spelling; another manager knows itself."""
    if manager in MANAGERS:
        return packages
    listed = {*_listed_names(top / requirements_file(top), set())}
    return [each for each in packages if _plain_name(each) not in listed]


def _listed_names(file: Path, seen: set[Path]) -> Iterator[str]:
    """Yield the names of the requirements in *file*, and in those that it includes."""
    file = Path(os.path.realpath(file))
    try:
        if file in seen or not file.is_file():
            return
    except OSError:  # no path at all, as of 200,000 letters
        return
    seen.add(file)
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if match := re.match(r"\s*(?:-r|--requirement)[\s=]+([^\s#]+)", line):
            yield from _listed_names(file.parent / match[1], seen)
        elif name := _plain_name(line):
            yield name


def _plain_name(requirement: str) -> str:
    """Return the name in *requirement* as an index compares it: python_dotenv[cli]>=1 is python-dotenv."""
    match = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", requirement)
    return re.sub(r"[-_.]+", "-", match[1]).lower() if match else ""


def _lists_pin(top: Path, packages: list[str]) -> bool:
    """Return whether one of *packages* is this project, and the requirements of *top* have another version of it."""
    file = top / requirements_file(top)
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    return any(_NAME.search(each) for each in packages) and bool(_NAME.search(text))


def sync_command(top: Path, manager: str) -> str:
    """Return the command with which a contributor installs what is recorded."""
    return MANAGERS[manager].sync if manager in MANAGERS else f"pip install -r {requirements_file(top)}"


def setup_lines(top: Path, manager: str) -> str:
    """Return the lines with which a contributor installs what is recorded, and then has `inv`."""
    sync = sync_command(top, manager)
    if manager in MANAGERS:
        return f"{sync}\n# inv is in the environment of {manager}: activate it, or write {inv_command(manager)}"
    own = _own_environment(top) or ("" if _has_conda(top) else ".venv")
    return f"python3 -m venv {own} && source {own}/bin/activate\n{sync}" if own else sync


def inv_command(manager: str, top: Path | None = None) -> str:
    """Return the command that runs `inv` in the main checkout, where nobody has activated the environment.

    With pip that depends on the machine: for the one that we are on, give the repository *top*.
    """
    if manager in MANAGERS:
        return f"{MANAGERS[manager].run} inv"
    return f"{environment_programs(top) if top else ''}inv"


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


def choose_pin(manager: str, wished: str) -> tuple[str, str]:
    """Return the requirement for the installed package, and the file that a repository has to have for it.

    That is *wished*, or the pushed commit of this clone, or else a wheel that is built here.
    """
    if wished:
        return wished, ""
    commit, url = _git("rev-parse", "HEAD"), _git("remote", "get-url", "origin")
    clean = not _git("status", "--porcelain", "--", "tasks", "pyproject.toml")
    if clean and re.match(r"https?://|ssh://|[\w.-]+@[\w.-]+:", url) and _git("branch", "-r", "--contains", commit):
        address = re.sub(r"^([\w.-]+@[\w.-]+):", r"ssh://\1/", url)
        return f"git+{address}#{commit}" if manager == "poetry" else f"tally-sessions @ git+{address}@{commit}", ""
    state = f"g{commit[:10]}" if clean and commit else f"d{_state()}"
    wheel = f"{_WHEELS}/tally_sessions-{VERSION}+{state}-py3-none-any.whl"
    return f"./{wheel}", wheel


def build_wheel(top: Path, wheel: str) -> bool:
    """Build *wheel*, a path in the repository *top*, unless it is there; others of this project go. Return whether."""
    file = top / wheel
    if file.exists():  # another build could have another digest than the one that is locked
        return False
    with tempfile.TemporaryDirectory(prefix="tally-wheel-") as scratch:
        source = Path(scratch) / "source"
        _copy_source(source, file.name.split("-")[1])
        words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", scratch, str(source)]
        own = {**os.environ, "SOURCE_DATE_EPOCH": _EPOCH}
        built = subprocess.run(words, env=own, capture_output=True, text=True, check=False)
        made = Path(scratch) / file.name
        if built.returncode or not made.is_file():
            raise EmbedError(f"The wheel could not be built: {built.stderr.strip()[-500:]}\nRun: {' '.join(words)}")
        file.parent.mkdir(exist_ok=True)
        for old in file.parent.glob("tally_sessions-*.whl"):
            old.unlink()
        shutil.copyfile(made, file)
    return True


def tracked_wheels(top: Path) -> list[str]:
    """Return the wheels of this project that the repository *top* has committed."""
    asked = ["git", "-C", str(top), "ls-files", "--", f"{_WHEELS}/tally_sessions-*.whl"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines()


def _state() -> str:
    """Return a digest of what is packed, for a clone with changes."""
    files = [_TOP / "pyproject.toml", *sorted((_TOP / "tasks").rglob("*.py"))]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:10]


def _copy_source(place: Path, version: str) -> None:
    place.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(_TOP / name, place / name)
    shutil.copytree(_TOP / "tasks", place / "tasks", ignore=shutil.ignore_patterns("__pycache__"))
    file = place / "tasks" / "system" / "version.py"
    file.write_text(file.read_text(encoding="utf-8").replace(f'VERSION = "{VERSION}"', f'VERSION = "{version}"'))


def _git(*words: str) -> str:
    said = subprocess.run(["git", "-C", str(_TOP), *words], capture_output=True, text=True, check=False)
    return said.stdout.strip() if said.returncode == 0 else ""
