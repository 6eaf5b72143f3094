"""Detect what a repository consists of, and write an `invoke.yaml` for it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invoke.util import yaml

from develop import detection
from develop.detection import again, managers
from develop.detection.facts import Facts, collect_facts
from develop.detection.settings import setting_lines
from develop.detection.values import Server
from develop.embedding import places
from develop.embedding.places import EmbedError as EmbedError
from tasks.config.presets import PRESETS
from tasks.config.settings import parse_settings
from tasks.errors import SessionError


@dataclass(frozen=True)
class Frontend:
    """A directory whose script starts a server of Node.js, and the program that runs it."""

    directory: str
    manager: str


@dataclass(frozen=True)
class Layout:
    """The parts that were found; paths are relative to the repository, `""` is its top."""

    found: detection.Found
    django: str | None
    frontend: Frontend | None
    bytecode: str | None  # where Python runs
    python: str  # poetry, uv, pipenv or pip
    compose: str
    session_config: str
    new_session: bool  # whether the Makefile has such a target
    remote: bool  # whether the repository has one
    uncommitted: tuple[str, ...]  # where the servers are, if these are not committed


def find_layout(top: Path) -> Layout:
    """Return what was found in the repository *top*, also in ignored files, which a new worktree doesn't have."""
    facts = collect_facts(top)
    found = detection.detect_facts(facts)
    django = next((each for each in found.servers if each.what == "Django"), None)
    frontend = next((each for each in found.servers if each.file.endswith("package.json")), None)
    python = next((each for each in found.servers if each.is_python), None)
    present = {path for path in facts.own if "/" not in path}
    return Layout(
        found=found, django=django.directory if django else None, bytecode=python.directory if python else None,
        frontend=frontend and Frontend(frontend.directory, managers.node_packages(facts, frontend.directory).manager),
        uncommitted=_within(facts.loose, found.servers), python=_python(facts),
        compose=next((name for name in ("docker-compose.session.yml", "compose.session.yml") if name in present), ""),
        session_config=next((name for name in ("session.config.mjs", "session.config.js") if name in present), ""),
        new_session=bool(re.search(r"^new-session\s*:", _read(top / "Makefile"), re.MULTILINE)),
        remote=bool(_git(top, "remote")),
    )  # fmt: skip


def _within(loose: Iterable[str], servers: Iterable[Server]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.file.split("/")[0] for each in servers if each.file in loose))


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


def list_ignored(top: Path, *paths: str) -> list[str]:
    """Return those of *paths* that git ignores in the repository at *top*."""
    asked = ["git", "-C", str(top), "check-ignore", "--no-index", "--", *paths]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines()


_CONVENTION = (".commitlintrc*", "commitlint.config.*", ".cz.toml", ".czrc", ".releaserc*", "release.config.*")


def commit_message(top: Path, verb: str) -> str:
    """Return the subject of the commit: Conventional Commits where the repository *top* has a program for them."""
    named = re.search(r'"@commitlint/|"commitlint"|tool\.commitizen|semantic-release', "".join(
        _read(top / name) for name in ("package.json", "pyproject.toml", ".pre-commit-config.yaml")))  # fmt: skip
    is_convention = named or any(any(top.glob(each)) for each in _CONVENTION)
    return f"chore: {verb} the sessions" if is_convention else f"{verb.capitalize()} the sessions"


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _python(facts: Facts) -> str:
    found = managers.python_environment(facts, "")
    return found.manager if found and found.manager in ("uv", "poetry", "pipenv") else "pip"


_load: Any = yaml.safe_load  # what Invoke reads the file with
_FILES = {
    "invoke.yaml": r"^['\"]?session['\"]?\s*:", "invoke.yml": r"^['\"]?session['\"]?\s*:",
    "invoke.json": r"[\"]session[\"]\s*:", "invoke.py": r"^session\s*=",
}  # fmt: skip

