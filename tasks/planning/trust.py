"""Commands that a configuration runs: agreed to once, unless the repository's own history already contains them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from invoke.util import yaml

from .. import git, ports
from ..config import session_config
from ..errors import SessionError
from ..machine import atomic, locks
from ..model import Repository
from ..presets import PRESETS
from ..settings import Settings

_ACTED_ON = re.compile(r"[^\w./@%+=:,{}~ -]")  # by a shell, where a placeholder puts it into a command
# Variables that make shells, git, interpreters or the loader run something, or something else.
_STEERING = re.compile(
    r"PATH|BASH_ENV|ENV|ZDOTDIR|PROMPT_COMMAND|PS[0-4]|SHELL|IFS|EDITOR|VISUAL|PAGER|BROWSER|(LD|DYLD|GIT|SSH)_.*"
    r"|NODE_(OPTIONS|PATH)|(npm|NPM)_CONFIG_.*|npm_config_.*|PYTHON(PATH|STARTUP|HOME|BREAKPOINT|WARNINGS|USERBASE)"
    r"|PERL5.*|RUBY(LIB|OPT)|JAVA_TOOL_OPTIONS|.*_PRELOAD"
)
_FILES = ("invoke.yaml", "invoke.yml")
_load: Any = yaml.safe_load  # what Invoke reads its files with


def require(settings: Settings, repository: Repository, agreed: bool) -> None:
    """Remember the commands of *settings* if they are *agreed* to.

    Raises `SessionError` naming those that neither a preset nor the committed configuration of the main checkout has
    and that nobody agreed to before.
    """
    commands = _commands(settings)
    new = [command for command in commands if command not in _PRESET]
    if new:
        committed = _committed(repository) | _committed_program(repository)
        new = [command for command in new if command not in committed]
    if not new:
        return
    import hashlib

    digest = hashlib.sha256(json.dumps([str(repository.main), new]).encode()).hexdigest()
    with locks.held(ports.state_directory() / "trusted.lock"):
        known = _trusted()
        if digest in known:
            return
        if agreed:
            atomic.write(_file(), json.dumps([*known, digest], indent=2) + "\n", mode=0o600)
            return
    listed = "\n".join(f"    {command}" for command in new)
    raise SessionError(
        f"the configuration would run commands that are not in the committed configuration:\n{listed}\n"
        "commit it, or agree to them once with --yes"
    )


def _commands(settings: Settings) -> list[str]:
    activate = [settings.activate] if settings.activate else []
    claude = settings.claude
    named = [text for text in (settings.project or "", settings.worktree) if _ACTED_ON.search(text)]
    talking = [claude["command"], *claude["args"], *([claude["notify"]] if claude["notify"] else [])]
    return [
        *activate,
        *talking,
        *named,
        *settings.setup,
        *settings.verify,
        *(f"{name}={value}" for name, value in settings.variables.items() if _STEERING.fullmatch(name)),
        *(window["run"] for window in settings.windows if "run" in window),
    ]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(item)
            yield f"{key}={item}"  # as a variable is named
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


_PRESET = frozenset(_strings(list(PRESETS.values())))


def _committed(repository: Repository) -> set[str]:
    for name in _FILES:
        text = git.read(repository.main, "show", f"HEAD:{name}", check=False)
        if text:
            try:
                return set(_strings(_load(text)))
            except (yaml.YAMLError, ValueError):  # the latter of a date that is none
                return set()
    return set()


def _committed_program(repository: Repository) -> set[str]:
    """Return what the project's session.config.mjs gave, if it was asked and is as committed."""
    file = session_config.path(repository)
    if file is None or not session_config.known(file):
        return set()
    text = git.read(repository.main, "show", f"HEAD:{file.name}", check=False)
    same = text == file.read_text(encoding="utf-8", errors="surrogateescape")
    return set(_strings(session_config.known(file))) if same else set()


def _file() -> Path:
    return ports.state_directory() / "trusted.json"


def _trusted() -> list[str]:
    try:
        found = json.loads(_file().read_text())
    except (FileNotFoundError, ValueError):
        return []
    return [digest for digest in found if isinstance(digest, str)] if isinstance(found, list) else []
