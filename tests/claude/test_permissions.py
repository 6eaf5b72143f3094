"""What carries permissions from the main checkout into a worktree, by the version of Claude Code, and back."""

import json
import os
import shutil
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.claude import project_entry, rules
from tasks.claude import version as claude_version
from tasks.errors import SessionError
from tasks.model import Session
from tasks.resources import claude_project, claude_rules
from tasks.store import registry
from testing import permitted
from testing.permitted import entry, install, put_rules
from testing.project import Project

_TOOLS = {"allowedTools": ["A"]}
_ALL = {**_TOOLS, "hasTrustDialogAccepted": True, "mcpServers": {"db": {"env": {"KEY": "secret"}}}}


@pytest.fixture
def session(sandbox: Path) -> Session:
    return permitted.session(sandbox, "x")[0]


def put_entry(session: Session, main: dict[str, Any], own: dict[str, Any] | None = None) -> str:
    """Write `.claude.json` with the entries of the main checkout and, if any, the worktree; return its text."""
    entries = {str(session.repository.main): main, **({str(session.worktree): own} if own is not None else {})}
    text = json.dumps({"projects": entries}, indent=2)
    Path("~/.claude.json").expanduser().write_text(text)
    return text


@pytest.mark.parametrize(("said", "copied", "carried"), [
    ("2.1.329 (Claude Code)", False, _TOOLS), ("2.1.211 (Claude Code)", False, _TOOLS),
    ("2.1.210 (Claude Code)", True, _TOOLS), ("2.1.63 (Claude Code)", True, _TOOLS),
    ("2.1.62 (Claude Code)", True, _ALL), ("1.0.128 (Claude Code)", True, _ALL), ("what?", True, _TOOLS),
])  # fmt: skip
def test_the_version_decides_what_is_carried_over(
    session: Session,
    sandbox: Path,
    capsys: pytest.CaptureFixture[str],
    said: str,
    copied: bool,
    carried: dict[str, Any],
) -> None:
    install(sandbox, said)
    source = put_rules(session.repository.main, allow=["A"])
    before = put_entry(session, {**_ALL, "history": ["h"], "lastCost": 1, "exampleFiles": ["e"]})

    for resource in (claude_project, claude_rules):
        resource.create(session)

    copy = session.worktree / rules.FILE
    assert copy.exists() == copied
    assert entry(session.worktree) == carried
    assert ("the installed version is unknown" in capsys.readouterr().err) == (said == "what?")
    assert [*claude_project.problems(session), *claude_rules.problems(session)] == []
    if copied:
        assert (copy.read_bytes(), stat.S_IMODE(copy.stat().st_mode)) == (source.read_bytes(), 0o600)
        assert "/.claude/settings.local.json\n" in (session.repository.common / "info" / "exclude").read_text()
        copy.unlink()
        assert "settings.local.json is missing" in claude_rules.problems(session)[0].what
        copy.write_text("{}")
        claude_rules.create(session)
        assert copy.read_text() == "{}"
    claude_project.remove(session)
    assert Path("~/.claude.json").expanduser().read_text() == before
    assert "secret" not in registry.registry_path(session.repository).read_text()


def test_rules_that_came_with_the_branch_were_not_granted_in_the_session(session: Session) -> None:
    put_rules(session.worktree, allow=["A"])
    claude_rules.create(session._replace(state="adding"))
    put_rules(session.worktree, allow=["A", "B"])
    claude_rules.create(session._replace(state="adding", archive="/restored"))
    claude_rules.create(session)

    assert registry.read_registry(session.repository)["x"]["rules"] == {"allow": ["A"]}
    assert rules.granted_rules(session).comparison.new == {"allow": ["B"]}


def test_trust_is_never_invented_and_nothing_of_the_worktrees_own_is_lost(session: Session, sandbox: Path) -> None:
    install(sandbox, "2.1.62")
    for trust in (False, 1, "yes", None):
        before = put_entry(session, {"hasTrustDialogAccepted": trust, "mcpServers": {}})
        claude_project.create(session)
        assert Path("~/.claude.json").expanduser().read_text() == before

    put_entry(session, {"hasTrustDialogAccepted": True})
    claude_project.create(session)
    assert entry(session.worktree) == {"hasTrustDialogAccepted": True, "allowedTools": []}

    registry.note_facts(session.repository, "x", claude_entry="")
    own = {"mcpServers": {"own": {}}, "allowedTools": ["Own"], "hasTrustDialogAccepted": False, "lastCost": 2}
    put_entry(session, {**_ALL, "disabledMcpjsonServers": ["d"]}, own)
    claude_project.create(session)
    claude_project.create(session)
    trusted = {"hasTrustDialogAccepted": True, "allowedTools": ["A", "Own"], "disabledMcpjsonServers": ["d"]}
    assert entry(session.worktree) == {**own, **trusted}
    claude_project.remove(session)
    assert entry(session.worktree) == {key: own[key] for key in ("mcpServers", "allowedTools", "lastCost")}


