"""The one validator: it names file and key, says what was expected, and never shows a value."""

from pathlib import Path

import pytest

from tasks.errors import SessionError
from tasks.system import shape

_ROW = shape.fields_form(
    {"worktree": shape.TEXT},
    {
        "ports": shape.table_form(shape.COUNT), "windows": shape.list_form(shape.fields_form({"name": shape.TEXT})),
        "at": shape.MOMENT, "free": shape.NUMBER, "on": shape.SWITCH, "tree": shape.choice_form("tree", ""),
        "nested": shape.list_form(shape.NAME), "hidden": shape.table_form(shape.TEXT, keys=shape.NAME),
        "left": shape.either_form(shape.SWITCH, shape.TEXTS),
    },
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"worktree": "/w"}', ""),
        ('{"worktree": "/w", "from": {"a": "later version"}}', ""),
        ('{"worktree": "/w", "at": "", "free": 1.5, "on": false, "tree": "", "nested": ["a"], "left": ["a"]}', ""),
        ('{"worktree": "/w", "left": true, "at": "2026-01-01T00:00:00+00:00"}', ""),
        ("{", "the content: expected JSON"),
        ("[" * 100_000, "the content: expected JSON"),
        ("[]", "the content: expected a table, found a list"),
        ("{}", "worktree is missing"),
        ('{"worktree": null}', "worktree: expected text, found nothing"),
        ('{"worktree": "/w", "ports": {"app": true}}', "ports.app: expected a whole number, found true or false"),
        ('{"worktree": "/w", "windows": [{"name": "a"}, {}]}', "windows[1].name is missing"),
        ('{"worktree": "", "at": "2026"}', "at: expected an ISO 8601 time with offset, or empty text, found text"),
        ('{"worktree": "/w", "free": NaN}', "free: expected a finite number, found a number"),
        (f'{{"worktree": "/w", "free": {"9" * 400}}}', "free: expected a finite number, found a number"),
        ('{"worktree": "/w", "on": 1}', "on: expected true or false, found a number"),
        ('{"worktree": "/w", "tree": "x"}', "tree: expected one of 'tree', '', found text"),
        ('{"worktree": "/w", "nested": ["../x"]}', "nested[0]: expected the name of a file, found text"),
        ('{"worktree": "/w", "hidden": {"a/b": ""}}', "hidden: key: expected the name of a file, found text"),
        ('{"worktree": "/w", "left": 3}', "left: expected a list, found a number"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_file_and_key(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "facts.json"
    file.write_text(text)

    if not fault:
        assert shape.read_json(file, _ROW)["worktree"] == "/w"
        return
    with pytest.raises(SessionError) as error:
        shape.read_json(file, _ROW)
    assert str(error.value) == f"{file}: {fault}"


def test_a_value_is_never_shown() -> None:
    with pytest.raises(shape.ShapeError) as error:
        shape.parse_json('{"variables": {"TOKEN": ["hunter2"]}}', shape.table_form(shape.TEXT_TABLE), "row.json")

    assert str(error.value) == "row.json: variables.TOKEN: expected text, found a list"


def test_a_file_that_is_not_there_is_no_fault_of_its_content(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        shape.read_json(tmp_path / "none.json", _ROW)
    with pytest.raises(SessionError, match="a directory, not a regular file"):
        shape.read_json(tmp_path, _ROW)
