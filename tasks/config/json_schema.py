"""`session:` as a JSON Schema, with which editors check and complete invoke.yaml."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import Any

from . import checks, schema
from .descriptions import DESCRIPTIONS
from .presets import PRESETS
from .schema import CHECKS, Check

_TEXT = {"type": "string"}
_FILLED = {"type": "string", "pattern": r"\S"}
_PATH = {"type": "string", "pattern": r"^[^/]"}
_NAME = {"type": "string", "pattern": r"^[A-Za-z_]\w*$"}
_SECONDS = {"type": ["number", "string"], "exclusiveMinimum": 0}
# What the checks of one value accept.
_VALUES: dict[Check, dict[str, Any]] = {
    checks.check_text: _TEXT, checks.check_prose: _TEXT, checks.check_filled: _FILLED, schema.check_file: _TEXT,
    checks.check_switch: {"type": "boolean"}, checks.check_scalar: {"type": ["string", "number"]},
    checks.check_fetch: {"enum": [True, False, "background"]},
    checks.check_port: {"type": "integer", "minimum": 1, "maximum": 65535},
    checks.check_port_key: _NAME, checks.check_variable: _NAME, checks.check_inside: _PATH,
    checks.check_component: {"type": "string", "pattern": r"^[\w./-]+$"},
    checks.check_date: {"type": "string", "pattern": r"^[\w%.-]+$"},
    checks.check_days: {"type": ["number", "string"], "minimum": 0}, checks.check_seconds: _SECONDS,
    checks.check_size: {"type": ["number", "string"], "pattern": r"^\d+(\.\d+)?\s*([kmgtKMGT]?i?[bB]?)$|^\.?inf$"},
    schema.check_count: {"type": "integer", "minimum": 0}, schema.check_sessions: {"type": "integer", "minimum": 1},
    schema.check_destination: {"type": "string", "pattern": r"^[A-Za-z0-9_][\w.@%-]*$"},
    schema.check_checkout: {"type": "string", "pattern": r"^(~/|/)[^:]+$"},
    schema.check_command: _FILLED, schema.check_idle: {"type": "string", "pattern": r"^\s*\d+(\.\d+)?[smhd]\s*$"},
    schema.check_program: {"type": "string", "pattern": r"^(~/)?[\w./+-]+$"},
    schema.check_host_name: {"type": "string", "pattern": r"^[A-Za-z0-9][\w.-]*$", "not": {"const": "here"}},
    schema.check_start: {"enum": list(schema.STARTS)}, schema.check_layout: {"enum": list(schema.LAYOUTS)},
    schema.check_page: {"type": "string", "pattern": f"^{schema.PAGE}$"},
    schema.check_template: {"type": "string", "pattern": r"\{status\}"},
}  # fmt: skip


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a configuration file with a `session:`; Invoke's own sections are left alone."""
    texts = {key: text for described in DESCRIPTIONS.values() for key, text in described.items()}
    keys = {key: {"description": plain_text(texts[key]), **_or_null(_key_schema(key))} for key in CHECKS}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "invoke.yaml with Tally Sessions",
        "type": "object",
        "properties": {"session": {"type": ["object", "null"], "properties": keys, "additionalProperties": False}},
    }


def plain_text(text: str) -> str:
    """Return *text* in Markdown without its links."""
    return re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", text)


def _key_schema(key: str) -> dict[str, Any]:
    return {"enum": list(PRESETS)} if key == "preset" else _schema_of(CHECKS[key])


def _schema_of(check: Check) -> dict[str, Any]:
    """Return what *check* accepts."""
    if check in _WHOLE:
        return _WHOLE[check]()
    if not isinstance(check, partial):
        return _VALUES[check]
    if check.func is schema.check_known:
        known, required = check.args
        keys = {key: _schema_of(of) if key in required else _or_null(_schema_of(of)) for key, of in known.items()}
        needed = {"required": list(required)} if required else {}
        return {"type": "object", "properties": keys, "additionalProperties": False, **needed}
    if check.func is schema.check_table:
        names, of = check.args
        return {"type": "object", "propertyNames": _schema_of(names), "additionalProperties": _schema_of(of)}
    (of,) = check.args
    items = {"type": "array", "items": _schema_of(of)}
    return {"anyOf": [_schema_of(of), items]} if check.func is schema.check_items else items


def _or_null(described: dict[str, Any]) -> dict[str, Any]:
    """Return *described* or null, which leaves a key to its preset."""
    if "type" in described:
        kinds = described["type"]
        return {**described, "type": [*([kinds] if isinstance(kinds, str) else kinds), "null"]}
    if "enum" in described:
        return {"enum": [*described["enum"], None]}
    return {"anyOf": [*described["anyOf"], {"type": "null"}]}


def _windows_schema() -> dict[str, Any]:
    """Return what a window may be: of `run`, `type`, `claude` and `panes` it has at most one."""
    return _of_one_kind(schema.WINDOW, ("run", "type", "claude", "panes"))


def _of_one_kind(check: Check, kinds: tuple[str, ...]) -> dict[str, Any]:
    return {**_schema_of(check), "not": {"anyOf": [{"required": list(pair)} for pair in combinations(kinds, 2)]}}


def _pane_schema() -> dict[str, Any]:
    return {"anyOf": [_FILLED, _of_one_kind(schema.PANE, ("run", "type", "claude"))]}


def _ports_schema() -> dict[str, Any]:
    first = _schema_of(schema.table_of(checks.check_port_key, checks.check_port))
    return {"anyOf": [first, _schema_of(schema.FORMULA)]}


def _work_log_schema() -> dict[str, Any]:
    table = _schema_of(schema.WORK_LOG)
    table["properties"]["templates"] = {**table["properties"]["templates"], "minProperties": 1}
    return {"anyOf": [_TEXT, table]}


_WHOLE: dict[Check, Callable[[], dict[str, Any]]] = {
    schema.host: lambda: {**_schema_of(schema.HOST), "anyOf": [{"required": ["host"]}, {"required": ["via"]}]},
    schema.check_window: _windows_schema,
    schema.check_pane: _pane_schema,
    schema.check_ports: _ports_schema,
    schema.check_compose: lambda: _schema_of(schema.COMPOSE),
    schema.check_work_log: _work_log_schema,
}
