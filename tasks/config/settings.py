"""The `session:` part of Invoke's configuration, checked key by key."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import SessionError, quote_text, suggest_name
from .presets import PRESETS
from .schema import CHECKS, Formula


class Settings(NamedTuple):
    """What the configuration says, placeholders not yet replaced; None in *activate* and *project* means: find out."""

    preset: str
    project: str | None
    numbered: bool  # whether a NAME is a three-digit id
    worktree: str
    branch: str
    base: str
    fetch: bool | str  # or "background"
    ports: dict[str, int] | Formula
    host: str  # in web addresses; empty for localhost
    copy: list[str]
    link: list[str]
    thin: list[str]  # directories whose content is made again: not kept when a session is removed
    env: dict[str, dict[str, str]]
    databases: dict[str, dict[str, str]]  # file -> variable -> `own`, or the port of a container
    env_file: str  # where each worktree has its own variables; empty for nowhere
    app_env: dict[str, dict[str, str]]  # the same for directories in it
    activate: str | None
    variables: dict[str, str]
    date: str  # what {date} looks like, as strftime has it
    setup: list[str]
    teardown: list[str]
    verify: list[str]  # what must succeed before a merge or a pull request
    windows: list[dict[str, Any]]
    compose: dict[str, Any]  # file, profiles, wait; empty for no containers
    components: dict[str, list[str]]  # name -> the paths and globs that belong to it
    keep_removed: float  # days until `prune` forgets what was removed
    keep_removed_size: float  # bytes that all of it may take
    work_log: dict[str, Any]  # its `file` and its `templates` by name; empty for none
    wait: float  # seconds that `--wait` gives the servers
    hosts: dict[str, dict[str, Any]]  # other machines, for `fleet`
    pull_requests: bool  # whether the forge is asked for those of the sessions
    host_timeout: float  # seconds until one that does not answer is left out
    claude: dict[str, Any]  # command, args, note, notify
    agents: dict[str, dict[str, Any]]  # other assistants, which `--agent` chooses


def settings_from_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return what INVOKE_SESSION_* *variables* say by key, which Invoke maps only onto keys that have a default.

    With such defaults an empty `session:` in a file would be a traceback.
    """
    prefix = "INVOKE_SESSION_"
    given = {name.removeprefix(prefix).lower(): value for name, value in variables.items() if name.startswith(prefix)}
    return {key: value for key, value in given.items() if key in CHECKS}


def parse_settings(configured: Mapping[str, Any]) -> Settings:
    """Return the settings that *configured* says on top of its preset.

    Raises `SessionError` naming the key for an unknown one, a wrong type, or a path that leaves the repository.
    """
    given = {key: value for key, value in configured.items() if value is not None}
    preset = CHECKS["preset"]("preset", given.get("preset", "points"))
    if preset not in PRESETS:
        raise SessionError(f"session.preset: no preset {quote_text(preset)}. Known: {', '.join(PRESETS)}")
    for key in given:
        if key not in CHECKS:
            raise SessionError(f"session.{key} is not a setting.{suggest_name(str(key), CHECKS, listed=True)}")
    merged = {"project": None, "activate": None, **PRESETS[preset], **given, "preset": preset}
    checked: dict[str, Any] = {k: None if v is None else CHECKS[k](k, v) for k, v in merged.items()}
    checked["claude"] = {**PRESETS[preset]["claude"], **checked["claude"]}  # whoever sets `args` keeps the note
    checked["agents"] = {**PRESETS[preset]["agents"], **checked["agents"]}
    if checked["app_env"] and not checked["env_file"]:
        raise SessionError(
            "session.app_env needs the setting env_file, the name of the files, for example .env.session."
        )
    return Settings(**checked)
