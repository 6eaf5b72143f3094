"""Several sessions merged one after the other, and the checks of each on the merged result."""

import subprocess
from pathlib import Path

import pytest

from tasks.errors import SessionError
from tasks.integrate import merged_checkout
from tasks.model import Repository
from tasks.store import registry
from testing import sessions
from testing.origin import commit
from testing.project import Project

_VERIFY = ("cat a b >> ../seen; echo >> ../seen; ! grep -q broken a",)


@pytest.fixture
def busy(sandbox: Path) -> Project:
    """Return a repository with three sessions: `apart` shares no file, `one` and `two` share one."""
    text = "".join(f"{number}\n" for number in range(20))
    project = sessions.repository(sandbox / "dev" / "tally", {"a": "a\n", "b": "b\n", "shared": text})
    sessions.add(project, "one", {"shared": f"one\n{text}"}, verify=_VERIFY)
    sessions.add(project, "two", {"shared": f"{text}two\n", "b": "two\n"}, verify=_VERIFY)
    sessions.add(project, "zero", {"a": "zero\n"}, verify=_VERIFY)
    return project


def test_all_sessions_are_merged_each_on_top_of_those_before(busy: Project) -> None:
    sessions.add(busy, "empty")

    said = busy.inv("session.merge", "--all")

    merged = [line.split()[1] for line in said.out.splitlines() if line.startswith("Merged ")]
    assert merged == ["zero", "one", "two"]  # what overlaps least is first
    assert "Nothing to merge: main has all commits of empty." in said.err
    assert (busy.top / "seen").read_text() == "zero\nb\n\nzero\nb\n\nzero\ntwo\n\n"  # each saw what was merged before
    assert (busy.main / "shared").read_text().startswith("one\n")
    assert (busy.main / "shared").read_text().endswith("two\n")
    assert busy.git("rev-list", "--count", "--merges", "main") == "0"


def test_it_stops_at_the_first_conflict_and_what_was_merged_stays(busy: Project) -> None:
    tree = sessions.add(busy, "x", {"a": "x\n", "shared": "x\n"}, verify=_VERIFY)
    before = busy.git("rev-parse", "x")

    said = busy.inv("session.merge", "zero,one", "x", "--squash", "--json", code=1)

    assert [record["name"] for record in said.json] == ["one", "zero"]
    assert "Stopped at x. Merged before it: one, zero. Not merged: x." in said.err
    assert "conflicts with main in " in said.err
    assert busy.git("rev-parse", "x") == before
    assert busy.git("status", "--porcelain", cwd=tree) == ""
    assert busy.git("rev-list", "--count", "main") == "3"


def test_a_session_whose_commits_came_in_with_another_is_passed_over(busy: Project) -> None:
    sessions.add(busy, "zz", {"z": "z\n"})
    busy.git("merge", "--quiet", "--no-edit", "zero", cwd=busy.worktree("one"))

    said = busy.inv("session.merge", "one", "zero", "zz", "--json")

    assert sorted(record["name"] for record in said.json) == ["one", "zz"]
    assert "Nothing to merge: main has all commits of zero." in said.err


def test_what_is_said_of_all_is_said_once(busy: Project) -> None:
    refused = busy.inv("session.merge", "one", "two", "--into", "nosuch", code=1).err
    sessions.add(busy, "x", {"new": "x\n"}, verify=_VERIFY)
    sessions.add(busy, "y", {"new": "y\n"}, verify=_VERIFY)

    said = busy.inv("session.merge", "--all", code=1).err

    assert refused.count("no local branch nosuch") == 1
    assert said.count("x and y both add, with different content") == 1


def test_nothing_is_merged_when_one_of_them_is_not_ready(busy: Project) -> None:
    before = busy.git("rev-parse", "main")
    (busy.worktree("two") / "new").touch()

    said = busy.inv("session.merge", "--all", code=1).err

    assert "Session two has uncommitted changes" in said
    assert "Nothing was merged." in said
    assert busy.git("rev-parse", "main") == before


