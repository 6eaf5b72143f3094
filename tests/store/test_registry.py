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

from tasks.errors import SessionError
from tasks.model import Repository
from tasks.store import registry
from testing import opened
from testing.project import CHECKOUT, Project

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
from tasks.store import registry
from tasks.model import Repository
main, writer = pathlib.Path(sys.argv[1]), sys.argv[2]
repository = Repository(main, main / ".git")
for number in range(20):
    with registry.changing_registry(repository) as rows:
        rows[f"{writer}-{number}"] = {"worktree": "/w", "branch": "b"}
for number in range(0, 20, 2):
    registry.drop_row(repository, f"{writer}-{number}")
"""


@pytest.fixture
def repository(sandbox: Path) -> Repository:
    (sandbox / "main" / ".git").mkdir(parents=True)
    return Repository(sandbox / "main", sandbox / "main" / ".git")


def put(repository: Repository, text: str | bytes) -> Path:
    file = registry.registry_path(repository)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def row(**facts: Any) -> dict[str, Any]:
    return {"worktree": "/w", "branch": "b", **facts}


def test_without_a_file_there_are_no_rows(repository: Repository) -> None:
    assert registry.read_registry(repository) == {}


def test_a_file_with_the_seeds_four_keys_is_read(repository: Repository) -> None:
    put(repository, _SEED)

    assert registry.read_registry(repository) == json.loads(_SEED)


def test_a_change_keeps_the_rows_and_facts_of_others_in_their_order(repository: Repository) -> None:
    file = put(repository, _SEED)

    with registry.changing_registry(repository) as rows:
        rows["a"] = row(note="é")

    assert list(registry.read_registry(repository)) == ["feature-x", "a"]
    assert list(registry.read_registry(repository)["feature-x"].items()) == list(json.loads(_SEED)["feature-x"].items())
    assert "é" in file.read_text()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": {"worktree": "/w",\n  oops}}', "2:3: This is not valid JSON"),
        ("", "1:1: This is not valid JSON"),
        (_SEED.replace("8001,", "8001"), "4:9: This is not valid JSON"),
        ("<<<<<<< HEAD\n" + _SEED, "1:1: This is not valid JSON"),
        ("[]", "1:1: This is not a registry: the content: expected a table"),
        ("null", "1:1: This is not a registry: the content: expected a table"),
        (b"\xff\xfe{}", "1:1: This is not a registry"),
        ('{"a": 5}', "1:2: 'a': expected a table, found a number"),
        ('{\n "ok": {"worktree": "/w", "branch": "b"},\n "bad": []\n}', "3:2: 'bad': expected a table, found a list"),
        ('{"a": {"branch": "b"}}', "1:2: 'a'.worktree is missing"),
        ('{"a": {"branch": "b", "worktree": 7}}', "1:2: 'a'.worktree: expected text, found a number"),
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

    for use in (
        registry.read_registry,
        lambda each: registry.note_facts(each, "a", x=1),
        lambda each: registry.drop_row(each, "a"),
    ):
        with pytest.raises(SessionError) as error:
            use(repository)

        assert f"{file}:{place}" in str(error.value.message)
        assert "Nothing was changed." in str(error.value.message)
    assert file.read_bytes() == before


@pytest.mark.parametrize("text", ['{"a": ' + "1" * 5000 + "}", "[" * 200_000])
def test_content_that_no_parser_takes_is_an_error_too(repository: Repository, text: str) -> None:
    put(repository, text)

    with pytest.raises(SessionError):
        registry.read_registry(repository)


def test_what_only_some_parsers_take_is_an_error_too(repository: Repository) -> None:
    before = sys.getrecursionlimit()
    file = put(repository, json.dumps({"a": row()})[:-2] + f', "deep": {"[" * 2500}{"]" * 2500}}}}}')
    text = file.read_text()
    sys.setrecursionlimit(20_000)
    try:
        with pytest.raises(SessionError, match="nested too deeply"):
            registry.note_facts(repository, "a", x=1)
    finally:
        sys.setrecursionlimit(before)

    assert file.read_text() == text


def test_of_a_name_that_is_there_twice_the_last_row_counts(repository: Repository) -> None:
    once = json.dumps({"a": row(worktree="/first")}, indent=2)[:-2]
    file = put(repository, f'{once},\n  "a": {json.dumps(row(worktree="/last"))},\n  "b": {json.dumps(row())}\n}}\n')

    registry.drop_row(repository, "b")

    assert json.loads(file.read_text()) == registry.read_registry(repository) == {"a": row(worktree="/last")}


def test_a_directory_in_its_place_is_an_error(repository: Repository) -> None:
    registry.registry_path(repository).mkdir()

    with pytest.raises(SessionError):
        registry.read_registry(repository)


def test_a_new_file_is_private(repository: Repository) -> None:
    with registry.changing_registry(repository) as rows:
        rows["a"] = row()

    assert stat.S_IMODE(registry.registry_path(repository).stat().st_mode) == 0o600


def test_the_mode_and_a_symlink_are_kept(repository: Repository, sandbox: Path) -> None:
    (sandbox / "shared").write_text(_SEED)
    (sandbox / "shared").chmod(0o664)
    registry.registry_path(repository).symlink_to(sandbox / "shared")

    registry.note_facts(repository, "feature-x", extra=1)

    assert registry.registry_path(repository).is_symlink()
    assert stat.S_IMODE((sandbox / "shared").stat().st_mode) == 0o664
    assert json.loads((sandbox / "shared").read_text())["feature-x"]["extra"] == 1


def test_the_file_goes_with_its_last_row(repository: Repository) -> None:
    put(repository, _SEED)

    registry.drop_row(repository, "feature-x")

    assert not registry.registry_path(repository).exists()


def unknown_note(repository: Repository) -> None:
    registry.note_facts(repository, "unknown", x=1)


def unknown_release(repository: Repository) -> None:
    registry.drop_row(repository, "unknown")


def same_note(repository: Repository) -> None:
    registry.note_facts(repository, "feature-x", branch="feature-x")


@pytest.mark.parametrize("change", [unknown_note, unknown_release, same_note])
def test_a_change_of_nothing_does_not_touch_the_file(
    repository: Repository, change: Callable[[Repository], None]
) -> None:
    before = put(repository, _SEED).stat()

    change(repository)

    after = registry.registry_path(repository).stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    assert list(registry.read_registry(repository)) == ["feature-x"]


def test_a_failure_inside_changes_nothing(repository: Repository) -> None:
    file = put(repository, _SEED)

    with pytest.raises(ZeroDivisionError), registry.changing_registry(repository) as rows:
        rows.clear()
        raise ZeroDivisionError

    assert file.read_text() == _SEED
    assert os.listdir(repository.private) == []


@pytest.mark.parametrize("character", [os.fsdecode(b"\xe9"), "\0"])
def test_what_nobody_could_read_again_is_not_written(repository: Repository, character: str) -> None:
    file = put(repository, _SEED)

    with (
        pytest.raises(SessionError, match=r'"worktree": "/caf.*"\' is not UTF-8') as raised,
        registry.changing_registry(repository) as rows,
    ):
        rows["x"] = row(worktree=f"/caf{character}")

    assert "Rename" in str(raised.value)
    assert file.read_text() == _SEED


def test_writers_at_the_same_time_lose_nothing(repository: Repository) -> None:
    argv = [sys.executable, "-c", _ADD_AND_DROP, str(repository.main)]
    writers = [subprocess.Popen([*argv, str(number)], cwd=CHECKOUT) for number in range(5)]

    codes = [writer.wait(60) for writer in writers]

    assert codes == [0] * 5
    assert set(registry.read_registry(repository)) == {f"{w}-{n}" for w in range(5) for n in range(1, 20, 2)}


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
    registry.registry_path(repository).symlink_to(sandbox / "shared")

    registry.drop_row(repository, "feature-x")

    assert not (sandbox / "shared").exists() or json.loads((sandbox / "shared").read_text()) == {}


def test_a_registry_that_did_not_change_is_not_read_again(repository: Repository) -> None:
    file = put(repository, _SEED)
    assert registry.read_registry(repository) == json.loads(_SEED)

    registry.read_registry(repository).clear()
    assert registry.read_registry(repository) == json.loads(_SEED)
    put(repository, _SEED.replace("8001", "80010"))
    assert registry.read_registry(repository)["feature-x"]["backend_port"] == 80010
    registry.note_facts(repository, "feature-x", note="a")
    assert registry.read_registry(repository)["feature-x"]["note"] == "a"
    file.unlink()
    assert registry.read_registry(repository) == {}


def test_add_and_remove_read_it_once_and_for_each_change(project: Project, sandbox: Path) -> None:
    project.inv("session.add", "other")
    for task in (("session.add", "x"), ("session.remove", "x", "--force")):
        file = sandbox / f"opened-by-{task[0]}"
        project.inv(str(file), *task, program=str(opened.__file__))
        events = [line for line in file.read_text().splitlines() if line.endswith("/.tally-sessions")]
        writes = sum(line.startswith("renamed to ") for line in events)
        assert 0 < len(events) - writes <= 2 + writes, events
        assert 0 < writes <= 4, events


def test_rows_that_did_not_change_keep_their_text_and_the_others_have_the_usual_form(repository: Repository) -> None:
    with registry.changing_registry(repository) as rows:
        rows |= {"a": row(note="é"), "b/ü": row(list=[1, {"k": "\n"}]), "c": row()}
    file = registry.registry_path(repository)
    assert file.read_text() == json.dumps(registry.read_registry(repository), indent=2, ensure_ascii=False) + "\n"
    file.write_text(file.read_text().replace('"note": "é"', '"note":   "é"'))  # as a person leaves it

    registry.note_facts(repository, "b/ü", more=2)
    registry.drop_row(repository, "c")

    assert list(json.loads(file.read_text())) == ["a", "b/ü"]
    text = json.dumps(registry.read_registry(repository), indent=2, ensure_ascii=False) + "\n"
    assert file.read_text() == text.replace('"note": "é"', '"note":   "é"')


def test_a_change_parses_no_row_that_did_not_change(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    with registry.changing_registry(repository) as rows:
        rows |= {name: row(note=name) for name in "abc"}
    parsed, loads = list[str](), json.loads

    def noted(text: str) -> object:
        parsed.append(text)
        return loads(text)

    monkeypatch.setattr(json, "loads", noted)

    registry.note_facts(repository, "b", more=[1])

    assert len(parsed) == 1
    assert loads(parsed[0]) == row(note="b") | {"more": [1]}
    kept = registry.read_registry(repository)
    assert kept == {"a": row(note="a"), "b": row(note="b") | {"more": [1]}, "c": row(note="c")}


def test_rows_that_a_block_was_given_are_not_those_that_are_read_later(repository: Repository) -> None:
    put(repository, _SEED)
    given = registry.note_facts(repository, "feature-x", list=[1])

    given["list"].append(2)
    with pytest.raises(KeyError), registry.changing_registry(repository) as rows:
        rows["feature-x"]["list"].append(3)
        raise KeyError

    assert registry.read_registry(repository)["feature-x"]["list"] == [1]
