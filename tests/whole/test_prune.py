"""What `session.prune` forgets, and when."""

import json
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from tasks.store import archive
from tasks.system import locks
from testing import dirty
from testing.project import Project


@pytest.fixture
def removed(project: Project) -> Project:
    """Return the project with one archive of 40 days and one of today."""
    project.configure(dirty.LIGHT)
    for name in ("old", "new"):
        project.inv("session.add", name)
        (project.worktree(name) / "work").write_text(name)
        project.inv("session.remove", name, "--force")
    _make_older(project, "old", "20200101T000000.000000")
    return project


def _directory(project: Project, name: str) -> Path:
    return next((project.main / ".git" / "tally-sessions" / "removed" / name).iterdir())


def _make_older(project: Project, name: str, stamp: str) -> None:
    directory = _directory(project, name)
    commit = project.git("rev-parse", f"refs/tally/removed/{name}/{directory.name}")
    project.git("update-ref", "-d", f"refs/tally/removed/{name}/{directory.name}")
    project.git("update-ref", f"refs/tally/removed/{name}/{stamp}", commit)
    directory.rename(directory.with_name(stamp))


def _names(project: Project) -> list[str]:
    return [each["name"] for each in project.inv("session.list", "--removed", "--json").json]


def test_a_dry_run_changes_nothing_and_the_real_one_says_the_same(removed: Project) -> None:
    removed.git("update-ref", "refs/tally/removed/killed/20200101T000000.000000", "HEAD")
    (_directory(removed, "old") / "files").mkdir(exist_ok=True)
    (_directory(removed, "old") / "files" / "large").write_bytes(bytes(500_000))
    (_directory(removed, "old") / "size").write_text("500000")
    would = removed.inv("session.prune", "--dry-run").out
    assert _names(removed) == ["new", "old"]

    refused = removed.inv("session.prune", code=1)
    assert refused.err.startswith("1 saved copy (500 kB) would be deleted for good:\n  old: removed 2020-01-01 00:00")
    assert refused.err.endswith("(its work may exist nowhere else)\nRun: inv session.prune --yes\n")
    assert _names(removed) == ["new", "old"]
    assert 'Did you mean "old"?' in removed.inv("session.prune", "olde", code=1).err

    did = removed.inv("session.prune", "--yes").out

    assert would.replace("Would delete", "Deleted") == did
    assert did.startswith("Deleted old: removed 2020-01-01 00:00")
    assert ", 500 kB" in did
    assert _names(removed) == ["new"]
    left = removed.git("for-each-ref", "--format=%(refname)", "refs/tally")
    assert "/old/" not in left
    assert "/killed/" not in left, "no archive belongs to it"


def test_what_another_command_is_at_stays(removed: Project) -> None:
    going_on = f"refs/tally/removed/x/{datetime.now():{archive.FORM}}"  # its archive is not complete yet
    removed.git("update-ref", going_on, "HEAD")
    with ExitStack() as until:
        assert locks.try_file_lock(removed.main / ".git" / "tally-sessions" / "session-old.lock", until)
        said = removed.inv("session.prune", "--days", "0", "-y")

    assert "old stays" in said.err
    assert "Deleted old" not in said.out
    assert _names(removed) == ["old"]
    assert going_on in removed.git("for-each-ref", "--format=%(refname)", "refs/tally")


@pytest.mark.parametrize("days, left", [("0.00000001", []), ("0", []), ("1", ["new"]), ("1e9", ["new", "old"])])
def test_days_say_how_old(removed: Project, days: str, left: list[str]) -> None:
    command = ["session.prune", "--days", days]
    if left != ["new", "old"]:
        assert "would be deleted for good" in removed.inv(*command, code=1).err
    removed.inv(*command, "--yes")

    assert _names(removed) == left


def test_a_negative_age_is_refused(removed: Project) -> None:
    removed.inv("session.prune", "--days=-1", code=1)

    assert _names(removed) == ["new", "old"]


def test_the_configuration_says_how_old_by_default(removed: Project) -> None:
    removed.configure("session: {keep_removed: .inf}\n")

    said = removed.inv("session.prune").out

    assert said.startswith("Nothing to delete: saved copies take ")
    assert said.endswith(" (setting keep_removed_size: 5.0 GB).\n")
    assert _names(removed) == ["new", "old"]


def test_one_damaged_archive_hides_no_other(removed: Project) -> None:
    (_directory(removed, "old") / "row.json").write_text("{")
    whole = _directory(removed, "new") / "row.json"
    facts = json.loads(whole.read_text())
    del facts["row"]["creates_branch"]  # nobody needs that to be there
    whole.write_text(json.dumps(facts))

    assert _names(removed) == ["new"]
    removed.inv("session.restore", "new")


def test_what_a_killed_restore_still_needs_is_not_forgotten(removed: Project) -> None:
    directory = _directory(removed, "old")
    row = {**json.loads((directory / "row.json").read_text())["row"], "state": "adding", "archive": str(directory)}
    (removed.main / ".tally-sessions").write_text(json.dumps({"old": row}))

    removed.inv("session.prune", "--days", "0", "--yes")

    assert _names(removed) == ["old"]
