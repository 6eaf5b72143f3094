"""The worktree's allowed tools in `.claude.json`: added, taken back, and the rest of the file never harmed."""

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.claude import json_file
from tasks.model import Repository, Session
from tasks.resources import claude_project
from tasks.store import registry
from tasks.system import files
from testing.project import Project


@pytest.fixture
def session(sandbox: Path) -> Session:
    (sandbox / "main" / ".git").mkdir(parents=True)
    (sandbox / "w").mkdir()
    repository = Repository(sandbox / "main", sandbox / "main" / ".git")
    registry.registry_path(repository).write_text(json.dumps({"x": {"worktree": str(sandbox / "w"), "branch": "x"}}))
    return Session("x", "x", repository, sandbox / "w", "x", ports={}, tmux="tally-x")


@pytest.fixture
def file(sandbox: Path) -> Path:
    found = sandbox / "home" / ".claude.json"
    found.unlink()
    return found


def put(file: Path, session: Session, **own: Any) -> dict[str, Any]:
    """Write and return a file whose main checkout allows A and B; *own* is the worktree's entry, if any."""
    main = {"allowedTools": ["A", "B"], "history": [{"display": "é"}], "lastCost": 0.1}
    projects = {str(session.repository.main): main, "/other": {"allowedTools": ["C"]}}
    if own:
        projects[str(session.worktree)] = own
    content = {"numStartups": 3, "projects": projects, "oauthAccount": {"emailAddress": "a@b"}, "big": 2**70}
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False))
    file.chmod(0o600)
    return content


def entry(file: Path, session: Session) -> Any:
    return json.loads(file.read_text())["projects"].get(str(session.worktree))


def names_in(directory: Path) -> list[str]:
    return sorted(each.name for each in directory.iterdir() if each.name.startswith(".claude"))


def test_the_worktree_gets_the_main_checkouts_tools_and_everything_else_stays(session: Session, file: Path) -> None:
    before = put(file, session)

    claude_project.create(session)

    after = json.loads(file.read_text())
    assert after["projects"].pop(str(session.worktree)) == {"allowedTools": ["A", "B"]}
    assert after == before
    assert list(after) == list(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert names_in(file.parent) == [".claude.json"]
    assert claude_project.problems(session) == []


def test_the_worktrees_own_tools_and_facts_stay(session: Session, file: Path) -> None:
    put(file, session, allowedTools=["Own", "B"], trusted=True)

    claude_project.create(session)

    assert entry(file, session) == {"allowedTools": ["A", "B", "Own"], "trusted": True}


def test_a_second_time_the_file_is_not_touched(session: Session, file: Path) -> None:
    put(file, session)
    claude_project.create(session)
    before = file.stat()

    claude_project.create(session)

    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_the_entry_that_the_session_made_goes_with_it(session: Session, file: Path) -> None:
    before = put(file, session)
    claude_project.create(session)

    claude_project.remove(session)

    assert json.loads(file.read_text()) == before


def test_an_entry_that_was_there_before_stays(session: Session, file: Path) -> None:
    put(file, session, trusted=True)
    claude_project.create(session)

    claude_project.remove(session)

    assert entry(file, session)["trusted"] is True


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"projects": []}', '{"projects": {}}', "\ufeff{}"])
def test_a_file_of_another_shape_is_left_as_it_is(session: Session, file: Path, text: str) -> None:
    file.write_text(text)
    before = file.stat()

    claude_project.create(session)
    claude_project.remove(session)

    assert file.read_text() == text
    assert file.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_file_that_broke_after_it_was_looked_at_is_left_as_it_is(file: Path, text: str) -> None:
    file.write_text(text)

    assert json_file.edit_claude_json(lambda _content: True) is False
    assert file.read_text() == text


@pytest.mark.parametrize("tools", [None, [], "A", {"A": 1}])
def test_a_main_checkout_without_allowed_tools_changes_nothing(session: Session, file: Path, tools: object) -> None:
    file.write_text(json.dumps({"projects": {str(session.repository.main): {"allowedTools": tools}}}))
    before = file.read_text()

    claude_project.create(session)

    assert file.read_text() == before


def test_a_missing_file_is_not_made(session: Session, file: Path) -> None:
    claude_project.create(session)
    claude_project.remove(session)

    assert names_in(file.parent) == []