HEADING = """\
# yamllint disable-file
# yaml-language-server: $schema=tasks/config/invoke.schema.json
# Sessions (inv session.add NAME). All keys: inv session.config; one key: inv session.config --explain KEY."""
UNFORMATTED = "# prettier-ignore"  # of what follows it: that has a column of comments


def configuration_text(found: Layout, preset: str) -> str:
    """Return the commented configuration for what was *found*, with *preset* or the one that fits.

    Raises `EmbedError` for an unknown preset.
    """
    name = choose_preset(found, preset)
    if name not in PRESETS:
        raise EmbedError(f"No preset {name!r}. Known: {', '.join(PRESETS)}")
    lines = [HEADING, UNFORMATTED, "session:", f"  preset: {name}"]
    if name in ("points", "tally"):
        lines += [f"  {line}" for line in setting_lines(found.found, five=name == "points")]
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
    r"# (yamllint disable-file|prettier-ignore|yaml-language-server: .*invoke\.schema|Sessions: complete |"
    r"Sessions \(inv |session\.config\.m?js is read )"
)


def says_nothing(file: Path) -> bool:
    """Return whether *file* exists and has nothing but comments."""
    if file.suffix not in (".yaml", ".yml") or not file.exists():
        return False
    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError:  # Invoke can't read it either
        return False
    return text.endswith("\n") and all(not line or line.startswith("#") for line in text.splitlines())


def lacks_session(file: Path) -> bool:
    """Return whether *file* exists without a `session:` part."""
    if not file.exists():
        return False
    return not re.search(_FILES[file.name], file.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)


def write_configuration(file: Path, settings: str, found: Layout, patch: bool) -> str:
    """Write *settings* unless *file* exists; return what was done.

    Of one that has a `session:` part say what of the findings it does not have; with *patch* that is added.
    """
    if not file.exists():
        places.replace_file(file, settings.encode())
        return f"Wrote {file.name}."
    if says_nothing(file):
        text = file.read_bytes().decode()
        own = [line for line in text.splitlines() if not _OLD_COMMENT.match(line)]
        mark, rest = settings.split("\n", 1)  # yamllint knows its mark only in the first line
        new = "\n".join([mark, *own, rest])
        places.replace_file(file, (new.replace("\n", "\r\n") if "\r\n" in text else new).encode())
        return f"Added `session:` to {file.name}."
    if not lacks_session(file):
        return _update_configuration(file, found, patch)
    form = "" if file.suffix in (".yaml", ".yml") else ", in its format"
    return f"Kept {file.name}. Add these settings to it{form}:\n\n{settings}"


def choose_preset(found: Layout, preset: str) -> str:
    """Return *preset*, or else the name of the one that fits what was *found*."""
    if preset:
        return preset
    if found.session_config or found.compose:
        return "dev-session"
    return "parallel" if found.new_session else "points"


def _update_configuration(file: Path, found: Layout, patch: bool) -> str:
    """Add to *file* what its `session:` part lacks if *patch*, else show it."""
    kept = f"Kept {file.name}: it has a `session:` part."
    if file.suffix not in (".yaml", ".yml"):
        return kept
    try:
        text = file.read_bytes().decode()
        additions = again.find_additions(text, found.found)
    except (yaml.YAMLError, AttributeError, TypeError, UnicodeDecodeError, RecursionError):
        return f"{kept} It can't be read, so nothing was compared."
    if not additions:
        return f"{kept} It has all that was found."
    listed = "\n".join(f"  + {each.line}" for each in additions)
    try:
        new = again.add_to_text(text, additions)
    except (again.PatchError, yaml.YAMLError, AttributeError, KeyError, TypeError, RecursionError):
        by_hand = "No program can add that to its form. Add it by hand."
        return f"{kept} It does not have all that was found. Missing:\n{listed}\n{by_hand}"
    if patch:
        places.replace_file(file, new.encode())
        return f"Added to {file.name}:\n{listed}"
    label = additions[0].label
    return (
        f"Kept {file.name}. It does not have all that was found. Missing:\n{listed}\n"
        "To add this, run this again with --patch."
        f" What you don't want, write into it as a comment: # without: {label}"
    )
