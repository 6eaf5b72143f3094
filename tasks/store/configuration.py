"""The settings of the repository that we are in."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from ..errors import SessionError
from ..model import Repository
from ..tools.git import current_repository

if TYPE_CHECKING:
    from ..config.settings import Settings

_MOST = 10_000  # values in a configuration


def load_settings(c: Context) -> Settings:
    """Return the configured settings."""
    from ..config.settings import parse_settings, settings_from_environment

    configured = c.config.get("session", {})
    if not hasattr(configured, "items"):
        raise SessionError(f"session must be a table of settings, not {configured!r}.")
    if not _of_project(c):
        _refuse_unconverted(current_repository())
    variables = settings_from_environment(os.environ)
    try:
        return parse_settings({**plain_tables(configured), **variables})
    except SessionError as error:
        raise SessionError(_with_place(c, error, variables)) from None


def find_problems(c: Context) -> list[str]:
    """Return what is wrong with each key of the configuration, where `load_settings` ends with the first."""
    from ..config.settings import parse_settings, settings_from_environment

    configured, variables = c.config.get("session", {}), settings_from_environment(os.environ)
    if not hasattr(configured, "items"):
        return []
    problems = []
    for key, value in {**plain_tables(configured), **variables}.items():
        try:
            parse_settings({key: value, **({"env_file": ".env"} if key == "app_env" else {})})
        except SessionError as error:
            problems.append(_with_place(c, error, variables))
    return problems


def _with_place(c: Context, error: SessionError, variables: Collection[str]) -> str:
    """Return what *error* says, behind the file and line or the variable that it is about."""
    place = _place(c, str(error), variables)
    return f"{place}: {error}" if place else str(error)


def _place(c: Context, message: str, variables: Collection[str]) -> str:
    """Return where the setting that *message* is about is written: the file and its line, or the variable."""
    from ..config import places

    key = message.partition(" ")[0].removeprefix("session.").partition(".")[0].partition("[")[0].rstrip(":")
    if key in variables:
        return f"INVOKE_SESSION_{key.upper()}"
    paths = (getattr(c.config, f"_{level}_path", None) for level in ("runtime", "project", "user", "system"))
    return places.find_setting(message, [Path(path) for path in paths if path])


def _refuse_unconverted(repository: Repository) -> None:
    for name in ("session.config.mjs", "session.config.js"):
        if (repository.main / name).is_file():
            raise SessionError(
                f"{repository.main / name} is not read: its settings must be in invoke.yaml.\n"
                f"Convert it once, in your clone of Tally Sessions.\nRun: inv embed {shlex.quote(str(repository.main))}"
            )


def _of_project(c: Context) -> bool:
    """Return whether the project itself has a `session:`; a person's settings for all projects don't count."""
    levels = (getattr(c.config, f"_{level}", None) or {} for level in ("collection", "project", "runtime", "overrides"))
    return any(level.get("session") for level in levels)


def plain_tables(value: Any) -> Any:
    """Return what Invoke's configuration holds as ordinary tables.

    Raises `SessionError` for one without end: in YAML an alias may stand within what it names.
    """
    pending, count = [value], 0
    while pending:
        item, count = pending.pop(), count + 1
        if count > _MOST:
            raise SessionError(
                f"The configuration has more than {_MOST:,} values.\n"
                "Check invoke.yaml and ~/.invoke.yaml for an alias (*name) within what it names (&name)."
            )
        pending += [each for _key, each in item.items()] if hasattr(item, "items") else []
        pending += item if isinstance(item, (list, tuple)) else []
    return _plain(value)


def _plain(value: Any) -> Any:
    return {key: _plain(item) for key, item in value.items()} if hasattr(value, "items") else value
