"""Nothing is removed that could not be kept, and no archive is lost on its way back or before its time."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from testing import dirty, failing_inv, traced, tracer
from testing.project import Project, eventually
from testing.traced import Attempt

_FAILING_GIT = """#!/bin/sh
case "$*" in *"{verb}"*) echo "fatal: no space left on device" >&2; exit 128;; esac
exec {real} "$@"
"""


@pytest.fixture
def worked(project: Project) -> Project:
    return dirty.worked(project)


def _assert_refused(project: Project, remove: Callable[[], str]) -> None:
    work = dirty.of(project.worktree("x"))

    said = remove()

    assert "Nothing was removed, because the session couldn't be saved first." in said
    assert "inv session.start x" in said
    assert dirty.of(project.worktree("x")) == work
    assert dirty.archives(project) == []
    project.inv("session.start", "x")
    eventually(lambda: project.listed("x")["status"] in ("running", "partial"))
    project.inv("session.remove", "x", "--force")
    project.inv("session.restore", "x")
    assert dirty.of(project.worktree("x")) == work


@pytest.mark.parametrize("verb", ["mktree", "commit-tree", "update-ref", "cat-file"])
def test_nothing_is_removed_that_git_could_not_keep(worked: Project, sandbox: Path, verb: str) -> None:
    wrapper, real = sandbox / "bin" / "git", shutil.which("git")

    def remove() -> str:
        wrapper.write_text(_FAILING_GIT.format(verb=verb, real=real))
        wrapper.chmod(0o755)
        said = worked.inv("session.remove", "x", "--force", code=1).err
        wrapper.unlink()
        return said

    _assert_refused(worked, remove)


@pytest.mark.skipif(bool(tracer.missing()) or not tracer.FAILS, reason=f"no errors: {tracer.missing()}")
@pytest.mark.parametrize("name", ["write", "rename"])
def test_nothing_is_removed_that_the_disk_has_no_room_for(worked: Project, name: str) -> None:
    remove = ("session.remove", "x", "--force")

    _assert_refused(worked, lambda: traced.run(worked, remove, Attempt(0, "EDQUOT", f"{name} /.row.json.")).said)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_nothing_is_removed_when_the_archive_cannot_be_made(worked: Project) -> None:
    private = worked.main / ".git" / "tally-sessions"
    (private / "removed").mkdir(parents=True, mode=0o500)

    def remove() -> str:
        said = worked.inv("session.remove", "x", "--force", code=1).err
        (private / "removed").chmod(0o700)
        return said

    _assert_refused(worked, remove)


def test_nothing_is_removed_when_a_file_is_where_the_archives_go(worked: Project) -> None:
    blocking = worked.main / ".git" / "tally-sessions" / "removed"
    blocking.parent.mkdir(exist_ok=True)
    blocking.touch()

    def remove() -> str:
        said = worked.inv("session.remove", "x", "--force", code=1).err
        blocking.unlink()
        return said

    _assert_refused(worked, remove)


def test_a_restore_that_was_killed_is_finished_by_remove_and_can_be_repeated(worked: Project) -> None:
    work = dirty.of(worked.worktree("x"))
    worked.inv("session.remove", "x", "--force")
    arguments = ("files", "create", "after", "SIGKILL", "session.restore", "x")
    worked.inv(*arguments, code=-signal.SIGKILL, program=failing_inv.__file__)

    assert worked.listed("x")["status"] == "adding"
    worked.inv("session.remove", "x")  # what is in it is in the archive: nothing to force
    worked.inv("session.restore", "x")

    assert dirty.of(worked.worktree("x")) == work


def test_a_restore_of_which_nothing_is_left_to_do_says_that_the_session_is_there(worked: Project) -> None:
    worked.inv("session.remove", "x", "--force")
    worked.inv("session.restore", "x")

    said = worked.inv("session.restore", "x", code=1).err

    assert "Session x already exists" in said
    assert "inv session.resume x" in said


@pytest.mark.slow
def test_a_restore_that_cannot_delete_its_copy_has_restored_all_the_same(worked: Project) -> None:
    worked.inv("session.remove", "x", "--force")
    (saved,) = dirty.archives(worked)
    lock = worked.main / ".git" / "refs" / "tally" / "removed" / "x" / f"{saved.name}.lock"
    lock.touch()

    said = worked.inv("session.restore", "x").err

    lock.unlink()
    assert "Couldn't delete all of the saved copy of x" in said
    assert worked.row("x")["state"] == "ready"
    assert "fixed" in worked.inv("session.doctor", "--fix").err
    assert worked.inv("session.doctor").out == "No problems.\n"


def test_what_is_done_in_a_session_whose_restore_was_killed_is_kept_when_that_is_undone(worked: Project) -> None:
    tree = worked.worktree("x")
    worked.inv("session.remove", "x", "--force")
    arguments = ("tmux", "create", "after", "SIGKILL", "session.restore", "x")
    worked.inv(*arguments, code=-signal.SIGKILL, program=failing_inv.__file__)
    worked.git("commit", "--quiet", "--allow-empty", "-m", "done since", cwd=tree)
    (tree / "since").write_text("since")
    (tree / "backend" / ".env").write_text("SINCE=1\n")
    work = dirty.of(tree)

    worked.inv("session.doctor", "--fix", code=None)
    worked.inv("session.restore", "x")

    assert worked.git("log", "-1", "--format=%s", cwd=tree) == "done since"
    assert dirty.of(tree) == work
    assert ((tree / "since").read_text(), (tree / "backend" / ".env").read_text()) == ("since", "SINCE=1\n")


def test_what_a_server_does_to_a_half_restored_file_is_kept_with_it(worked: Project) -> None:
    worked.inv("session.remove", "x", "--force")
    arguments = ("kept", "create", "after", "SIGKILL", "session.restore", "x")
    worked.inv(*arguments, code=-signal.SIGKILL, program=failing_inv.__file__)

    with (worked.worktree("x") / "backend" / ".env").open("a") as file:
        file.write("MORE=1\n")

    worked.inv("session.restore", "x")
    assert (worked.worktree("x") / "backend" / ".env").read_text() == "SECRET_KEY=own\nMORE=1\n"


def test_an_aborted_add_of_the_same_name_does_not_hide_an_archive(worked: Project) -> None:
    work = dirty.of(worked.worktree("x"))
    worked.inv("session.remove", "x", "--force")
    arguments = ("tmux", "create", "after", "SIGKILL", "session.add", "x")
    worked.inv(*arguments, code=-signal.SIGKILL, program=failing_inv.__file__)
    worked.inv("session.remove", "x")

    worked.inv("session.restore", "x")

    assert dirty.of(worked.worktree("x")) == work


def test_setup_that_succeeded_is_not_run_again_by_restore(project: Project) -> None:
    project.configure(dirty.LIGHT.rstrip("}\n") + ', setup: ["echo run >> backend/.env"]}\n')
    project.inv("session.add", "x")
    before = (project.worktree("x") / "backend" / ".env").read_text()

    project.inv("session.remove", "x", "--force")
    project.inv("session.restore", "x")

    assert before.count("run") == 1
    assert (project.worktree("x") / "backend" / ".env").read_text() == before
