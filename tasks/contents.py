"""What the configuration alone decides of a session: its files, its commands, its windows."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from . import activation, note, scope
from .errors import SessionError
from .model import DEFAULT_CONFIG, Agent, Repository, Window
from .placeholders import expand
from .settings import Settings

Expand = Callable[[str, str], str]


def project(settings: Settings, repository: Repository) -> str:
    """Return the project's name: as configured, else the main checkout's directory."""
    return settings.project or repository.main.name


def decide(settings: Settings, facts: Mapping[str, str], repository: Repository) -> dict[str, Any]:
    """Return the parts of a session that the configuration alone decides."""

    def filled(text: str, key: str) -> str:
        return expand(text, facts, key)

    activate = settings.activate
    if activate is None:
        activate = activation.default(repository.main, facts["project"])
    else:
        activate = filled(activate, "activate")
    return {
        "copy": tuple(settings.copy), "link": tuple(settings.link), "activate": activate,
        "env": {f: {k: filled(v, f"env.{f}.{k}") for k, v in vs.items()} for f, vs in settings.env.items()},
        "variables": _variables(settings, filled),
        "setup": tuple(filled(command, f"setup[{i}]") for i, command in enumerate(settings.setup)),
        "verify": tuple(filled(command, f"verify[{i}]") for i, command in enumerate(settings.verify)),
        "windows": _windows(settings, filled), "scope": scope.of(facts["component"], settings.components),
        "agent": _agent(settings, facts, filled),
    }  # fmt: skip


def _variables(settings: Settings, filled: Expand) -> dict[str, str]:
    """Return the variables; one that only says what nobody asked for, as {profile} without any, is left out."""
    values = {key: filled(text, f"variables.{key}") for key, text in settings.variables.items()}
    return {key: value for key, value in values.items() if value or not settings.variables[key]}


def _agent(settings: Settings, facts: Mapping[str, str], filled: Expand) -> Agent:
    said = settings.claude
    quoted = {fact: shlex.quote(value) for fact, value in facts.items()}  # a shell runs it
    note.check(said["note"], settings.ports)
    config = os.path.expanduser(os.environ.get("CLAUDE_CONFIG_DIR") or DEFAULT_CONFIG)
    return Agent(
        command=os.path.expanduser(filled(said["command"], "claude.command")),
        args=tuple(filled(word, f"claude.args[{index}]") for index, word in enumerate(said["args"])),
        note=said["note"],
        notify=expand(said["notify"], {**quoted, "state": "waiting"}, "claude.notify"),
        config=os.path.abspath(config),
    )


def _windows(settings: Settings, filled: Expand) -> tuple[Window, ...]:
    made: list[Window] = []
    for index, window in enumerate(settings.windows):
        key = f"windows[{index}]"
        texts = {
            word: filled(window.get(word, ""), f"{key}.{word}") for word in ("name", "dir", "run", "type", "needs")
        }
        if texts["name"] in {other.name for other in made} or "|" in texts["name"]:
            raise SessionError(f"session.{key}.name: {texts['name']!r} is there twice, or contains '|'")
        directory, claude = "" if texts["dir"] == "." else texts["dir"], bool(window.get("claude"))
        if claude and any(other.claude for other in made):
            raise SessionError(f"session.{key}.claude: a session has one conversation, and another window is for it")
        made.append(Window(texts["name"], directory, texts["run"], texts["type"], claude, texts["needs"]))
    return tuple(made)
