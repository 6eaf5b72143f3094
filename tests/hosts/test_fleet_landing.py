"""Sessions on hosts that are merged, proposed, synced and compared from here, over real sshd."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.integrate import interrupted_merge
from tasks.model import Repository
from testing import origin
from testing.answers import check_answer
from testing.hosts import Fleet, Machine
from testing.project import Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="how to start a second sshd was tried on Linux only")

_CHECKS = "session: {windows: [], verify: ['echo checking; test -f ok']}\n"
_PLAIN = "session: {windows: []}\n"


def _there(machine: Machine, name: str = "x") -> Path:
    return machine.main.with_name(f"tally-{name}")


def _commit(machine: Machine, file: str, text: str, name: str = "x") -> str:
    """Commit *text* as *file* in the session *name* on *machine*."""
    return origin.commit(Project(machine.main), _there(machine, name), file, text)


def _row(machine: Machine, name: str = "x") -> dict[str, Any]:
    row: dict[str, Any] = json.loads((machine.main / ".tally-sessions").read_text())[name]
    return row


def _refs(main: Path, place: str) -> list[str]:
    argv = ["git", "-C", str(main), "for-each-ref", "--format=%(refname)", place]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.slow
def test_merge_runs_the_checks_on_the_host_and_removal_loses_nothing(ready: Fleet) -> None:
    here, alpha = ready.here, ready.alpha
    Project(alpha.main).configure(_CHECKS)
    here.configure(_CHECKS)
    here.inv("fleet.add", "x", "--host", "alpha", "--bare")
    _commit(alpha, "new", "work\n")
    before = here.git("rev-parse", "main")

    failed = here.inv("fleet.merge", "x", code=1).err
    assert "checking" in failed
    assert "Nothing was merged or pushed: the checks of x on alpha didn't pass." in failed
    assert here.git("rev-parse", "main") == before
    (_there(alpha) / "ok").write_text("")
    assert "uncommitted changes" in here.inv("fleet.merge", "x", code=1).err
    done = _commit(alpha, "ok", "")

    merged = here.inv("fleet.merge", "x", "--json")
    check_answer(merged.json, "fleet.merge")
    assert (merged.json["into"], merged.json["commit"]) == ("main", done)
    assert "Next: inv fleet.remove x" in merged.json["message"]
    assert here.git("rev-parse", "main") == done
    assert (here.main / "new").read_text() == "work\n"
    row = _row(alpha)
    assert (row["base"], row["based"], row["merged_as"]) == (done, "main", done)
    assert "Nothing to merge" in here.inv("fleet.merge", "x", code=1).err

    removed = here.inv("fleet.remove", "x")
    assert "Removed x" in removed.out


def test_a_session_behind_is_synced_and_its_merge_as_one_commit_removes_it_everywhere(ready: Fleet) -> None:
    here, alpha = ready.here, ready.alpha
    here.configure(_PLAIN)
    here.inv("fleet.add", "x", "--host", "alpha", "--bare")
    _commit(alpha, "one", "1\n")
    _commit(alpha, "two", "2\n")
    assert "Next: inv fleet.merge x\nOr: inv fleet.pr x" in here.inv("fleet.pull", "x").out
    for task in ("push", "pull"):
        moved = here.inv(f"fleet.{task}", "x", "--json").json
        check_answer(moved, f"fleet.{task}")
        assert (moved["host"], moved["state"]) == ("alpha", "same")
    origin.commit(here, here.main, "mine", "m\n")

    behind = here.inv("fleet.merge", "x", code=1).err
    assert "x is 1 commit behind main.\nRun: inv fleet.sync x" in behind
    synced = here.inv("fleet.sync", "x", "--json").json
    check_answer(synced, "session.sync")
    assert "Rebased 2 commits of x onto main at " in synced["message"]
    assert (_there(alpha) / "mine").exists()

    merged = here.inv("fleet.merge", "x", "--squash", "--remove").out
    assert "(2 commits as one)" in merged
    assert here.git("log", "-1", "--format=%s") == "one in tally-x"
    assert {"mine", "one", "two"} <= {path.name for path in here.main.iterdir()}
    assert not _there(alpha).exists()

    here.inv("fleet.add", "y", "--host", "alpha", "--bare")
    _commit(alpha, "three", "3\n", "y")
    record = here.inv("fleet.merge", "y", "--remove", "--json").json
    check_answer(record, "fleet.merge")
    assert record["removed"]
    assert here.git("branch", "--list", "y") == "", "the pull made it"


@pytest.mark.slow
def test_what_was_merged_by_hand_is_no_loss_once_its_host_knows(ready: Fleet) -> None:
    here, alpha = ready.here, ready.alpha
    here.configure(_PLAIN)
    here.inv("fleet.add", "x", "--host", "alpha", "--bare")
    _commit(alpha, "new", "work\n")
    here.inv("fleet.pull", "x")
    here.git("merge", "--quiet", "x")
    assert "1 unmerged commit" in here.inv("fleet.remove", "x", code=1).err

    assert "Nothing to merge: main has all commits of x." in here.inv("fleet.merge", "x", code=1).err
    assert "Removed x" in here.inv("fleet.remove", "x").out


@pytest.mark.slow
def test_a_conflict_with_another_branch_is_resolved_on_the_host(ready: Fleet) -> None:
    here, alpha = ready.here, ready.alpha
    here.configure(_PLAIN)
    here.inv("fleet.add", "x", "--host", "alpha", "--bare")
    _commit(alpha, "both", "theirs\n")
    here.git("checkout", "--quiet", "-b", "release")
    origin.commit(here, here.main, "both", "ours\n")
    here.git("checkout", "--quiet", "main")

    said = here.inv("fleet.merge", "x", "--into", "release", code=1).err
    assert "Nothing was merged: x conflicts with release in both." in said
    (command,) = [line.partition("'")[2].rstrip("'") for line in said.splitlines() if "fleet.run x 'git merge" in line]
    here.inv("fleet.run", "x", command, code=1)
    (_there(alpha) / "both").write_text("resolved\n")
    ready.ssh(alpha, "cd ~/dev/tally-x && git commit -qam resolved")
    assert "Merged x into release" in here.inv("fleet.merge", "x", "--into", "release").out
    assert here.git("show", "release:both") == "resolved"


@pytest.mark.slow
def test_all_sessions_of_the_hosts_are_merged_until_one_conflicts(ready: Fleet) -> None:
    here = ready.here
    here.configure(_PLAIN)
    for name, machine in (("x", ready.alpha), ("y", ready.beta), ("z", ready.beta)):
        here.inv("fleet.add", name, "--host", machine.name, "--bare")
        _commit(machine, "same" if name != "x" else "own", f"{name}\n", name)
    overlap = here.inv("fleet.conflicts", "--json", code=1).json
    check_answer(overlap, "session.conflicts")
    assert [(each["session"], each["other"], each["files"]) for each in overlap] == [("y", "z", ["same"])]

    stopped = here.inv("fleet.merge", "--all", "--json", code=1)
    check_answer(stopped.json, "fleet.merge --all")
    assert [each["name"] for each in stopped.json] == ["x", "y"]
    assert "Stopped at z. Merged before it: x, y. Not merged: z." in stopped.err
    assert (here.main / "same").read_text() == "y\n"
    state = ready.ssh(ready.beta, "cd ~/dev/tally-z && git status --porcelain && git log -1 --format=%s")
    assert state == "same in tally-z", "its sync was aborted"
    assert "Leave out x" in here.inv("fleet.merge", "x", "--all", code=1).err


@pytest.mark.slow
def test_a_pull_request_is_pushed_from_here(ready: Fleet) -> None:
    here, alpha = ready.here, ready.alpha
    here.configure(_PLAIN)
    origin.share(here)
    here.inv("fleet.add", "x", "--host", "alpha", "--bare")
    assert "Nothing to open a pull request for" in here.inv("fleet.pr", "x", code=1).err
    done = _commit(alpha, "new", "work\n")

    record = here.inv("fleet.pr", "x", "--json").json
    check_answer(record, "fleet.pr")
    assert record["message"] == "Opened a pull request for x."
    assert here.git("ls-remote", "origin", "refs/heads/x").split()[0] == done == record["commit"]
    here.git("commit", "--quiet", "--allow-empty", "-m", "elsewhere")
    tree = here.git("rev-parse", "x^{tree}")
    here.git("update-ref", "refs/heads/x", here.git("commit-tree", tree, "-p", "x", "-m", "only here"))
    assert "Run: inv fleet.push x" in here.inv("fleet.pr", "x", code=1).err


@pytest.mark.slow
def test_conflicts_are_those_of_all_machines(ready: Fleet) -> None:
    here, alpha, beta = ready.here, ready.alpha, ready.beta
    here.configure(_PLAIN)
    here.inv("session.add", "local", "--bare")
    for name, machine in (("x", alpha), ("y", beta)):
        here.inv("fleet.add", name, "--host", machine.name, "--bare")
        _commit(machine, "both", f"{name}\n", name)
    (here.worktree("local") / "both").write_text("not committed\n")

    found = here.inv("fleet.conflicts", "--json", code=1)
    pairs = {(each["session"], each["other"]) for each in found.json}
    assert pairs == {("local", "x"), ("local", "y"), ("x", "y")}
    assert _refs(here.main, "refs/tally/fleet") == ["refs/tally/fleet/alpha/x", "refs/tally/fleet/beta/y"]
    assert "3 conflicts" in found.err
    alone = here.inv("fleet.conflicts", "x", code=1)
    assert "2 conflicts" in alone.err
    assert 'No session "q"' in here.inv("fleet.conflicts", "q", code=1).err

    here.inv("fleet.remove", "x", "--force")
    beta.cut()
    beta.stop()
    left = here.inv("fleet.conflicts")
    assert "Left out: beta" in left.err
    assert left.out == "No conflicts.\n"
    assert _refs(here.main, "refs/tally/fleet/alpha") == []


@pytest.mark.slow
def test_commits_from_which_no_session_starts_any_more_are_not_kept(ready: Fleet) -> None:
    here, alpha = ready.here, ready.alpha
    here.configure(_PLAIN)
    for name in ("x", "y"):
        here.inv("fleet.add", name, "--host", "alpha", "--bare")
        here.git("commit", "--quiet", "--allow-empty", "-m", f"after {name}")
    bases = {name: f"refs/tally/base/{_row(alpha, name)['base']}" for name in ("x", "y")}
    assert sorted(_refs(alpha.main, "refs/tally/base")) == sorted(bases.values())

    here.inv("fleet.remove", "x")
    assert sorted(_refs(alpha.main, "refs/tally/base")) == sorted(bases.values()), "it can be restored"
    here.inv("fleet.prune", "x", "--host", "alpha", "--yes")
    here.inv("fleet.remove", "y")
    here.inv("fleet.prune", "--days", "0", "--host", "alpha", "--yes")
    assert _refs(alpha.main, "refs/tally/base") == []


@pytest.mark.slow
def test_a_command_for_all_sessions_of_all_hosts(ready: Fleet) -> None:
    here = ready.here
    here.configure(_PLAIN)
    assert "No host has a session." in here.inv("fleet.run", "--all", "true", code=1).err
    for name, machine in (("x", ready.alpha), ("y", ready.beta)):
        here.inv("fleet.add", name, "--host", machine.name, "--bare")

    ran = here.inv("fleet.run", "--all", "basename $PWD").out
    assert ran.split() == ["x:", "tally-x", "y:", "tally-y"]
    assert "y: exit code 4" in here.inv("fleet.run", "--all", "test -d ../tally-x || exit 4", code=None).err
    listed = here.inv("fleet.list").out
    assert "owner" in listed.splitlines()[0]
    assert listed.splitlines()[-1].endswith("Test")

    here.git("config", "user.name", "Somebody Else")
    (_there(ready.alpha) / "new").write_text("mine")
    assert "x belongs to Test" in here.inv("fleet.remove", "--all", code=1).err
    here.inv("fleet.remove", "--all", "--yes", code=1)
    assert _there(ready.alpha).exists(), "its uncommitted work would be lost"
    assert not _there(ready.beta, "y").exists()
    here.inv("fleet.remove", "--all", "--yes", "--force")
    assert not _there(ready.alpha).exists()


def test_a_merge_that_was_killed_is_finished(project: Project) -> None:
    repository = Repository(project.main, project.main / ".git")
    old = project.git("rev-parse", "main")
    new = origin.commit(project, project.main, "new", "work\n")
    landing = interrupted_merge.Landing("refs/heads/main", old, new, new)
    interrupted_merge.note_landing(repository, "a/b", landing)
    assert list(interrupted_merge.finish_landings(repository)) == ["a/b"], "its branch has it"
    assert interrupted_merge.finish_landings(repository) == {}

    project.git("update-ref", "refs/heads/main", old)  # the files of the commit are there, git has no note of them
    interrupted_merge.note_landing(repository, "a/b", landing)
    assert interrupted_merge.finish_landings(repository) == {}
    assert not (project.main / "new").exists()
