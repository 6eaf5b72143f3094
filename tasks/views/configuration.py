"""The effective configuration as YAML, each key with where its value is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from invoke.util import yaml

from ..config.checks import check_size, json_text
from ..config.descriptions import DESCRIPTIONS
from ..config.json_schema import plain_text
from ..config.presets import PRESETS
from ..config.secrets import is_secret, is_secret_name, mask_named_values
from ..config.sources import Setting
from ..system import terminal
from ..system.table import format_size
from ..system.version import describe_version

_dump: Any = yaml.safe_dump
_COLUMN = 40  # where the sources stand, but for longer values


def format_settings(settings: Sequence[Setting]) -> str:
    """Return *settings* as the `session:` part of an invoke.yaml, without what may be a password."""
    lines = [f"# {describe_version(terminal.home_path(str(Path(__file__).absolute().parents[1])))}", "session:"]
    for each in settings:
        value = _without_prose(_as_written(each.key, _shown(each.key, each.value)))
        rows = value if isinstance(value, list) and any(isinstance(row, dict) for row in value) else []
        line = f"  {each.key}:" if rows else f"  {each.key}: {_yaml(value)}"
        lines += [f"{line.ljust(_COLUMN)}  # {_source(each)}", *(f"    - {_yaml(row)}" for row in rows)]
    return "\n".join(lines)


def format_setting(setting: Setting, preset: str) -> str:
    """Return what the key of *setting* means, its value and source, and the default of its *preset*."""
    meaning = next(texts[setting.key] for texts in DESCRIPTIONS.values() if setting.key in texts)
    default = PRESETS[preset].get(setting.key)
    value = _as_written(setting.key, _shown(setting.key, setting.value))
    lines = [f"{setting.key}: {plain_text(meaning)}", "", f"value    {_yaml(value)}", f"from     {_source(setting)}"]
    if setting.key in PRESETS[preset] and default not in (setting.value, value):
        lines.append(f"default  {_yaml(default)} (preset {preset})")
    return "\n".join(lines)


def setting_record(setting: Setting) -> dict[str, Any]:
    """Return *setting* for JSON, without values that may be passwords."""
    return {"value": _shown(setting.key, setting.value), "from": setting.source}


def _source(setting: Setting) -> str:
    return ", ".join(terminal.home_path(place) for place in setting.source.split(", "))


def _shown(key: str, value: Any) -> Any:
    """Return *value* with `…` for what may be a password in variables, addresses and commands."""
    return _without_secrets(value) if is_secret(key) else _masked(value)


def _masked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _masked(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        before = ["", *value]
        return ["…" if _is_option(option) else _masked(each) for option, each in zip(before, value, strict=False)]
    return terminal.mask_passwords(mask_named_values(value)) if isinstance(value, str) else value


def _is_option(word: Any) -> bool:
    """Return whether *word* is an option whose value, the next word, is secret."""
    return isinstance(word, str) and word.startswith("--") and "=" not in word and is_secret_name(word)


def _as_written(key: str, value: Any) -> Any:
    """Return *value* with a size as people write it, unless that is rounded."""
    if key != "keep_removed_size" or value == float("inf"):
        return value
    text = format_size(value).replace(".0 ", " ")
    return text if check_size(key, text) == value else value


def _without_secrets(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_secrets(each) if isinstance(each, dict) else "…" if is_secret_name(name) else _masked(str(each))
        for name, each in values.items()
    }


def _without_prose(value: Any) -> Any:
    """Return *value* with `…` for each text of several lines, which `--explain` shows."""
    if isinstance(value, dict):
        return {name: _without_prose(each) for name, each in value.items()}
    return "…" if isinstance(value, str) and "\n" in value else value


def _yaml(value: Any) -> str:
    """Return *value* on one line of YAML."""
    text: str = _dump(value, default_flow_style=True, width=float("inf"), sort_keys=False, allow_unicode=True)
    line = text.removesuffix("...\n").strip()
    return json_text(value) if "\n" in line else line
