"""A `kill -9` leaves a row that `list` shows and that `remove` finishes; test_kills tries that at every call."""

import json
import signal
from pathlib import Path

import pytest

from tasks.lifecycle import RESOURCES
from testing import failing_inv
from testing.project import Project
from testing.terminal import tmux

_PROGRAM = str(failing_inv.__file__)
_KILLED = -signal.SIGKILL
_NAMES = [resource.LABEL for resource in RESOURCES]


@pytest.fixture
def crowded(project: Project, sandbox: Path) -> Project:
    """Return the project with a branch and a tmux session that are nobody's, and permissions."""
    entries = {str(project.main): {"allowedTools": ["Bash(ls:*)"]}}
    (sandbox / "home" / ".claude.json").write_text(json.dumps({"projects": entries}, indent=2))
    tmux("new-session", "-d", "-s", "tally-x-2", "-n", "foreign")
    project.git("branch", "mine")
    return project


def test_an_add_that_was_killed_is_listed_and_removed(crowded: Project) -> None:
    before = crowded.world()

    crowded.inv("tmux", "create", "after", "SIGKILL", "session.add", "x", code=_KILLED, program=_PROGRAM)

    assert crowded.listed("x")["status"] == "adding"
    crowded.inv("session.remove", "x")
    assert crowded.world() == before


def test_an_add_that_was_killed_is_begun_anew_by_the_next(crowded: Project) -> None:
    before = crowded.world()
    crowded.inv("files", "create", "after", "SIGKILL", "session.add", "x", code=_KILLED, program=_PROGRAM)

    said = crowded.inv("session.add", "x")

    assert "Adding x was interrupted." in said.err
    assert crowded.row("x")["state"] == "ready"
    crowded.inv("session.remove", "x")
    assert crowded.world() == before


def test_an_add_of_which_git_was_killed_is_removed(crowded: Project) -> None:
    before = crowded.world()
    crowded.inv("worktree", "create", "after", "SIGKILL", "session.add", "x", code=_KILLED, program=_PROGRAM)
    entry, tree = crowded.main / ".git" / "worktrees" / "tally-x", crowded.worktree("x")
    (entry / "HEAD").write_text("0" * 40 + "\n")  # as git leaves it between its own steps
    (entry / "locked").write_text("initializing")
    (entry / "index").unlink()
    for path in sorted(tree.rglob("*"), reverse=True):
        if path.name != ".git":
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()

    assert crowded.listed("x")["status"] == "adding"
    crowded.inv("session.remove", "x")
    assert crowded.world() == before


@pytest.mark.slow
def test_a_branch_that_was_there_survives_every_killed_add(crowded: Project) -> None:
    before = crowded.world()
    for resource in _NAMES:
        crowded.inv(resource, "create", "after", "SIGKILL", "session.add", "mine", code=_KILLED, program=_PROGRAM)
        crowded.inv("session.remove", "mine")

        assert crowded.world() == before, resource


def test_a_remove_that_was_killed_is_listed_and_finished(crowded: Project) -> None:
    before = crowded.world()
    crowded.inv("session.add", "x")

    crowded.inv("files", "remove", "after", "SIGKILL", "session.remove", "x", code=_KILLED, program=_PROGRAM)

    assert crowded.listed("x")["status"] == "removing"
    crowded.inv("session.remove", "x")
    assert crowded.world() == before


@pytest.mark.slow
def test_what_does_not_go_stays_registered_until_it_does(crowded: Project) -> None:
    before = crowded.world()
    for resource in _NAMES:
        crowded.inv("session.add", "x")

        said = crowded.inv(resource, "remove", "before", "error", "session.remove", "x", code=1, program=_PROGRAM)

        assert f"{resource}: injected failure" in said.err
        assert "inv session.remove x" in said.err
        assert crowded.listed("x")["status"] == "removing"
        crowded.inv("session.remove", "x")
        assert crowded.world() == before, resource


def test_an_add_that_was_killed_keeps_its_ports_from_others(crowded: Project) -> None:
    crowded.inv("worktree", "create", "after", "SIGKILL", "session.add", "x", code=_KILLED, program=_PROGRAM)

    crowded.inv("session.add", "y")

    assert not set(crowded.listed("x")["ports"].values()) & set(crowded.listed("y")["ports"].values())


def test_resume_leaves_what_is_unfinished_and_says_how_to_finish_it(crowded: Project) -> None:
    crowded.inv("tmux", "create", "after", "SIGKILL", "session.add", "x", code=_KILLED, program=_PROGRAM)

    assert "inv session.remove x" in crowded.inv("session.resume", code=1).err
