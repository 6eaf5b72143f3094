"""A row of the registry runs what was approved when it was added; one that was changed by hand is asked for again."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.store import rows
from testing.project import Project

_CONFIGURED = "session: {windows: [{name: web, run: sleep 600}, {name: shell}], verify: ['true'], setup: ['true']}\n"
Row = dict[str, Any]
# What somebody may do to a row: each is seen.
_CHANGES: dict[str, Callable[[Row], object]] = {
    "windows.web.run": lambda row: row["windows"][0].update(run="touch ran"),
    "windows.web.directory": lambda row: row["windows"][0].update(directory="frontend"),
    "windows.more.run": lambda row: row["windows"].append({"name": "more", "run": "touch ran"}),
    "activate": lambda row: row.update(activate="touch ran"),
    "setup": lambda row: row.update(setup=["touch ran"]),
    "host": lambda row: row.update(host="evil.example"),
    "teardown": lambda row: row.update(teardown=["touch ran"]),
    "verify": lambda row: row.update(verify=["touch ran"]),
    "variables.HOME": lambda row: row["variables"].update(HOME="/tmp/x"),
    "env.frontend/.env.VITE_API_URL": lambda row: row["env"]["frontend/.env"].update(VITE_API_URL="http://evil"),
    "copy": lambda row: row.update(copy=["backend/.env", "frontend/.env"]),
    "link": lambda row: row.update(link=["backend"]),
    "agent.command": lambda row: row["agent"].update(command="/tmp/claude"),
    "agent.args": lambda row: row["agent"].update(args=["--dangerously-skip-permissions"]),
    "agent.notify": lambda row: row["agent"].update(notify="touch ran"),
    "tmux": lambda row: row.update(tmux="other"),
    "slug": lambda row: row.update(slug="../other"),
    "branch": lambda row: row.update(branch="main"),
    "scope": lambda row: row.update(scope=["frontend"]),
    "thin": lambda row: row.update(thin=["frontend"]),
    "ports.backend_port": lambda row: row.update(backend_port=row["backend_port"] + 1),
}  # fmt: skip


def _change(project: Project, name: str, change: Callable[[Row], object]) -> None:
    file = project.main / ".tally-sessions"
    rows = json.loads(file.read_text())
    change(rows[name])
    file.write_text(json.dumps(rows))


@pytest.fixture
def added(project: Project) -> Project:
    """Return the project with a stopped session x."""
    project.configure(_CONFIGURED)
    project.inv("session.add", "x")
    project.inv("session.stop", "x")
    return project


def test_a_row_that_nobody_changed_is_not_asked_for_whatever_the_configuration_says_now(added: Project) -> None:
    added.configure("session: {windows: []}\n")

    for task in ("start", "stop", "resume", "run"):
        added.inv(f"session.{task}", "x", *(["true"] if task == "run" else []))
    added.inv("session.remove", "x")
    added.inv("session.add", "x")


@pytest.mark.parametrize("sealed", [True, False])
def test_a_row_that_was_changed_is_asked_for(added: Project, sealed: bool) -> None:
    file = added.main / ".tally-sessions"
    approved = file.read_text()
    for key, change in _CHANGES.items():
        file.write_text(approved)
        _change(added, "x", change)
        if not sealed:  # as if an earlier version had made it
            _change(added, "x", lambda row: row.pop("seal"))
        before = added.world()

        said = added.inv("session.start", "x", code=1).err

        assert "Session x has values that were not approved when it was added:\n" in said, key
        assert f"    x: {key}\n" in said
        assert "Run: inv session.start x --yes\n" in said, key
        assert not (added.worktree("x") / "ran").exists(), key
        assert added.world() == before, key


def test_whatever_would_run_it_asks(added: Project) -> None:
    _change(added, "x", lambda row: row.update(activate="touch ran; true"))
    for words in (["resume"], ["run", "x", "true"], ["env", "x"], ["merge", "x"], ["pr", "x"], ["compare", "x", "x"]):
        more = ["--run", "true"] if words[0] == "compare" else []

        said = added.inv(f"session.{words[0]}", *words[1:], *more, code=1).err

        assert "    x: activate\n" in said, words
        assert not (added.worktree("x") / "ran").exists(), words


@pytest.mark.parametrize("task", ["stop", "remove"])
def test_what_a_session_is_stopped_and_removed_by_is_asked_for(added: Project, task: str) -> None:
    changes = {**_CHANGES, "worktree": lambda row: row.update(worktree=str(added.top / "other"))}
    file = added.main / ".tally-sessions"
    approved = file.read_text()
    for key in ("slug", "worktree", "tmux", *(["branch", "thin"] if task == "remove" else [])):
        file.write_text(approved)
        _change(added, "x", changes[key])
        before = added.world()

        said = added.inv(f"session.{task}", "x", code=1).err

        assert f"    x: {key}\n      " in said
        assert f"Run: inv session.{task} x --yes\n" in said, key
        assert added.world() == before, key
    for key in ("setup", *(["branch", "thin"] if task == "stop" else [])):  # it has nothing to do with that
        file.write_text(approved)
        _change(added, "x", changes[key])
        added.inv(f"session.{task}", "x")


def test_a_changed_port_is_told_with_its_old_number(added: Project) -> None:
    old = added.row("x")["backend_port"]
    _change(added, "x", lambda row: row.update(backend_port=9009))
    fact = f"ort backend_port {{}}was changed in .tally-sessions from {old} to 9009 since it was added"

    for _again in range(2):
        said = added.inv("session.resume", "x", code=1).err
        assert f"P{fact}.\n".format("of session x ") in said
        assert f"    x: ports.backend_port\n      - {old}\n      + 9009\nCorrect the row" in said
    assert f"x: p{fact}: ".format("") in added.inv("session.doctor", code=1).out
    assert added.inv("session.remove", "x", "--dry-run").out
    _change(added, "x", lambda row: row.update(backend_port=old))
    added.inv("session.resume", "x")
    assert added.inv("session.doctor", code=None).out.count(".tally-sessions") == 0


def test_what_was_approved_is_sealed_again(added: Project) -> None:
    _change(added, "x", lambda row: row["variables"].update(HOME="/tmp/x"))

    added.inv("session.start", "x", "--yes")

    added.inv("session.stop", "x")
    added.inv("session.start", "x")
    assert added.inv("session.env", "x", "--json").json["HOME"] == "/tmp/x"


def test_of_several_only_those_that_were_not_changed_are_resumed(added: Project) -> None:
    added.inv("session.add", "y")
    added.inv("session.stop", "y")
    _change(added, "x", lambda row: row.update(activate="touch ran"))

    said = added.inv("session.resume", code=1)

    assert added.listed("y")["status"] in ("running", "partial")
    assert added.listed("x")["status"] == "stopped"
    assert "    x: activate\n" in said.err


def test_doctor_brings_nothing_back_that_was_changed(added: Project) -> None:
    added.inv("session.start", "x")
    _change(added, "x", lambda row: row["windows"].append({"name": "more", "run": "touch ran"}))

    said = added.inv("session.doctor", "--fix", code=1).err

    assert "    x: windows.more.run\n" in said
    assert not (added.worktree("x") / "ran").exists()


def test_a_row_of_an_earlier_version_is_accepted_as_the_committed_configuration_has_it(added: Project) -> None:
    _change(added, "x", lambda row: row.pop("seal"))

    added.inv("session.start", "x")

    assert added.row("x")["seal"]


def test_a_row_of_another_tool_runs_what_the_configuration_says_and_that_is_asked_for(added: Project) -> None:
    _change(added, "x", lambda row: [row.pop(key) for key in list(row) if key not in ("worktree", "branch")])
    (added.main / "invoke.yaml").write_text("session: {windows: [{name: web, run: touch ran}]}\n")

    said = added.inv("session.start", "x", code=1).err

    assert "    session.windows.web.run\n      - sleep 600\n      + touch ran\n" in said
    added.git("checkout", "--quiet", "invoke.yaml")
    added.inv("session.start", "x")


def test_an_archive_that_was_changed_is_asked_for(added: Project) -> None:
    (added.worktree("x") / "work").write_text("mine")
    added.inv("session.remove", "x", "--force")
    (file,) = (added.main / ".git" / "tally-sessions" / "removed").rglob("row.json")
    facts = json.loads(file.read_text())
    facts["row"]["windows"][0]["run"] = "touch ran"
    file.write_text(json.dumps(facts))
    before = added.world()

    said = added.inv("session.restore", "x", code=1).err

    assert "    x: windows.web.run\n      - sleep 600\n      + touch ran\n" in said
    assert added.world() == before
    added.inv("session.restore", "x", "--yes")
    added.inv("session.stop", "x")
    added.inv("session.start", "x")


def test_every_part_of_a_row_is_covered_or_noted_as_it_comes_to_be(added: Project) -> None:
    row = added.row("x")
    noted = {*rows._NOTED, "setup_done", "seal", "added", "rules", "claude_entry", "claude_added"}

    covered = {key for key in row if rows.agreed_facts({**row, key: "changed"}) != rows.agreed_facts(row)}

    assert set(row) - covered == noted & set(row)


_HOSTILE = {
    "tasks.py": "import pathlib; pathlib.Path({mark!r}).touch()\n",
    "invoke.py": "import pathlib; pathlib.Path({mark!r}).touch()\nsession = {{'setup': ['touch {mark}']}}\n",
    "invoke.yaml": "session: {{setup: ['touch {mark}'], activate: 'touch {mark}'}}\nrun: {{shell: ./sh}}\n",
    "session.config.mjs": "import fs from 'fs'; fs.writeFileSync('{mark}', '')\n",
    "sh": "#!/bin/sh\ntouch {mark}\n",
    "hooks/post-checkout": "#!/bin/sh\ntouch {mark}\n",
}  # fmt: skip


def test_a_strangers_branch_runs_nothing_when_it_is_looked_at_from_the_main_checkout(
    project: Project, sandbox: Path
) -> None:
    project.configure("session: {windows: [{name: shell}]}\n")
    mark = sandbox / "ran"
    tree = sandbox / "stranger"
    project.git("worktree", "add", "--quiet", "-b", "theirs", str(tree))
    (tree / "tasks").unlink()
    (tree / "tasks").mkdir()
    for name, text in {**_HOSTILE, "tasks/__init__.py": _HOSTILE["tasks.py"]}.items():
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text(text.format(mark=str(mark)))
        (tree / name).chmod(0o755)
    project.git("add", "--all", cwd=tree)
    project.git("commit", "--quiet", "-m", "sly", cwd=tree)
    project.git("worktree", "remove", "--force", str(tree))

    project.inv("session.add", "look", "--branch", "theirs")
    for task in (["list"], ["show", "look"], ["doctor"], ["stop", "look"], ["resume"], ["remove", "look"]):
        project.inv(f"session.{task[0]}", *task[1:])

    assert not mark.exists()
    project.inv("session.add", "look", "--branch", "theirs")
    subprocess.run(["inv", "--list"], cwd=project.worktree("look"), capture_output=True, check=False)
    assert mark.exists()  # the branch would do it: this is what SECURITY.md warns of
