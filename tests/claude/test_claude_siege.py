"""`.claude.json` while others write it, and in every state that a disk can have it in."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tasks.claude import json_file
from tasks.resources import claude_project
from tasks.store import registry
from testing import claude_writer, permitted
from testing.permitted import entry
from testing.project import CHECKOUT, Project

_SESSIONS = 8
_WRITERS = 3
_MAIN = {"allowedTools": ["A", "B"], "hasTrustDialogAccepted": True, "history": ["h"]}
# Adds and removes the session NAME three times, then adds it and waits to be told to remove it.
_SESSION = """
import sys
from pathlib import Path
from tasks.resources import claude_project, claude_rules
from tasks.store import rows, registry
from tasks.model import Repository
main = Path(sys.argv[1])
repository, name = Repository(main, main / ".git"), sys.argv[2]
session = rows.session_from_row(name, registry.read_registry(repository)[name], repository, lambda *_: None)
for _time in range(3):
    claude_project.create(session), claude_rules.create(session), claude_project.remove(session)
claude_project.create(session), claude_rules.create(session)
print("added", flush=True)
sys.stdin.readline()
claude_project.remove(session)
"""


@pytest.fixture
def file(sandbox: Path) -> Path:
    return sandbox / "home" / ".claude.json"


class _Reader(threading.Thread):
    """Reads the file over and over; *damaged* is what it met that is not whole."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file, self.seen, self.damaged, self.over = file, 0, "", threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.002):
            text = self.file.read_text()
            self.seen += 1
            try:
                json.loads(text)["oauthAccount"]
            except (ValueError, KeyError):
                self.damaged = text