def test_checks_run_on_the_merged_result_and_the_branch_comes_back(busy: Project) -> None:
    busy.git("checkout", "--quiet", "-b", "dev")
    commit(busy, busy.main, "a", "broken\n")
    busy.git("checkout", "--quiet", "main")

    said = busy.inv("session.merge", "two", "--into", "dev", code=1).err

    assert "Verify failed" in said  # though the branch alone would pass
    assert (busy.top / "seen").read_text() == "broken\ntwo\n\n"
    assert busy.git("symbolic-ref", "--short", "HEAD", cwd=busy.worktree("two")) == "two"
    assert (busy.worktree("two") / "a").read_text() == "a\n"
    assert busy.row("two")["verifying"] == ""


@pytest.mark.parametrize("command", [("session.merge", "two"), ("session.doctor", "--fix")])
@pytest.mark.parametrize("moved", [True, False])
def test_checks_that_were_killed_are_undone_by_the_next_command(
    busy: Project, command: tuple[str, ...], moved: bool
) -> None:
    tree = busy.worktree("two")
    head, other = busy.git("rev-parse", "two"), busy.git("rev-parse", "one")
    repository = Repository(busy.main, busy.main / ".git")
    registry.note_facts(repository, "two", verifying=f"{head} {other}")
    if moved:
        busy.git("checkout", "--quiet", "--detach", other, cwd=tree)
    else:  # git was killed while it wrote
        (tree / "shared").write_text((busy.worktree("one") / "shared").read_text())
    (tree / "mine").write_text("mine\n")
    assert "two: its checks were interrupted" in busy.inv("session.doctor", code=1).out

    busy.inv(*command, code=None)

    assert busy.git("symbolic-ref", "--short", "HEAD", cwd=tree) == "two"
    assert busy.git("status", "--porcelain", cwd=tree) == "?? mine"
    assert busy.row("two")["verifying"] == ""


def test_what_was_edited_meanwhile_stays_and_the_way_back_is_said(busy: Project) -> None:
    tree = busy.worktree("two")
    head, other = busy.git("rev-parse", "two"), busy.git("rev-parse", "one")
    (session,) = (each for each in sessions.all_of(busy) if each.name == "two")
    with (
        pytest.raises(SessionError, match="still has the merged result"),
        merged_checkout.merged_checkout(session, head, other),
    ):
        (tree / "shared").write_text("mine\n")

    assert (tree / "shared").read_text() == "mine\n"
    said = busy.inv("session.merge", "two", code=1).err
    subprocess.run(["bash", "-c", said.partition("Run: ")[2]], check=False, capture_output=True)  # ends in a conflict
    assert busy.git("rev-parse", "--abbrev-ref", "HEAD", cwd=tree) == "two"
    assert busy.git("show", "stash@{0}:shared", cwd=tree) == "mine"
    busy.git("checkout", "--quiet", "--force", "two", cwd=tree)
    assert "Merged two" in busy.inv("session.merge", "two").out


def test_a_commit_made_while_the_checks_run_is_named_and_can_be_moved_to_the_branch(busy: Project) -> None:
    tree = busy.worktree("two")
    head, other = busy.git("rev-parse", "two"), busy.git("rev-parse", "one")
    (session,) = (each for each in sessions.all_of(busy) if each.name == "two")
    with (
        pytest.raises(SessionError, match="They are on no branch yet") as raised,
        merged_checkout.merged_checkout(session, head, other),
    ):
        commit(busy, tree, "new", "by Claude\n")

    assert "They are on no branch yet" in busy.inv("session.merge", "two", code=1).err
    subprocess.run(["bash", "-c", str(raised.value).partition("Run: ")[2]], check=True, capture_output=True)
    assert busy.git("show", "two:new") == "by Claude"
    assert "Merged two" in busy.inv("session.merge", "two").out


def test_a_commit_that_was_amended_while_the_checks_run_is_saved_before_the_branch_comes_back(busy: Project) -> None:
    tree = busy.worktree("two")
    head, other = busy.git("rev-parse", "two"), busy.git("rev-parse", "one")
    (session,) = (each for each in sessions.all_of(busy) if each.name == "two")
    with (
        pytest.raises(SessionError, match="They are on no branch yet") as raised,
        merged_checkout.merged_checkout(session, head, other),
    ):
        (tree / "a").write_text("mine\n")
        busy.git("commit", "--quiet", "--amend", "-am", "mine", cwd=tree)

    subprocess.run(["bash", "-c", str(raised.value).partition("Run: ")[2]], check=True, capture_output=True)

    assert busy.git("show", "two-saved:a") == "mine"
    assert "Merged two" in busy.inv("session.merge", "two").out