def test_what_another_program_undid_is_written_again_and_not_for_ever(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project_entry, "_SETTLE", 0.0)
    before = put_entry(session, _TOOLS)
    claude_project.create(session)
    put_entry(session, _TOOLS)

    claude_rules.create(session)

    assert entry(session.worktree) == _TOOLS
    give = project_entry.give_entry

    def undone(session: Session) -> None:
        give(session)
        Path("~/.claude.json").expanduser().write_text(before)

    monkeypatch.setattr(project_entry, "give_entry", undone)
    put_entry(session, _TOOLS)
    claude_project.create(session)
    claude_rules.create(session)
    assert "Another program keeps undoing the permissions" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["not JSON", "[]", "directory", "link out", "no room"])
def test_rules_that_cannot_be_copied_are_told_of(
    session: Session, sandbox: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    install(sandbox, "2.1.197")
    source = put_rules(session.repository.main, allow=["A"])
    if damage == "directory":
        source.unlink()
        source.mkdir()
    elif damage == "link out":
        (sandbox / "elsewhere").mkdir()
        (session.worktree / ".claude").symlink_to(sandbox / "elsewhere")
    elif damage == "no room":
        (session.worktree / ".claude").write_text("")
    else:
        source.write_text(damage)

    claude_rules.create(session)

    assert "settings.local.json was not copied: " in capsys.readouterr().err
    assert not (session.worktree / rules.FILE).exists()
    assert not (sandbox / "elsewhere").exists() or not any((sandbox / "elsewhere").iterdir())


def test_the_version_is_asked_for_once_until_the_program_changes(
    sandbox: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(sandbox, "2.1.197 (Claude Code)")
    assert [claude_version.installed_version(), claude_version.installed_version()] == [(2, 1, 197)] * 2
    assert permitted.asked(sandbox) == 1

    install(sandbox, "2.1.212 (Claude Code)")
    assert claude_version.installed_version() == (2, 1, 212)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 25 * 3600)  # a shim stays the same when what it starts changes
    assert (claude_version.installed_version(), permitted.asked(sandbox)) == ((2, 1, 212), 3)

    assert claude_version.shares_rules((2, 1, 211), session.repository)
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: 12345)  # then Claude Code does not share them either
        assert not claude_version.shares_rules((2, 1, 211), session.repository)
    (sandbox / "bin" / "claude").write_text("#!/bin/sh\nsleep 60\n")
    monkeypatch.setattr(claude_version, "_PATIENCE", 0.1)
    assert claude_version.installed_version() is None
    assert claude_version.installed_version("no-such-program") is None


def test_the_real_program_says_its_version_as_expected(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(sandbox / "config"))  # old ones write even when only asked for that
    (sandbox / "bin" / "claude").unlink()
    if shutil.which("claude") is None:
        pytest.skip("no Claude Code is installed")

    version = claude_version.installed_version()

    assert version is not None and version > (1, 0, 0)


@pytest.mark.parametrize(("base", "ours", "theirs", "expected"), [
    ({}, {"allow": ["A"]}, {}, {"new": {"allow": ["A"]}}),
    ({}, {"allow": ["A"]}, {"allow": ["A"]}, {}),
    ({"allow": ["A"]}, {"allow": ["A", "B"]}, {"allow": ["A"]}, {"new": {"allow": ["B"]}}),
    ({"allow": ["A"]}, {"allow": ["A"]}, {}, {"revoked": {"allow": ["A"]}}),
    ({"allow": ["A"]}, {}, {"allow": ["A"]}, {"dropped": {"allow": ["A"]}}),
    ({}, {"allow": ["A"]}, {"deny": ["A"]}, {"conflicts": {"allow": ["A"]}}),
    ({"allow": ["A"]}, {"allow": ["A"]}, {"deny": ["A"]}, {"revoked": {"allow": ["A"]}}),
    ({"allow": ["A"]}, {"deny": ["A"]}, {"allow": ["A"]}, {"conflicts": {"deny": ["A"]}, "dropped": {"allow": ["A"]}}),
    ({"ask": ["A"]}, {"ask": ["A"], "deny": ["Z", "Y"]}, {"ask": ["A"]}, {"new": {"deny": ["Z", "Y"]}}),
])  # fmt: skip
def test_rules_are_compared_three_ways(
    base: rules.Rules, ours: rules.Rules, theirs: rules.Rules, expected: dict[str, rules.Rules]
) -> None:
    nothing: dict[str, rules.Rules] = {"new": {}, "revoked": {}, "dropped": {}, "conflicts": {}}

    assert rules.compare_rules(base, ours, theirs)._asdict() == {**nothing, **expected}