def _python(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=CHECKOUT, env=dict(os.environ), text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.slow
def test_eight_sessions_come_and_go_while_three_others_write(sandbox: Path, file: Path) -> None:
    permitted.install(sandbox, "2.1.50 (Claude Code)")
    main = sandbox / "main"
    sessions = permitted.session(sandbox, *(f"s{number}" for number in range(_SESSIONS)))
    before: dict[str, Any] = {
        "oauthAccount": {"é": "\U0001f600"},
        "projects": {str(main): _MAIN, "/other": {"lastCost": 1}},
    }
    file.write_text(json.dumps(before))
    lock = file.with_name(".claude.json.lock")
    lock.mkdir()
    os.utime(lock, (0, 0))  # its owner is dead, and all find it at once
    reader = _Reader(file)
    reader.start()
    ours = [_python("-c", _SESSION, str(main), session.name) for session in sessions]
    arguments = [str(file), str(sandbox / "stop")]
    theirs = [
        _python(claude_writer.__file__, arguments[0], f"counter{number}", arguments[1]) for number in range(_WRITERS)
    ]
    try:
        said = [process.stdout.readline() for process in ours if process.stdout]
        assert said == ["added\n"] * _SESSIONS, [process.communicate(timeout=20) for process in ours]
        during = json.loads(file.read_text())
        told = [process.communicate("\n", timeout=60) for process in ours]
    finally:
        (sandbox / "stop").touch()
        counted = [int(process.communicate(timeout=20)[0]) for process in theirs]
        reader.over.set()
        reader.join()
    after = json.loads(file.read_text())

    given = {"allowedTools": ["A", "B"], "hasTrustDialogAccepted": True}
    assert during["projects"] == {**before["projects"], **{str(each.worktree): given for each in sessions}}
    assert [err for _out, err in told] == [""] * _SESSIONS
    assert after == {**before, **{f"counter{number}": times for number, times in enumerate(counted)}}
    assert min(counted) > 0 and reader.seen > 10 and reader.damaged == ""
    assert sorted(each.name for each in file.parent.glob(".claude.json*")) == [".claude.json"]


def test_what_somebody_writes_without_the_lock_meanwhile_is_not_lost(file: Path) -> None:
    file.write_text("{}")
    writes = iter(["first", "second"])

    def change(content: dict[str, Any]) -> bool:
        if key := next(writes, ""):
            file.write_text(json.dumps({**json.loads(file.read_text()), key: 1}))
        content["ours"] = 1
        return True

    assert json_file.edit_claude_json(change)
    assert json.loads(file.read_text()) == {"first": 1, "second": 1, "ours": 1}


_STATES = {
    "missing": "It does not exist. Start Claude Code once.",
    "empty": "It is not valid JSON",
    "cut off": "It is not valid JSON",
    "a list": "It is not a JSON object.",
    "a directory": "It is a directory.",
    "a pipe": "It is not a file.",
    "a dangling link": "which does not exist",
    "a link to itself": "Too many levels of symbolic links",
    "50 MB": "It is 50 MB",
    "read-only": "It is read-only.",
    "no lock": "Couldn't create",
}


def _bring_about(file: Path, content: str, state: str) -> None:
    file.write_text({"empty": "", "cut off": content[:-9], "a list": "[]"}.get(state, content))
    if state in ("missing", "a directory", "a pipe", "a dangling link", "a link to itself"):
        file.unlink()
    if state == "a directory":
        file.mkdir()
    elif state == "a pipe":
        os.mkfifo(file)
    elif state.endswith(" link") or state == "a link to itself":
        file.symlink_to(file if state == "a link to itself" else file.with_name("nowhere"))
    elif state == "50 MB":
        os.truncate(file, 50_000_000)
    elif state == "read-only":
        file.chmod(0o400)
    elif state == "no lock":
        file.with_name(".claude.json.lock").symlink_to("/nowhere/lock")


def _state(file: Path) -> tuple[object, ...]:
    if not os.path.lexists(file):
        return ()
    status = file.lstat()
    text = file.read_bytes()[:1000] if stat.S_ISREG(status.st_mode) else b""
    return status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, text


@pytest.mark.parametrize("state", _STATES)
def test_a_file_that_is_of_no_use_is_left_alone_and_told_of(
    sandbox: Path, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setattr("tasks.claude.json_file._PATIENCE", 0.1)
    (session,) = permitted.session(sandbox, "x")
    _bring_about(file, json.dumps({"projects": {str(session.repository.main): _MAIN}}), state)
    before, session = _state(file), session.__class__(**{**session._asdict(), "state": "adding"})

    claude_project.create(session)
    claude_project.create(session)
    claude_project.remove(session)

    said = capsys.readouterr().err
    assert said.count(f"permissions in {file} were not changed. ") == 1
    assert _STATES[state] in said or state == "no lock"
    assert _state(file) == before
    assert not registry.read_registry(session.repository)["x"].get("claude_entry")


def test_a_session_is_made_and_removed_all_the_same(project: Project, file: Path) -> None:
    project.configure("session: {windows: [{name: claude, claude: true}]}\n")
    file.unlink()
    file.mkdir()

    said = project.inv("session.add", "x")
    assert f"permissions in {file} were not changed. It is a directory." in said.err
    assert project.row("x")["state"] == "ready"
    project.inv("session.remove", "x")
    assert list(file.iterdir()) == []
    file.rmdir()
    assert "It does not exist." in project.inv("session.add", "x").err
    assert "It does not exist." not in project.inv("session.add", "y").err  # once is enough


def test_a_file_that_is_a_link_elsewhere_is_changed_there(sandbox: Path, file: Path) -> None:
    (session,) = permitted.session(sandbox, "x")
    target = sandbox / "dotfiles.json"
    file.unlink()
    file.symlink_to(target)
    target.write_text(json.dumps({"projects": {str(session.repository.main): _MAIN}}))

    claude_project.create(session)
    claude_writer.count_up(file, "theirs")

    assert file.is_symlink() and json.loads(target.read_text())["theirs"] == 1
    assert entry(session.worktree) == {"allowedTools": ["A", "B"]}
