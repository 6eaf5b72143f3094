"""A merge that git refuses or ends halfway: only what this merge wrote is taken back, and git's reason is told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from testing.origin import commit
from testing.project import Project

_FLAGS = ("--assume-unchanged", "--skip-worktree")
_HOW: dict[str, tuple[str, ...]] = {"forward": (), "squash": ("--squash",), "into": ("--into", "dev")}


@pytest.fixture
def worked(project: Project) -> Project:
    """Return the project with the session x, which changes both of two files and adds one."""
    project.configure("session: {windows: []}\n")
    for name in ("hidden", "open"):
        commit(project, project.main, name, "1\n")
    project.inv("session.add", "x")
    for name in ("hidden", "open", "new"):
        commit(project, project.worktree("x"), name, "2\n")
    return project


@pytest.mark.parametrize("flag", _FLAGS)
@pytest.mark.parametrize("how", _HOW)
def test_edits_that_git_was_told_not_to_look_at_survive_a_refused_merge(worked: Project, flag: str, how: str) -> None:
    place = worked.main
    if how == "into":
        place = worked.top / "dev"
        worked.git("worktree", "add", "--quiet", "-b", "dev", str(place))
    (place / "hidden").write_text("local\n")
    worked.git("update-index", flag, "hidden", cwd=place)
    before = worked.git("rev-parse", "HEAD", cwd=place)

    said = worked.inv("session.merge", "x", *_HOW[how], code=1).err

    assert "hidden" in said and "would be overwritten by merge" in said
    assert (place / "hidden").read_text() == "local\n"
    assert ((place / "open").read_text(), (place / "new").exists()) == ("1\n", False)
    assert worked.git("rev-parse", "HEAD", cwd=place) == before
    worked.git("update-index", flag.replace("--", "--no-"), "hidden", cwd=place)
    worked.git("checkout", "--quiet", "hidden", cwd=place)
    worked.inv("session.merge", "x", *_HOW[how])


@pytest.mark.parametrize("flag", _FLAGS)
@pytest.mark.parametrize("kind", ["merge", "rebase"])
def test_edits_that_git_was_told_not_to_look_at_survive_a_refused_sync(worked: Project, flag: str, kind: str) -> None:
    tree = worked.worktree("x")
    commit(worked, worked.main, "hidden", "3\n")
    worked.git("checkout", "--quiet", "-B", "x", "main~1", cwd=tree)
    (tree / "hidden").write_text("local\n")
    worked.git("update-index", flag, "hidden", cwd=tree)
    if kind == "merge":  # a rebase would lose what was resolved in one
        side = worked.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "side", cwd=tree)
        worked.git("merge", "--quiet", "--no-ff", "--no-edit", side, cwd=tree)
    commit(worked, tree, "mine", "")

    said = worked.inv("session.sync", "x", code=1).err

    assert "hidden" in said and f"would be overwritten by {'merge' if kind == 'merge' else 'checkout'}" in said
    assert "git merge Merge" not in said  # the message of the commit is no part of what was asked
    assert (tree / "hidden").read_text() == "local\n"


def _broken_checkout(project: Project, then: str) -> None:
    """Let git fail on the last file of a checkout, after it did *then*."""
    commit(project, project.worktree("x"), ".gitattributes", "z filter=broken\n")
    commit(project, project.worktree("x"), "z", "")
    hook = project.top / "smudge"
    hook.write_text(f"#!/bin/sh\n{then}\nexit 1\n")
    hook.chmod(0o755)
    for key, value in (("clean", "cat"), ("smudge", str(hook)), ("required", "true")):
        project.git("config", f"filter.broken.{key}", value)


def _edit(place: Path) -> str:
    return f"echo edited > {place / 'open'}"


def _append(place: Path) -> str:
    return f"echo more >> {place / 'new'}"


@pytest.mark.parametrize("meanwhile", [_edit, _append])
def test_what_somebody_wrote_during_the_merge_is_left_and_told(
    worked: Project, meanwhile: Callable[[Path], str]
) -> None:
    before = worked.git("rev-parse", "main")
    _broken_checkout(worked, meanwhile(worked.main))

    said = worked.inv("session.merge", "x", code=1).err

    name, text = ("open", "edited\n") if meanwhile is _edit else ("new", "2\nmore\n")
    assert "smudge filter" in said
    assert f"{name} changed during the merge" in said
    assert (worked.main / name).read_text() == text
    assert (worked.main / "hidden").read_text() == "1\n"
    assert worked.git("rev-parse", "main") == before
    assert worked.git("status", "--porcelain") == ("M open" if meanwhile is _edit else "?? new")


def test_a_directory_that_was_there_and_empty_stays(worked: Project) -> None:
    (worked.worktree("x") / "empty").mkdir()
    commit(worked, worked.worktree("x"), "empty/file", "2\n")
    _broken_checkout(worked, "")
    (worked.main / "empty").mkdir()

    worked.inv("session.merge", "x", code=1)

    assert list((worked.main / "empty").iterdir()) == []
    assert worked.git("status", "--porcelain") == ""
