"""`.tally-sessions`: read strictly, changed under a lock, never damaged."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks import registry
from tasks.errors import SessionError
from tasks.model import Repository
from tests.project import CHECKOUT, Project

_SEED = """{
    "feature-x": {
        "backend_port": 8001,
        "frontend_port": 5001,
        "worktree": "/home/me/tally-feature-x",
        "branch": "feature-x"
    }
}"""
_ADD_AND_DROP = """
import sys, pathlib
from tasks import registry
from tasks.model import Repository
main, writer = pathlib.Path(sys.argv[1]), sys.argv[2]
repository = Repository(main, main / ".git")
for number in range(20):
    with registry.changing(repository) as rows:
        rows[f"{writer}-{number}"] = {"worktree": "/w", "branch": "b"}
for number in range(0, 20, 2):
    registry.release(repository, f"{writer}-{number}")
"""


@pytest.fixture
def repository(sandbox: Path) -> Repository:
    (sandbox / "main" / ".git").mkdir(parents=True)
    return Repository(sandbox / "main", sandbox / "main" / ".git")


def put(repository: Repository, text: str | bytes) -> Path:
    file = registry.path(repository)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def row(**facts: Any) -> dict[str, Any]:
    return {"worktree": "/w", "branch": "b", **facts}


def test_without_a_file_there_are_no_rows(repository: Repository) -> None:
    assert registry.rows(repository) == {}


def test_a_file_with_the_seeds_four_keys_is_read(repository: Repository) -> None:
    put(repository, _SEED)

    assert registry.rows(repository) == json.loads(_SEED)


def test_a_change_keeps_the_rows_and_facts_of_others_in_their_order(repository: Repository) -> None:
    file = put(repository, _SEED)

    with registry.changing(repository) as rows:
        rows["a"] = row(note="é")

    assert list(registry.rows(repository)) == ["feature-x", "a"]
    assert list(registry.rows(repository)["feature-x"].items()) == list(json.loads(_SEED)["feature-x"].items())
    assert "é" in file.read_text()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": {"worktree": "/w",\n  oops}}', "2:3: not valid JSON"),
        ("", "1:1: not valid JSON"),
        (_SEED.replace("8001,", "8001"), "4:9: not valid JSON"),
        ("<<<<<<< HEAD\n" + _SEED, "1:1: not valid JSON"),
        ("[]", "1:1: expected an object"),
        ("null", "1:1: expected an object"),
        (b"\xff\xfe{}", "1:1: not a registry"),
        ('{"a": 5}', "1:2: 'a' is no session"),
        ('{\n "ok": {"worktree": "/w", "branch": "b"},\n "bad": []\n}', "3:2: 'bad' is no session"),
        ('{"a": {"branch": "b"}}', "1:2: 'a' is no session"),
        ('{"a": {"branch": "b", "worktree": 7}}', "1:2: 'a' is no session"),
        ('{\n "é": 5,\n "b": 6\n}', "2:2: 'é'"),
        ('{"b": {"worktree": "a", "branch": "a"},\n "a": 5}', "2:2: 'a'"),
        ('{"b": {"worktree": "a", "branch": "a"},\n "a": {"worktree": "/\\u0000", "branch": "a"}}', "2:2: 'a' has"),
        ('{"a": {"worktree": "/w", "branch": "a", "x": ["\\ud83d"]}}', "1:2: 'a' has"),
    ],
)  # fmt: skip
def test_foreign_content_is_named_by_line_and_column_and_not_changed(
    repository: Repository, text: str | bytes, place: str
) -> None:
    file = put(repository, text)
    before = file.read_bytes()

    for use in (registry.rows, lambda each: registry.note(each, "a", x=1), lambda each: registry.release(each, "a")):
        with pytest.raises(SessionError) as error:
            use(repository)

        assert f"{file}:{place}" in str(error.value.message)
        assert "it was not changed" in str(error.value.message)
    assert file.read_bytes() == before


@pytest.mark.parametrize("text", ['{"a": ' + "1" * 5000 + "}", "[" * 200_000])
def test_content_that_no_parser_takes_is_an_error_too(repository: Repository, text: str) -> None:
    put(repository, text)

    with pytest.raises(SessionError):
        registry.rows(repository)


def test_a_directory_in_its_place_is_an_error(repository: Repository) -> None:
    registry.path(repository).mkdir()

    with pytest.raises(SessionError):
        registry.rows(repository)


def test_a_new_file_is_private(repository: Repository) -> None:
    with registry.changing(repository) as rows:
        rows["a"] = row()

    assert stat.S_IMODE(registry.path(repository).stat().st_mode) == 0o600


def test_the_mode_and_a_symlink_are_kept(repository: Repository, sandbox: Path) -> None:
    (sandbox / "shared").write_text(_SEED)
    (sandbox / "shared").chmod(0o664)
    registry.path(repository).symlink_to(sandbox / "shared")

    registry.note(repository, "feature-x", extra=1)

    assert registry.path(repository).is_symlink()
    assert stat.S_IMODE((sandbox / "shared").stat().st_mode) == 0o664
    assert json.loads((sandbox / "shared").read_text())["feature-x"]["extra"] == 1


def test_the_file_goes_with_its_last_row(repository: Repository) -> None:
    put(repository, _SEED)

    registry.release(repository, "feature-x")

    assert not registry.path(repository).exists()


def unknown_note(repository: Repository) -> None:
    registry.note(repository, "unknown", x=1)


def unknown_release(repository: Repository) -> None:
    registry.release(repository, "unknown")


def same_note(repository: Repository) -> None:
    registry.note(repository, "feature-x", branch="feature-x")


@pytest.mark.parametrize("change", [unknown_note, unknown_release, same_note])
def test_a_change_of_nothing_does_not_touch_the_file(
    repository: Repository, change: Callable[[Repository], None]
) -> None:
    before = put(repository, _SEED).stat()

    change(repository)

    after = registry.path(repository).stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    assert list(registry.rows(repository)) == ["feature-x"]


def test_a_failure_inside_changes_nothing(repository: Repository) -> None:
    file = put(repository, _SEED)

    with pytest.raises(ZeroDivisionError), registry.changing(repository) as rows:
        rows.clear()
        raise ZeroDivisionError

    assert file.read_text() == _SEED
    assert os.listdir(repository.private) == []


def test_what_nobody_could_read_again_is_not_written(repository: Repository) -> None:
    file = put(repository, _SEED)

    with (
        pytest.raises(SessionError, match=r'"worktree": "/caf\\udce9"\' is no text') as raised,
        registry.changing(repository) as rows,
    ):
        rows["x"] = row(worktree=os.fsdecode(b"/caf\xe9"))

    assert "rename" in str(raised.value)
    assert file.read_text() == _SEED


def test_writers_at_the_same_time_lose_nothing(repository: Repository) -> None:
    argv = [sys.executable, "-c", _ADD_AND_DROP, str(repository.main)]
    writers = [subprocess.Popen([*argv, str(number)], cwd=CHECKOUT) for number in range(5)]

    codes = [writer.wait(60) for writer in writers]

    assert codes == [0] * 5
    assert set(registry.rows(repository)) == {f"{w}-{n}" for w in range(5) for n in range(1, 20, 2)}


@pytest.mark.parametrize("arguments", [["session.list"], ["session.remove", "x", "--force"]])
def test_another_tools_row_with_other_ports_is_listed_and_removed(project: Project, arguments: list[str]) -> None:
    rows = {"x": {"app_port": 8001, "worktree": str(project.worktree("x")), "branch": "x"}}
    (project.main / ".tally-sessions").write_text(json.dumps(rows))

    assert "x" in project.inv(*arguments).out


@pytest.mark.parametrize("fact", [{"created": "yesterday"}, {"created": 5}, {"ports": [["a"]]}])
def test_a_fact_of_a_wrong_type_is_an_error_and_no_traceback(project: Project, fact: dict[str, Any]) -> None:
    known = {"slug": "x", "tmux": "t-x", "ports": [], "env": {}, "windows": [], "created": "2026-01-01T00:00:00+00:00"}
    rows = {"x": {"worktree": str(project.worktree("x")), "branch": "x", **known, **fact}}
    (project.main / ".tally-sessions").write_text(json.dumps(rows))

    assert ".tally-sessions" in project.inv("session.list", code=1).err


def test_the_last_row_leaves_no_row_behind_a_symlink(repository: Repository, sandbox: Path) -> None:
    (sandbox / "shared").write_text(_SEED)
    registry.path(repository).symlink_to(sandbox / "shared")

    registry.release(repository, "feature-x")

    assert not (sandbox / "shared").exists() or json.loads((sandbox / "shared").read_text()) == {}
