"""Where the value of each key is from: a file and its line, a variable, tasks.py or the preset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from invoke.config import Config

from ..errors import SessionError, suggest_name
from .places import find_setting
from .schema import Formula
from .settings import Settings, settings_from_environment

_FILES = ("runtime", "project", "user", "system")  # the first that has a key decides


class Setting(NamedTuple):
    """The *value* of a *key*, and its *source* in words."""

    key: str
    value: Any
    source: str


def find_sources(config: Config, settings: Settings, variables: Mapping[str, str]) -> list[Setting]:
    """Return each of the *settings* with its source in Invoke's *config* or the environment's *variables*.

    Those that somebody set come first.
    """
    own = settings_from_environment(variables)
    found = [Setting(key, _as_written(value), _source(config, own, key)) for key, value in settings._asdict().items()]
    preset = f"preset {settings.preset}"
    unset = [each._replace(source="automatic" if each.value is None else preset) for each in found if not each.source]
    return [*(each for each in found if each.source), *unset]


def _as_written(value: Any) -> Any:
    """Return *value* as a configuration file has it: tables are plain, whole numbers have no fraction."""
    if isinstance(value, Formula):
        return value._asdict()
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _source(config: Config, from_variables: Mapping[str, str], key: str) -> str:
    """Return every place that says something of *key*, the one that decides first; "" for none but the preset."""
    places = [f"INVOKE_SESSION_{key.upper()}"] if key in from_variables else []
    for level in _FILES:
        path = getattr(config, f"_{level}_path", None)
        if path and _says(config, level, key):
            places.append(find_setting(f"session.{key} ", [Path(path)]) or str(path))
    if any(_says(config, level, key) for level in ("collection", "defaults", "overrides")):
        places.append("tasks.py")
    return ", ".join(places)


def _says(config: Config, level: str, key: str) -> bool:
    session = (getattr(config, f"_{level}", None) or {}).get("session")
    return isinstance(session, Mapping) and session.get(key) is not None


def select_setting(settings: list[Setting], key: str) -> Setting:
    """Return the setting called *key*, or `session.` and that.

    Raises `SessionError` for a key that does not exist.
    """
    by_key = {each.key: each for each in settings}
    name = key.removeprefix("session.")
    if name not in by_key:
        raise SessionError(f"session.{name} is not a setting.{suggest_name(name, by_key, listed=True)}")
    return by_key[name]
