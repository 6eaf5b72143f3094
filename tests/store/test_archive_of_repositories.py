"""What git keeps in odd places comes back too: detached commits, repositories in repositories, kept branches."""

import subprocess
from pathlib import Path

import pytest

from testing import dirty
from testing.project import Project, make


@pytest.fixture
def added(project: Project) -> Project:
    """Return the project with the session x, in which only `sleep` runs."""
    project.configure(dirty.LIGHT)
    project.inv("session.add", "x")
    return project


def _commit(project: Project, place: Path, name: str = "mine") -> str:
    (place / name).write_text(name)
    project.git("add", name, cwd=place)
    project.git("commit", "--quiet", "-m", name, cwd=place)
    return project.git("rev-parse", "HEAD", cwd=place)


def _collect(project: Project) -> None:
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "--quiet", "--prune=now")


@pytest.mark.parametrize("unclean", [False, True], ids=["clean", "with changes"])
@pytest.mark.parametrize("tipped", [False, True], ids=["branch at its start", "branch with commits"])
def test_a_detached_head_survives_a_garbage_collection(added: Project, unclean: bool, tipped: bool) -> None:
    worktree = added.worktree("x")
    tip = _commit(added, worktree, "on the branch") if tipped else added.git("rev-parse", "x")
    added.git("checkout", "--quiet", "--detach", cwd=worktree)
    head = _commit(added, worktree)
    if unclean:
        (worktree / "new").touch()

    added.inv("session.remove", "x", "--force")
    _collect(added)
    added.inv("session.restore", "x")

    assert added.git("rev-parse", "HEAD", "x", cwd=worktree).split() == [head, tip]
    assert added.git("branch", "--show-current", cwd=worktree) == ""
    assert (worktree / "new").exists() == unclean


def test_work_survives_a_garbage_collection(added: Project) -> None:
    worktree = added.worktree("x")
    dirty.make(added, worktree)
    before = dirty.of(worktree)

    added.inv("session.remove", "x", "--force")
    _collect(added)
    added.inv("session.restore", "x")

    assert dirty.of(worktree) == before


def test_a_session_without_commits_survives_its_base(added: Project) -> None:
    """Its start may be a commit that the base was rewritten away from."""
    (added.worktree("x") / "backend" / ".env").write_text("OWN=1\n")
    start = added.git("rev-parse", "x")

    added.inv("session.remove", "x", "--force")
    added.git("commit", "--quiet", "--amend", "-m", "rewritten")
    _collect(added)
    added.inv("session.restore", "x")

    assert added.git("rev-parse", "x") == start
    assert (added.worktree("x") / "backend" / ".env").read_text() == "OWN=1\n"


def test_a_nested_repository_comes_back_whole(added: Project) -> None:
    """With a branch whose name is that of a directory which package managers make anew."""
    nested = make(added.worktree("x") / "nested")
    nested.git("branch", "target")
    nested.git("checkout", "--quiet", "target")
    commit = _commit(nested, nested.main)
    nested.git("checkout", "--quiet", "main")
    (nested.main / "changed").write_text("nowhere else\n")

    added.inv("session.remove", "x", "--force")
    added.inv("session.restore", "x")

    assert nested.git("rev-parse", "target") == commit
    assert nested.git("status", "--porcelain") == "?? changed"
    nested.git("fsck", "--strict")


def test_commits_in_a_submodule_come_back(added: Project) -> None:
    library = make(added.top / "library")
    worktree = added.worktree("x")
    added.git("submodule", "--quiet", "add", str(library.main), "library", cwd=worktree)
    added.git("commit", "--quiet", "-m", "submodule", cwd=worktree)
    commit = _commit(added, worktree / "library")

    removed = added.inv("session.remove", "x", "--force", code=None)
    if removed.code == 0:  # to refuse is as good
        added.inv("session.restore", "x")

    assert added.git("cat-file", "-t", commit, cwd=worktree / "library") == "commit"


