"""What the configuration alone decides of a session: its files, its commands, its windows."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..config.placeholders import expand
from ..conversations import note
from ..errors import SessionError
from ..machine import activation
from ..model import Repository, environment
from ..overlap import scope
from ..parts import DEFAULT_CONFIG, Agent, Window
from ..settings import Settings
from . import names

Expand = Callable[[str, str], str]


def project(settings: Settings, repository: Repository) -> str:
    """Return the project's name: as configured, else the main checkout's directory."""
    return settings.project or repository.main.name


def decide(
    settings: Settings, facts: Mapping[str, str], ports: Mapping[str, int], repository: Repository
) -> dict[str, Any]:
    """Return the parts of a session that the configuration alone decides."""

    def filled(text: str, key: str) -> str:
        return expand(text, facts, key)

    configured = settings.activate
    found = activation.default(repository.main, facts["project"]) if configured is None else ""
    variables = _variables(settings, filled)
    if "COMPOSE_PROJECT_NAME" in variables:
        variables["COMPOSE_PROJECT_NAME"] = _as_compose_takes(variables["COMPOSE_PROJECT_NAME"])
    own = _env_files(settings, variables, ports, filled)
    env = {file: {k: filled(v, f"env.{file}.{k}") for k, v in vs.items()} for file, vs in settings.env.items()}
    return {
        "copy": tuple(settings.copy), "link": tuple(settings.link),
        "activate": found or filled(configured or "", "activate").strip(),
        "env": {file: {**own.get(file, {}), **env.get(file, {})} for file in (*own, *env)},
        "env_files": tuple(own), "variables": variables,
        "setup": tuple(filled(command, f"setup[{i}]") for i, command in enumerate(settings.setup)),
        "verify": tuple(filled(command, f"verify[{i}]") for i, command in enumerate(settings.verify)),
        "windows": _windows(settings, filled), "scope": scope.of(facts["component"], settings.components),
        "agent": _agent(settings, facts, ports, filled),
    }  # fmt: skip


def _as_compose_takes(name: str) -> str:
    """A project of Docker Compose has no capitals, and - and _ only after its first letter or digit."""
    return names.slug(name).lower().lstrip("-_")


def _env_files(
    settings: Settings, variables: Mapping[str, str], ports: Mapping[str, int], filled: Expand
) -> dict[str, dict[str, str]]:
    """Return the variables in each file that is wholly ours: that of the worktree, then those of its apps."""
    if not settings.env_file:
        return {}
    everything = environment(ports, variables)
    known = {**{key: str(port) for key, port in ports.items()}, **everything}
    files = {settings.env_file: everything}
    for app, values in settings.app_env.items():
        own = {k: _replaced(filled(v, f"app_env.{app}.{k}"), known) for k, v in values.items()}
        number = {key: value for key, value in variables.items() if key == "SESSION_ID"}
        file = str(Path(app) / Path(settings.env_file).name)
        files[file] = {**files.get(file, number), **own}
    return files


def _replaced(text: str, known: Mapping[str, str]) -> str:
    """Return *text* with each `${VARIABLE}` that is *known* replaced; others are somebody else's to replace."""
    return re.sub(r"\$\{(\w+)\}", lambda match: known.get(match[1], match[0]), text)


def _variables(settings: Settings, filled: Expand) -> dict[str, str]:
    """Return the variables; one that only says what nobody asked for, as {profile} without any, is left out."""
    values = {key: filled(text, f"variables.{key}") for key, text in settings.variables.items()}
    return {key: value for key, value in values.items() if value or not settings.variables[key]}


def _agent(settings: Settings, facts: Mapping[str, str], ports: Mapping[str, int], filled: Expand) -> Agent:
    said = settings.claude
    quoted = {fact: shlex.quote(value) for fact, value in facts.items()}  # a shell runs it
    note.check(said["note"], ports)
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
