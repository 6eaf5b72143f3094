"""A `git worktree add` that was killed before it wrote one of its files: the next command finishes it."""

import json
import shutil
from pathlib import Path

import pytest

from testing import traced, tracer
from testing.project import Project, eventually
from testing.traced import Attempt

_ENDED_GIT = """#!/bin/sh
case " $* " in *" worktree add "*) mkdir -p {record}; exit 143;; esac
exec {git} "$@"
"""
_LOCKING_GIT = """#!/bin/sh
{git} "$@" || exit
case " $* " in *" worktree add "*) printf initializing > {lock};; esac
"""


def test_an_add_takes_back_what_a_git_began_that_a_signal_ended(project: Project, sandbox: Path) -> None:
    before, wrapper = project.world(), sandbox / "bin" / "git"
    record = project.main / ".git" / "worktrees" / "tally-z"
    wrapper.write_text(_ENDED_GIT.format(record=record, git=shutil.which("git")))
    wrapper.chmod(0o755)

    project.inv("session.add", "z", code=1)

    wrapper.unlink()
    assert not record.exists()
    assert project.world() == before


def test_the_lock_of_a_worktree_that_git_makes_does_not_stay(project: Project, sandbox: Path) -> None:
    lock, wrapper = project.main / ".git" / "worktrees" / "tally-z" / "locked", sandbox / "bin" / "git"
    wrapper.write_text(_LOCKING_GIT.format(lock=lock, git=shutil.which("git")))
    wrapper.chmod(0o755)

    project.inv("session.add", "z")

    wrapper.unlink()
    assert not lock.exists()
    project.inv("session.remove", "z")


def test_an_incomplete_record_of_git_is_deleted_and_not_only_put_aside(project: Project) -> None:
    project.configure("session: {windows: [], copy: [], link: [], env: {}}\n")
    project.inv("session.add", "z")
    for name in ("gitdir", "HEAD"):
        (project.main / ".git" / "worktrees" / "tally-z" / name).unlink()

    file = project.main / ".tally-sessions"
    rows = json.loads(file.read_text())
    rows["z"]["state"] = "removing"  # as an earlier version that was killed while git deleted its record
    file.write_text(json.dumps(rows))

    project.inv("session.remove", "z")

    trash = project.main / ".git" / "tally-sessions" / "trash"
    eventually(lambda: not any(trash.iterdir()))
    assert "deletion" not in project.inv("session.doctor", code=None).out


@pytest.mark.slow
@pytest.mark.skipif(bool(tracer.missing()), reason=f"no kills: {tracer.missing()}")
def test_what_git_began_and_never_wrote_is_finished_by_the_next_command(project: Project) -> None:
    project.configure("session: {windows: [], copy: [], link: [], env: {}}\n")
    before = project.world()
    record = project.main / ".git" / "worktrees" / "tally-z"
    for file in (
        record / "locked",
        record / "gitdir",
        project.worktree("z") / ".git",
        record / "HEAD",
        record / "commondir",
    ):
        killed = traced.run(project, ("session.add", "z"), Attempt(0, "all", f"write {file}"))
        assert (killed.code, file.read_bytes()) == (137, b""), file

        project.inv("session.list")
        other = project.inv("session.add", "y", code=None)  # git may refuse to say anything about the repository
        if other.code:
            assert "Run: inv session.doctor --fix" in other.err, file
        else:
            project.inv("session.remove", "y")
        project.inv("session.add", "z")
        assert [path.name for path in record.parent.iterdir()] == ["tally-z"]
        assert project.git("status", "--porcelain", cwd=project.worktree("z")) == ""
        project.inv("session.remove", "z", "--force")
        assert project.world()["files"] == before["files"], file