@pytest.mark.parametrize(
    "damage", ["{", "[]", '{"permissions": []}', '{"permissions": {"allow": {}}}', "read-only", ""]
)
def test_a_main_checkout_whose_rules_cannot_be_changed_keeps_them(session: Session, damage: str) -> None:
    file = put_rules(session.repository.main, allow=["A"])
    if damage == "read-only":
        file.chmod(0o400)
    else:
        file.write_text(damage)
    before = file.read_bytes()

    with pytest.raises(SessionError, match=r"Fix the file|read-only"):
        rules.merge_rules(session.repository, {}, {"allow": ["B"]})

    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_what_is_granted_in_a_session_can_be_given_to_the_main_checkout(project: Project, sandbox: Path) -> None:
    install(sandbox, "2.1.197 (Claude Code)")
    main = put_rules(project.main, allow=["A", "B"], deny=["D"])
    project.git("config", "core.excludesFile", str(sandbox / "ignored"))  # as Claude Code itself does
    (sandbox / "ignored").write_text("**/.claude/settings.local.json\n")
    said = project.inv("session.add", "x")
    assert "copy .claude/settings.local.json (3 rules) for Claude Code 2.1.197" in said.err
    (sandbox / "ignored").unlink()
    own = project.worktree("x") / rules.FILE
    assert project.git("status", "--porcelain", cwd=project.worktree("x")) == ""
    assert "No new permission rules in x." in project.inv("session.permissions", "x").out

    put_rules(project.worktree("x"), allow=["A", "B", "New(é \x1b[2J)"], ask=["D"], deny=["D"])
    put_rules(project.main, allow=["A"], deny=["D"])
    shown = project.inv("session.permissions", cwd=project.worktree("x")).out
    assert "\x1b" not in shown
    assert [line for line in shown.splitlines() if line.startswith("  ")] == [
        "  + allow 'New(é \\x1b[2J)'", "  - allow B", "  ! ask   D",
    ]  # fmt: skip
    assert "inv session.permissions x --merge" in shown
    assert json.loads(main.read_text())["permissions"]["allow"] == ["A"]
    assert "are still allowed here: B" in project.inv("session.doctor", code=1).out

    found = project.inv("session.permissions", "x", "--merge", "--json").json
    assert (found["merged"], found["new"], found["shared"]) == ({"allow": ["New(é \x1b[2J)"]}, {}, False)
    now = json.loads(main.read_text())
    assert now["permissions"] == {"allow": ["A", "New(é \x1b[2J)"], "deny": ["D"], "defaultMode": "plan"}
    assert (now["env"], stat.S_IMODE(main.stat().st_mode)) == ({"TOKEN": "é"}, 0o600)
    put_rules(project.main, allow=["A"], deny=["D"])
    assert project.inv("session.permissions", "x", "--json").json["revoked"]["allow"] == ["B", "New(é \x1b[2J)"]

    put_rules(project.worktree("x"), allow=["A", "B", "Late"])
    removed = project.inv("session.remove", "x")
    assert "1 permission rule of x is not in the main checkout." in removed.err
    assert project.git("status", "--porcelain") == "?? .claude/"  # as before: git was never told to ignore it there
    merged = project.inv("session.permissions", "x", "--merge").out
    assert f"Added to {main}:\n  + allow Late" in merged
    project.inv("session.restore", "x")
    restored = project.inv("session.permissions", "x", "--json").json
    assert (restored["new"], restored["revoked"], own.exists()) == ({}, {"allow": ["B"]}, True)
    own.write_text("{")
    assert "is not valid JSON" in project.inv("session.permissions", "x", code=1).err
    install(sandbox, "2.1.329 (Claude Code)")
    own.unlink()
    assert "saves rules in" in project.inv("session.permissions", "x").out
    project.inv("session.remove", "x", "--force")
    assert 'No session "y".' in project.inv("session.permissions", "y", code=1).err


def test_echo_shows_what_changes_in_the_files_of_claude_code(project: Project, sandbox: Path) -> None:
    install(sandbox, "2.1.197 (Claude Code)")
    main, own = (place / rules.FILE for place in (project.main, project.worktree("x")))
    put_rules(project.main, allow=["A"])
    file = Path("~/.claude.json").expanduser()
    file.write_text(json.dumps({"projects": {str(project.main): {"allowedTools": ["Hidden"]}}}))

    added = project.inv("--echo", "session.add", "x").err
    put_rules(project.worktree("x"), allow=["A", "Hidden"])
    merged = project.inv("--echo", "session.permissions", "x", "--merge").err
    removed = project.inv("--echo", "session.remove", "x").err

    assert f"+ cp {main} {own}\n" in added
    assert f"+ # set allowedTools of {project.worktree('x')} in {file}\n" in added
    assert f"+ # add 1 permission rule to {main}\n" in merged
    assert f"+ # remove what was set of {project.worktree('x')} in {file}\n" in removed
    assert "Hidden" not in added + merged + removed