def test_a_session_on_an_unborn_branch_can_be_removed_and_restored(added: Project) -> None:
    worktree = added.worktree("x")
    added.git("checkout", "--quiet", "--orphan", "fresh", cwd=worktree)
    (worktree / "new").write_text("new\n")

    added.inv("session.remove", "x", "--force")
    added.inv("session.restore", "x")

    assert (worktree / "new").read_text() == "new\n"


@pytest.mark.parametrize("kept", ["--keep-branch", "existing"])
def test_a_kept_branch_is_checked_out_again_and_kept_again(project: Project, kept: str) -> None:
    project.configure(dirty.LIGHT)
    if kept == "existing":
        project.git("branch", "x")
    project.inv("session.add", "x")
    commit = _commit(project, project.worktree("x"))

    project.inv("session.remove", "x", *([kept] if kept != "existing" else []))
    assert project.git("rev-parse", "x") == commit
    project.inv("session.restore", "x")
    assert project.git("rev-parse", "HEAD", cwd=project.worktree("x")) == commit
    project.inv("session.remove", "x", "--force")

    assert project.git("rev-parse", "x") == commit


def test_a_merge_with_conflicts_waits_in_a_sparse_checkout_with_empty_directories(added: Project) -> None:
    worktree = added.worktree("x")
    for place in (worktree, added.main):
        (place / "both").write_text(f"{place}\n")
        added.git("add", "both", cwd=place)
        _commit(added, place, f"only in {place.name}")
    added.git("branch", "theirs")
    added.git("reset", "--quiet", "--hard", "HEAD~1")
    argv = ["git", "-C", str(worktree), "merge", "theirs"]
    assert subprocess.run(argv, capture_output=True, check=False).returncode == 1
    (worktree / "backend" / "new").write_text("staged\n")
    added.git("add", "backend/new", cwd=worktree)
    (worktree / "backend" / "new").write_text("staged, and more\n")
    for path in ("backend/empty", "fresh/deep/er", "frontend/node_modules"):
        (worktree / path).mkdir(parents=True, exist_ok=True)
    (worktree / "fresh" / "file").touch()
    added.git("sparse-checkout", "set", "backend", cwd=worktree)
    (worktree / "frontend").mkdir(exist_ok=True)
    (worktree / "frontend" / "server.py").write_text("changed outside of what is checked out\n")
    before, text = dirty.of(worktree), (worktree / "both").read_text()

    assert "A git operation is in progress in" in added.inv("session.remove", "x", code=1).err
    added.inv("session.remove", "x", "--force")
    added.git("branch", "-D", "theirs")
    _collect(added)
    said = added.inv("session.restore", "x")

    assert "<<<<<<<" in text
    assert dirty.of(worktree) == before
    assert "git's notes" not in said.err
    assert dirty.archives(added) == []
    assert not (worktree / "frontend" / "package.json").exists()
    assert added.git("sparse-checkout", "list", cwd=worktree) == "backend"
    assert (worktree / "backend" / "empty").is_dir()
    assert (worktree / "fresh" / "deep" / "er").is_dir()
    added.git("add", "--sparse", "--all", cwd=worktree)
    added.git("commit", "--quiet", "--no-edit", cwd=worktree)
    assert len(added.git("log", "-1", "--format=%p", cwd=worktree).split()) == 2


def test_a_rebase_that_waits_comes_back_and_can_be_aborted(added: Project) -> None:
    worktree = added.worktree("x")
    for place in (worktree, added.main):
        (place / "both").write_text(f"{place}\n")
        added.git("add", "both", cwd=place)
        _commit(added, place, place.name)
    argv = ["git", "-C", str(worktree), "rebase", "main"]
    assert subprocess.run(argv, capture_output=True, check=False).returncode == 1
    text = (worktree / "both").read_text()

    added.inv("session.remove", "x", "--force")
    added.inv("session.restore", "x")

    assert (worktree / "both").read_text() == text
    assert dirty.archives(added) == []
    added.git("rebase", "--abort", cwd=worktree)
    assert added.git("branch", "--show-current", cwd=worktree) == "x"