def test_a_file_that_cannot_be_written_stays_whole_with_a_notice(
    session: Session, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = put(file, session)

    def refused(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "write_whole", refused)

    assert json_file.edit_claude_json(lambda _content: True) is False
    assert json.loads(file.read_text()) == before
    assert "were not changed. Permission denied" in capsys.readouterr().err
    assert names_in(file.parent) == [".claude.json"]


def test_a_stale_lock_is_broken(session: Session, file: Path) -> None:
    put(file, session)
    lock = file.with_name(".claude.json.lock")
    lock.mkdir()
    os.utime(lock, (time.time() - 11, time.time() - 11))

    claude_project.create(session)

    assert entry(file, session) == {"allowedTools": ["A", "B"]}
    assert names_in(file.parent) == [".claude.json"]


def test_a_live_lock_is_left_alone_with_a_notice(
    session: Session, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(json_file, "_PATIENCE", 0.1)
    before = put(file, session)
    file.with_name(".claude.json.lock").mkdir()

    claude_project.create(session)

    assert json.loads(file.read_text()) == before
    assert names_in(file.parent) == [".claude.json", ".claude.json.lock"]
    assert "Claude Code holds its lock" in capsys.readouterr().err


def test_a_lock_that_became_anothers_is_not_removed(session: Session, file: Path) -> None:
    put(file, session)
    lock = file.with_name(".claude.json.lock")

    def change(_content: dict[str, Any]) -> bool:
        lock.rename(lock.with_name(".claude.json.lock.old"))
        lock.mkdir()
        return False

    json_file.edit_claude_json(change)

    assert lock.is_dir()


def test_a_failing_change_frees_the_lock_and_changes_nothing(session: Session, file: Path) -> None:
    before = put(file, session)

    def fail(_content: dict[str, Any]) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        json_file.edit_claude_json(fail)

    assert json.loads(file.read_text()) == before
    assert names_in(file.parent) == [".claude.json"]


def test_the_configured_directory_is_used(
    session: Session, file: Path, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(sandbox / "config"))
    (sandbox / "config").mkdir()
    put(sandbox / "config" / ".claude.json", session)

    claude_project.create(session)

    assert entry(sandbox / "config" / ".claude.json", session) == {"allowedTools": ["A", "B"]}
    assert not file.exists()


def test_half_of_a_surrogate_pair_survives(session: Session, file: Path) -> None:
    content = put(file, session)
    file.write_text(json.dumps({**content, "odd": "\ud83d"}))

    claude_project.create(session)

    assert json.loads(file.read_text())["odd"] == "\ud83d"


def test_all_but_the_entry_keeps_the_bytes_that_claude_code_wrote(session: Session, file: Path) -> None:
    main = str(session.repository.main)
    before = f'{{"n":1.50,"projects":{{"/other":{{"x":"\\u00e9"}},"{main}":{{"allowedTools":["A"]}}}},"z":[ 1,2 ]}}'
    file.write_text(before)

    claude_project.create(session)

    assert entry(file, session) == {"allowedTools": ["A"]}
    claude_project.remove(session)
    assert file.read_text() == before


def test_more_than_one_change_is_written_as_well(file: Path) -> None:
    file.write_text('{"n":1.50,"projects":{"/a":{"x":1},"/b":{"x":1}}}')

    def change(content: dict[str, Any]) -> bool:
        content["projects"]["/a"]["x"] = 2
        content["projects"]["/b"] = {"x": 3}
        return True

    assert json_file.edit_claude_json(change)
    assert json.loads(file.read_text()) == {"n": 1.5, "projects": {"/a": {"x": 2}, "/b": {"x": 3}}}


def test_a_file_that_begins_with_a_byte_order_mark_keeps_every_other_byte(project: Project, sandbox: Path) -> None:
    project.configure("session: {windows: [], copy: [], link: [], env: {}}\n")
    file = sandbox / "home" / ".claude.json"
    before = f'\ufeff{{"projects": {{"{project.main}":  {{"allowedTools": ["Bash(ls:*)"]}}}}, "n": 1.50}}'
    file.write_text(before)

    project.inv("session.add", "x")

    assert file.read_text().startswith(before[: before.index("}}")])
    project.inv("session.remove", "x")
    assert file.read_text() == before
