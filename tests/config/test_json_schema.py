"""What editors say of invoke.yaml is what the program says of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from develop import manual
from tasks.config import checks
from tasks.config.json_schema import json_schema
from tasks.config.presets import PRESETS
from tasks.config.schema import CHECKS
from tasks.errors import SessionError
from tests.plan.test_consent import _CHANGES

_VALIDATOR = Draft202012Validator(json_schema())
_WRONG: list[tuple[str, Any]] = [
    ("preset", "point"), ("numbered", "yes"), ("numbered", 2), ("base", ""), ("ports", {"a": 0}), ("ports", {"a b": 1}),
    ("ports", {"a": 70000}), ("ports", {"offsets": {"a": -1}}),
    ("ports", {"offsets": None}), ("windows", [{"name": None}]), ("ports", {"offsets": {"a": 1}, "step": 2}),
    ("copy", "x"), ("copy", ["/x"]), ("link", [1]), ("env", {"x": ["A"]}), ("env", {"x": {"A": [1]}}),
    ("variables", {"A-B": "1"}), ("setup", "make"), ("setup", [""]), ("windows", {"name": "x"}), ("windows", [{}]),
    ("windows", [{"name": "x", "run": "a", "type": "b"}]), ("windows", [{"name": "x", "rnu": "a"}]),
    ("keep_removed", -1), ("keep_removed_size", "5 apples"), ("wait", 0), ("compose", {"profiles": "apps"}),
    ("components", {"a b": "x"}), ("components", {"a": {"b": 1}}), ("work_log", {"templates": {}}),
    ("work_log", {"file": "L.md", "templates": {"a": "no status"}}), ("claude", {"comand": "x"}), ("claude", []),
    ("hosts", {"a": {"path": "/x"}}), ("hosts", {"a": {"via": "", "path": "/x"}}),
    ("hosts", {"a": {"host": "x"}}), ("hosts", {"here": {"host": "x", "path": "/x"}}),
    ("hosts", {"a": {"host": "-x", "path": "/x"}}), ("hosts", {"a": {"host": "x", "path": "x"}}),
    ("date", "%Y %m"), ("nothing", 1),
]  # fmt: skip
_SCALARS = st.none() | st.booleans() | st.integers(-5, 70000) | st.text(max_size=8)
_WORDS = st.sampled_from("a name run file offsets command host path templates claude x/y".split())
_JSON = st.recursive(
    _SCALARS, lambda each: st.lists(each, max_size=2) | st.dictionaries(_WORDS, each, max_size=3), max_leaves=5
)


def _is_valid(key: str, value: object) -> bool:
    return bool(_VALIDATOR.is_valid({"session": {key: value}}))


def _is_accepted(key: str, value: object) -> bool:
    try:
        CHECKS[key](key, value)
    except (SessionError, KeyError):
        return False
    return key != "preset" or value in PRESETS


def test_the_file_beside_the_code_is_this_schema() -> None:
    Draft202012Validator.check_schema(json_schema())
    assert manual.SCHEMA.read_text(encoding="utf-8") == manual.schema_text(), "to write it: inv docs"


@pytest.mark.parametrize("preset", PRESETS)
def test_each_preset_is_valid(preset: str) -> None:
    assert list(_VALIDATOR.iter_errors({"session": {**PRESETS[preset], "preset": preset}, "run": {"echo": True}})) == []


def test_each_key_may_be_set_or_null() -> None:
    for key, value in _CHANGES.items():
        assert _is_valid(key, value), key
        assert _is_valid(key, None), key
    assert set(_CHANGES) == set(CHECKS)


@pytest.mark.parametrize(("key", "value"), _WRONG, ids=lambda each: str(each)[:20])
def test_a_mistake_is_shown_by_both(key: str, value: object) -> None:
    assert not _is_valid(key, value)
    assert not _is_accepted(key, value)


@pytest.mark.slow
@given(st.sampled_from(sorted(CHECKS)), _JSON)
def test_an_editor_never_objects_to_what_the_program_accepts(key: str, value: object) -> None:
    from_variable = isinstance(value, str) and CHECKS[key] is checks.check_switch
    if value is not None and not from_variable and _is_accepted(key, value):
        assert _is_valid(key, value)
