"""What somebody edited while a rebase or merge waited outlives `session.sync --abort`: put back, or kept and told."""

import re
from pathlib import Path

import pytest

from testing.origin import commit
from testing.project import Project


@pytest.fixture
def waiting(project: Project, request: pytest.FixtureRequest) -> Project:
    """Return the project whose session x waits in a rebase, or in a merge, for somebody to resolve a conflict."""
    project.configure("session: {windows: []}\n")
    for name in ("beside", "hidden", "both", "theirs", "late"):
        commit(project, project.main, name, "1\n")
    project.inv("session.add", "x")
    tree = project.worktree("x")
    if request.param == "merge":
        side = project.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "side", cwd=tree)
        project.git("merge", "--quiet", "--no-ff", "--no-edit", side, cwd=tree)
    for name in ("both", "own", "late"):
        commit(project, tree, name, "mine\n")
    for name in ("both", "theirs"):
        commit(project, project.main, name, "main's\n")
    (tree / "hidden").write_text("before\n")
    project.git("update-index", "--assume-unchanged", "hidden", cwd=tree)
    assert f"{request.param.capitalize()} stopped" in project.inv("session.sync", "x", code=1).err
    return project


def _files(tree: Path) -> dict[str, str]:
    names = ("beside", "hidden", "both", "theirs", "own", "late", "new", "loose")
    return {name: (tree / name).read_text().strip() for name in names if (tree / name).exists()}


_BEFORE = {"beside": "1", "hidden": "before", "both": "mine", "theirs": "1", "own": "mine", "late": "mine"}


@pytest.mark.parametrize("waiting", ["rebase", "merge"], indirect=True)
def test_an_abort_without_any_edit_leaves_all_as_before(waiting: Project) -> None:
    tree = waiting.worktree("x")

    said = waiting.inv("session.sync", "x", "--abort")

    assert "kept" not in said.err.lower() and "saved" not in said.err.lower()
    assert _files(tree) == _BEFORE
    assert waiting.git("for-each-ref", "refs/tally") == ""


@pytest.mark.parametrize("waiting", ["rebase", "merge"], indirect=True)
def test_edits_made_meanwhile_are_put_back_or_kept_and_told(waiting: Project) -> None:
    tree = waiting.worktree("x")
    (tree / "beside").write_text("edited\n")
    (tree / "beside").chmod(0o755)
    (tree / "theirs").write_text("edited on top of main's\n")
    (tree / "both").write_text("resolved\n")
    (tree / "new").write_bytes(b"added\r\n\xff")
    waiting.git("add", "new", "beside", cwd=tree)
    (tree / "loose").write_text("untracked\n")

    said = waiting.inv("session.sync", "x", "--abort")

    now = {**_BEFORE, "beside": "edited", "loose": "untracked"}
    assert (tree / "new").read_bytes() == b"added\r\n\xff"
    (tree / "new").unlink()
    assert _files(tree) == now
    assert (tree / "beside").stat().st_mode & 0o111
    [kept] = waiting.git("for-each-ref", "--format=%(refname)", "refs/tally").split()
    assert "Saved both, theirs" in said.err
    restore = re.search(r"Restore: (.*)", said.err)
    assert restore and kept in restore[1]
    shown = {name: waiting.git("show", f"{kept}:{name}") for name in ("both", "theirs")}
    assert shown == {"both": "resolved", "theirs": "edited on top of main's"}
    assert waiting.git("rev-parse", "x") == waiting.git("rev-parse", "HEAD", cwd=tree)


@pytest.mark.parametrize("waiting", ["rebase"], indirect=True)
def test_a_file_in_the_place_of_one_that_the_branch_had_is_kept(waiting: Project) -> None:
    tree = waiting.worktree("x")
    (tree / "own").write_text("another\n")  # the rebase has not come to that commit yet

    said = waiting.inv("session.sync", "x", "--abort")

    assert _files(tree) == _BEFORE
    [kept] = waiting.git("for-each-ref", "--format=%(refname)", "refs/tally").split()
    assert "Saved own" in said.err
    assert waiting.git("show", f"{kept}:own") == "another"
