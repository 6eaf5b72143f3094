"""A session as a row of the registry, and back: whatever stands in a row, the answer is a session or one line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import SessionError
from tasks.model import Agent, Compose, Repository, Session, Window
from tasks.store import archive, rows

_REPOSITORY = Repository(Path("/tally"), Path("/tally/.git"))
_SESSION = Session(
    "x", "x", _REPOSITORY, Path("/tally-x"), "x", {"app_port": 1}, "tally-x", created="2026-01-01T00:00:00+00:00",
    copy=("a",), link=("b",), env={".env": {"A": "1"}}, env_files=(".env",), variables={"B": "2"}, setup=("c",),
    setup_done=("c",), verify=("d",), scope=("e",), work_log={"file": "f"}, windows=(Window("w", "d", run="r"),),
    compose=Compose("dc.yml", "tally-x", "", (), ("db",)), agent=Agent(args=("-v",)),
)  # fmt: skip
_FACTS = {
    "name": "x", "row": {"worktree": "/tally-x", "branch": "x"}, "tip": "", "head": "", "head_branch": "", "work": "",
    "hidden": {}, "same": [], "raw": [], "files": [],
}  # fmt: skip
_OTHERS = (None, 3, True, "x", [3], {"y": 3}, "")


def _read(row: dict[str, Any], file: Path | None = None) -> Session:
    return rows.session_from_row("x", row, _REPOSITORY, lambda *_: pytest.fail("asked for settings"), file)


def _changed(found: Any) -> Iterator[Any]:
    """Yield *found* with each of its parts, at any depth, replaced by each of some other values."""
    if not isinstance(found, (dict, list)):
        return
    for key, part in list(found.items() if isinstance(found, dict) else enumerate(found)):
        for other in (*_OTHERS, *_changed(part)):
            copy = found.copy()
            copy[key] = other
            yield copy


def test_a_row_says_everything_that_was_decided() -> None:
    assert _read(json.loads(json.dumps(rows.session_row(_SESSION)))) == _SESSION


def test_a_part_of_another_form_is_refused_by_its_name() -> None:
    row = json.loads(json.dumps(rows.session_row(_SESSION)))
    for key in ("tmux", "creates_branch", "copy", "ports", "env", "variables", "work_log", "windows", "agent"):
        with pytest.raises(SessionError, match=rf'^/f: The row of "x" has a wrong value: {key}.*expected.*\n'):
            _read({**row, key: 3 if key != "windows" else [{"name": "windows", "run": 3}]}, Path("/f"))
    with pytest.raises(SessionError, match="has a wrong value"):
        _read({**row, "worktree": "~nobody-is-called-so/x"})


def test_whatever_else_stands_in_a_row_is_of_the_form_that_a_session_has() -> None:
    row = json.loads(json.dumps(rows.session_row(_SESSION)))
    refused = 0
    for other in _changed(row):
        if not isinstance(other["worktree"], str) or not isinstance(other["branch"], str):
            continue  # the registry refuses it
        try:
            again = rows.session_row(_read(other))
        except SessionError:
            refused += 1
        else:
            assert {key: type(part) for key, part in again.items()} == {key: type(row[key]) for key in again}
            assert all(isinstance(part, (str, bool)) for window in again["windows"] for part in window.values())
    assert refused > 200


def test_a_damaged_archive_is_left_out(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    repository = Repository(tmp_path, tmp_path / ".git")
    file = archive.archives_directory(repository) / "x" / "20260101T000000.000000" / "row.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(_FACTS))
    assert [each.facts for each in archive.list_archives(repository)] == [_FACTS]

    for key in _FACTS:
        for other in (3, None, [3], {"y": 3}):
            file.write_text(json.dumps({**_FACTS, key: other}))
            assert archive.list_archives(repository) == []
    assert f"Skipped a damaged archive. {file}: " in capfd.readouterr().err
