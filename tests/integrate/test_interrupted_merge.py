"""A merge that was killed is taken back, or recognised as done, by the next command."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tasks.hosts import handover_steps
from tasks.integrate import interrupted_sync
from tasks.integrate.interrupted_merge import Landing, note_landing
from tasks.model import Repository
from testing import sessions
from testing.origin import commit
from testing.project import Project


@pytest.fixture
def worked(sandbox: Path) -> Project:
    """Return a repository with the session x, which changes, adds and deletes files, and work in the main checkout."""
    files = {"changed": "1\n", "deleted": "1\n", "changed too": "1\n", "beside": "1\n"}
    project = sessions.repository(sandbox / "dev" / "tally", files)
    tree = sessions.add(project, "x", {"changed": "2\n", "changed too": "2\n", "deep/er/added": "2\n", "empty": "2\n"})
    project.git("rm", "--quiet", "deleted", cwd=tree)
    commit(project, tree, "more", "2\n")
    (project.main / "beside").write_text("mine\n")
    (project.main / "untracked").write_text("mine\n")
    return project


def _killed(project: Project, *, staged: bool) -> Landing:
    """Leave what a merge leaves that is killed while git writes files, or (*staged*) before git moves the branch."""
    old, new = project.git("rev-parse", "main"), project.git("rev-parse", "x")
    landing = Landing("refs/heads/main", old, new, new)
    note_landing(Repository(project.main, project.main / ".git"), "x", landing)
    written = {"changed": "2\n", "deep/er/added": "2\n", "changed too": "2\n"}
    if staged:
        project.git("read-tree", "-m", old, new)
        written |= {"empty": "2\n", "more": "2\n"}
    else:
        (project.main / "empty").touch()  # made, and not written yet
    sessions.write(project.main, written)
    (project.main / "deleted").unlink()
    return landing


@pytest.mark.parametrize("staged", [False, True])
@pytest.mark.parametrize("command", [("session.merge", "x"), ("session.doctor", "--fix")])
def test_what_a_killed_merge_wrote_is_taken_back_and_it_is_done_again(
    worked: Project, staged: bool, command: tuple[str, ...]
) -> None:
    landing = _killed(worked, staged=staged)
    (worked.main / "changed too").write_text("edited since\n")
    assert "x: session.merge was interrupted" in worked.inv("session.doctor", code=1).out

    said = worked.inv(*command, code=None)

    status = worked.git("status", "--porcelain").splitlines()
    assert "would be overwritten" in said.err if command[0] == "session.merge" else True
    left = {line.strip() for line in status} - {"?? .tally-sessions"}
    assert left == {"?? untracked", "M beside", 'M "changed too"'}
    assert not (worked.main / "deep").exists()
    assert worked.git("rev-parse", "main") == landing.old
    worked.git("checkout", "--quiet", "--", "changed too")
    worked.inv("session.merge", "x")
    assert worked.git("rev-parse", "main") == landing.new
    assert [(worked.main / name).read_text() for name in ("beside", "untracked")] == ["mine\n"] * 2


def test_a_killed_squash_that_had_landed_is_not_merged_twice(worked: Project) -> None:
    worked.git("stash", "--quiet")
    worked.inv("session.merge", "x", "--squash")
    row = worked.row("x")
    old, new, tip = worked.git("rev-parse", "main~1"), row["merged_as"], row["merged_tip"]
    repository = Repository(worked.main, worked.main / ".git")
    note_landing(repository, "x", Landing("refs/heads/main", old, new, tip))

    said = worked.inv("session.merge", "x", "--squash").out

    assert said == f"x was merged into main at {new[:10]} before the interruption.\n"
    assert worked.git("rev-parse", "main") == new
    assert worked.row("x")["landing"] == ""
    assert f"x was already merged into main as {new[:10]}" in worked.inv("session.merge", "x", "--squash", code=1).err
    assert "interrupted" not in worked.inv("session.doctor", code=None).out


def test_a_merge_that_git_refuses_leaves_no_note(worked: Project) -> None:
    (worked.main / "changed").write_text("mine\n")

    assert "would be overwritten" in worked.inv("session.merge", "x", code=1).err

    assert worked.row("x")["landing"] == ""
    assert os.path.exists(worked.main / "changed")


def test_a_merge_that_git_refuses_at_the_branch_itself_leaves_no_file_deleted(worked: Project) -> None:
    lock = worked.main / ".git" / "refs" / "heads" / "main.lock"
    lock.touch()

    assert "main.lock': File exists" in worked.inv("session.merge", "x", code=1).err

    lock.unlink()
    status = {line.strip() for line in worked.git("status", "--porcelain").splitlines()}
    assert status - {"?? .tally-sessions"} == {"M beside", "?? untracked"}
    worked.inv("session.merge", "x")
    assert (worked.main / "deep" / "er" / "added").read_text() == "2\n"


def _killed_sync(project: Project, *, staged: bool) -> Path:
    """Leave what a sync by merge leaves that is killed before git notes the merge; return the worktree."""
    sessions.write(project.main, {"changed": "main\n", "beside": "main\n", "d/new": "main\n"})
    project.git("add", "changed", "beside", "d/new")
    project.git("rm", "--quiet", "deleted")
    commit(project, project.main, "further", "main\n")
    project.git("update-ref", "refs/remotes/origin/x", "x")
    session = handover_steps.ready_session("x", Repository(project.main, project.main / ".git"))
    tree, admin = session.worktree, project.main / ".git" / "worktrees" / "tally-x"
    index = (admin / "index").read_bytes()
    with suppress(KeyboardInterrupt), interrupted_sync.noted_step(session, "merge", project.git("rev-parse", "main")):
        with suppress(subprocess.CalledProcessError):
            project.git("merge", "--quiet", project.git("rev-parse", "main"), cwd=tree)
        raise KeyboardInterrupt
    for name in ("MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "AUTO_MERGE"):
        (admin / name).unlink()
    if not staged:
        (admin / "index").write_bytes(index)
    (tree / "d" / "mine").write_text("mine\n")
    return tree


@pytest.mark.parametrize(
    ("command", "staged"),
    [("session.sync", False), ("session.sync --abort", True), ("session.doctor --fix", False), ("session.merge", True)],
)
def test_what_a_killed_sync_wrote_is_taken_back(worked: Project, command: str, staged: bool) -> None:
    tree = _killed_sync(worked, staged=staged)
    assert "<<<<" in (tree / "changed").read_text()
    assert "x: session.sync was interrupted" in worked.inv("session.doctor", code=1).out
    task, *words = command.split()

    said = worked.inv(task, *["x"] * (task != "session.doctor"), *words, code=None)

    if command == "session.sync":
        assert "Rebase stopped" in said.err or "Merge stopped: x conflicts with main in changed" in said.err
        worked.inv("session.sync", "x", "--abort")
    assert worked.git("status", "--porcelain", cwd=tree) == "?? d/"
    assert (tree / "changed").read_text() == "2\n"
    assert [path.name for path in (tree / "d").iterdir()] == ["mine"]
    assert worked.row("x")["syncing"] == ""
