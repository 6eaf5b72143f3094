"""Removal where the ground is uneven: interrupted, lost, locked, elsewhere, or with others inside."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing import dirty, failing_inv, full_state
from testing.project import Project, eventually

_LIGHT = "session: {windows: []}\n"


@pytest.fixture
def added(project: Project) -> Project:
    """Return the project with the session x, of files only."""
    project.configure(_LIGHT)
    project.inv("session.add", "x")
    return project


def _detached(project: Project, tree: Path) -> str:
    project.git("checkout", "--quiet", "--detach", cwd=tree)
    project.git("commit", "--quiet", "--allow-empty", "-m", "detached", cwd=tree)
    return project.git("rev-parse", "HEAD", cwd=tree)


def _collect(project: Project) -> None:
    project.git("worktree", "prune")
    project.git("reflog", "expire", "--expire=now", "--all")
    project.git("gc", "--quiet", "--prune=now")


@pytest.mark.parametrize("finish", ["remove", "add", "doctor --fix"])
def test_a_checkout_that_was_killed_with_its_group_is_no_work_of_anybody(project: Project, finish: str) -> None:
    """All files are deleted and untracked to git then: its index was never written."""
    project.configure(_LIGHT)
    arguments = ("worktree", "create", "after", "SIGKILL", "session.add", "x")
    project.inv(*arguments, code=-signal.SIGKILL, program=failing_inv.__file__)
    (project.main / ".git" / "worktrees" / "tally-x" / "index").unlink()
    (project.main / ".git" / "worktrees" / "tally-x" / "index.lock").touch()
    assert "??" in project.git("status", "--porcelain", cwd=project.worktree("x"))

    words = finish.split()
    project.inv(f"session.{words[0]}", *(words[1:] or ["x"]))

    if finish == "add":
        assert project.listed("x")["status"] in ("running", "stopped")
        assert project.git("status", "--porcelain", cwd=project.worktree("x")) == ""
    else:
        assert not project.worktree("x").exists()
        assert not project.git("branch", "--list", "x")
    assert not (project.main / ".tally-sessions").exists() or finish == "add"


@pytest.mark.parametrize("finish", ["remove", "restore", "doctor --fix"])
@pytest.mark.parametrize("until", ["described", "branch", "admin", "tree"])
def test_a_removal_that_was_cut_off_at_each_of_its_steps_is_finished(added: Project, until: str, finish: str) -> None:
    tree = added.worktree("x")
    dirty.make(added, tree)
    before = full_state.of(tree)
    step = {"described": "branch_record.let_go", "branch": "aside._moves", "admin": "aside._rename", "tree": "x"}[until]
    _cut_off(added, step, second=until == "tree")
    assert added.listed("x")["status"] == "removing"
    if until == "admin":
        added.git("worktree", "prune")

    words = finish.split()
    added.inv(f"session.{words[0]}", *(words[1:] or ["x"]))
    if finish != "restore":
        assert not tree.exists()
        _collect(added)
        added.inv("session.restore", "x")

    assert full_state.differing({"files": before["files"]}, full_state.of(tree)) == {}


def _cut_off(project: Project, step: str, second: bool) -> None:
    """Remove x by force and be killed after the first, or *second*, call of a *step* of the renaming."""
    module, _, name = step.partition(".") if step != "x" else ("aside", ".", "_rename")
    number = 2 if second else 1
    script = f"""
import os, signal, sys
sys.path.insert(0, os.getcwd())
sys.modules.pop("tasks", None)
import importlib
module = importlib.import_module("tasks.store.{module}")
original, calls = module.{name}, []
def killed(*args):
    result = original(*args)
    calls.append(1)
    if len(calls) == {number} or {name!r} == "let_go":
        os.kill(os.getpid(), signal.SIGKILL)
    return result
module.{name} = killed
from invoke.main import program
program.run(["inv", "session.remove", "x", "--force"])
"""
    file = project.top.parent / "cut.py"
    file.write_text(script)
    project.inv(code=-signal.SIGKILL, program=str(file))


def test_a_removal_by_an_earlier_version_that_was_killed_while_it_deleted_is_finished(added: Project) -> None:
    tree, entry = added.worktree("x"), added.main / ".git" / "worktrees" / "tally-x"
    rows = json.loads((added.main / ".tally-sessions").read_text())
    rows["x"]["state"] = "removing"
    (added.main / ".tally-sessions").write_text(json.dumps(rows))
    for name in ("gitdir", "commondir", "ORIG_HEAD"):
        (entry / name).unlink()

    added.inv("session.remove", "x")

    assert not tree.exists()
    assert not entry.exists()
    assert not added.git("branch", "--list", "x")
    added.inv("session.add", "x")


def test_a_worktree_deleted_by_hand_gives_back_a_detached_commit_and_what_was_staged(added: Project) -> None:
    tree = added.worktree("x")
    commit = _detached(added, tree)
    (tree / "staged").write_text("staged\n")
    added.git("add", "staged", cwd=tree)
    shutil.rmtree(tree)

    added.inv("session.remove", "x", "--force")
    _collect(added)
    added.inv("session.restore", "x")

    assert added.git("rev-parse", "HEAD", cwd=tree) == commit
    assert added.git("status", "--porcelain", cwd=tree) == "A  staged"
    assert (tree / "staged").read_text() == "staged\n"


def test_prune_keeps_what_a_lost_worktree_had_and_leaves_a_locked_one_alone(added: Project) -> None:
    tree = added.worktree("x")
    commit = _detached(added, tree)
    added.git("worktree", "lock", str(tree))
    shutil.rmtree(tree)

    said = added.inv("session.prune")
    assert "x stays" in said.err
    assert "locked" in added.inv("session.remove", "x", code=1).err
    assert [each["name"] for each in added.inv("session.list", "--json").json] == ["x"]

    added.git("worktree", "unlock", str(tree))
    assert "Deleted x" in added.inv("session.prune").out
    _collect(added)
    assert added.git("cat-file", "-t", commit) == "commit"
    added.inv("session.restore", "x")
    assert added.git("rev-parse", "HEAD", cwd=tree) == commit


def test_a_worktree_that_was_away_is_its_sessions_again(added: Project, sandbox: Path) -> None:
    """Renamed, it stays; gone, it is pruned, and `restore` takes up the directory that came back."""
    tree, renamed = added.worktree("x"), added.top / "renamed"
    (tree / "staged").write_text("staged\n")
    added.git("add", "staged", cwd=tree)
    (tree / "mine").write_text("untracked\n")
    before = full_state.of(tree)

    tree.rename(renamed)
    assert f"x stays. The worktree {tree} is now at {renamed}.\nRun: mv" in added.inv("session.prune").err
    assert f"mv {renamed} {tree}" in added.inv("session.remove", "x", "--force", code=1).err

    far = renamed.rename(sandbox / "far")
    pruned = added.inv("session.prune")
    assert "Deleted x: its worktree is gone" in pruned.out
    assert "If you find it, move it back there.\nThen run: inv session.restore x" in pruned.err
    _collect(added)
    far.rename(tree)
    added.inv("session.restore", "x")

    assert full_state.differing({"files": before["files"], "status": before["status"]}, full_state.of(tree)) == {}
    assert added.inv("session.list", "--removed", "--json").json == []


def test_a_worktree_whose_disk_is_absent_is_not_taken_for_deleted(project: Project, sandbox: Path) -> None:
    disk = sandbox / "disk"
    project.configure(f"session: {{windows: [], worktree: '{disk}/{{slug}}'}}\n")
    project.inv("session.add", "x")
    disk.rename(sandbox / "unmounted")
    assert "disk doesn't exist: " in project.inv("session.doctor", code=1).out
    disk.mkdir()

    assert f"x stays: {disk} is empty, so its worktree may be on a disk that isn't mounted." in (
        project.inv("session.prune").err
    )
    for task in ("remove", "resume", "sync"):
        assert "Mount it." in project.inv(f"session.{task}", "x", code=1).err
    assert "--keep-branch --force" in project.inv("session.show", "x").out
    project.inv("session.remove", "x", "--keep-branch", "--force")
    assert disk.is_dir(), "somebody mounts it there again"

    disk.rmdir()
    (sandbox / "unmounted").rename(disk)
    project.inv("session.restore", "x")
    assert project.listed("x")["status"] == "stopped"


def test_the_commit_of_a_branch_that_is_gone_is_offered_and_kept(added: Project) -> None:
    tree = added.worktree("x")
    added.git("commit", "--quiet", "--allow-empty", "-m", "mine", cwd=tree)
    commit = added.git("rev-parse", "HEAD", cwd=tree)
    added.git("update-ref", "-d", "refs/heads/x")
    shutil.rmtree(added.main / ".git" / "logs" / "refs" / "heads" / "x", ignore_errors=True)

    said = added.inv("session.doctor", code=1).out
    assert f"branch x {commit}" in said
    added.inv("session.remove", "x", "--force")
    _collect(added)
    added.inv("session.restore", "x")
    assert added.git("cat-file", "-t", commit) == "commit"

    added.git("branch", "x", commit)
    assert "gone" not in added.inv("session.doctor", code=None).out
    assert added.git("status", "--porcelain", cwd=tree) == ""


def test_a_session_inside_of_another_is_not_taken_along(added: Project) -> None:
    added.configure("session: {windows: [], worktree: '../tally-x/inner-{slug}'}\n")
    with (added.main / ".git" / "info" / "exclude").open("a") as file:
        file.write("inner-*\n")
    added.inv("session.add", "y")

    said = added.inv("session.remove", "x", "--force", code=1)

    assert "inv session.remove y" in said.err
    assert (added.worktree("x") / "inner-y" / "both").exists() or (added.worktree("x") / "inner-y").is_dir()


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """Return a directory on another file system than that of the sandbox."""
    with tempfile.TemporaryDirectory(prefix="ts-", dir="/tmp") as found:
        if os.stat(found).st_dev == os.stat("/dev/shm").st_dev:
            pytest.skip("there is one file system only")
        yield Path(found)


def test_a_worktree_on_another_file_system_is_moved_aside_beside_it(project: Project, elsewhere: Path) -> None:
    project.configure(f"session: {{windows: [], worktree: '{elsewhere}/w-{{slug}}'}}\n")
    project.inv("session.add", "x")
    tree = elsewhere / "w-x"
    dirty.make(project, tree)
    before = full_state.of(tree)

    project.inv("session.remove", "x", "--force")
    (kept,) = elsewhere.iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    assert project.inv("session.list", "--removed", "--json").json[0]["bytes"] > 1000
    project.inv("session.restore", "x")

    assert full_state.differing({"files": before["files"], "status": before["status"]}, full_state.of(tree)) == {}
    assert list(elsewhere.iterdir()) == [tree]
    project.inv("session.remove", "x", "--force")
    project.inv("session.prune", "x", "--yes")
    assert list(elsewhere.iterdir()) == []


def test_a_deletion_beside_the_worktree_that_was_cut_off_is_named_and_ended(added: Project) -> None:
    left = added.top / f".tally-x.{'ab' * 16}.removed"
    (left / "deep").mkdir(parents=True)
    theirs = added.top / ".mine.removed"
    theirs.mkdir()

    assert "a deletion didn't finish" in added.inv("session.doctor", code=1).out
    added.inv("session.doctor", "--fix")

    assert not left.exists()
    assert theirs.is_dir()


def test_the_time_that_the_list_has_for_programs_chooses_among_several(added: Project) -> None:
    (added.worktree("x") / "first").touch()
    added.inv("session.remove", "x", "--force")
    before = int(time.time())
    eventually(lambda: int(time.time()) > before)  # the list has whole seconds
    added.inv("session.add", "x")
    added.inv("session.remove", "x", "--force")
    old = added.inv("session.list", "--removed", "--json").json[-1]

    added.inv("session.restore", "x", "--at", old["removed"])

    assert (added.worktree("x") / "first").exists()


def test_what_is_large_and_in_git_is_thinned_out_and_made_again(added: Project) -> None:
    tree = added.worktree("x")
    for path in ("large", "other", "changed"):
        (tree / path).write_bytes(os.urandom(1 << 20))
    for number in range(300):  # more than git is asked for at once
        place = tree / "many" / str(number % 7) / "below"
        place.mkdir(parents=True, exist_ok=True)
        (place / str(number)).write_bytes(os.urandom(5000 + number))
    (tree / "many" / "small").write_text("small")
    added.git("add", "--all", cwd=tree)
    added.git("commit", "--quiet", "-m", "large", cwd=tree)
    (tree / "changed").write_bytes(b"changed")
    (tree / "large").chmod(0o640)
    (tree / "deep" / "node_modules").mkdir(parents=True)
    (tree / "deep" / "node_modules" / "big").write_bytes(bytes(1 << 20))
    before = full_state.files(tree)

    added.inv("session.remove", "x", "--force")
    (archive,) = dirty.archives(added)
    eventually((archive / "size").exists)
    assert not (archive / "tree" / "large").exists()
    assert [path.name for path in (archive / "tree" / "many").rglob("*") if path.is_file()] == ["small"]
    assert (archive / "tree" / "changed").read_bytes() == b"changed"
    assert (archive / "tree" / "deep" / "node_modules" / "big").exists()
    _collect(added)
    added.inv("session.restore", "x")

    assert full_state.files(tree) == before
    assert added.git("status", "--porcelain", cwd=tree) == "M changed"


def test_directories_that_are_made_again_are_not_kept(project: Project) -> None:
    project.configure("session: {windows: [], thin: [frontend/dist, backend]}\n")
    project.inv("session.add", "x")
    tree = project.worktree("x")
    (tree / "frontend" / "dist").mkdir()
    (tree / "frontend" / "dist" / "bundle.js").write_text("made")
    (tree / "backend" / "__pycache__").mkdir()
    (tree / "backend" / "__pycache__" / "manage.cpython-311.pyc").write_text("made")
    (tree / "__pycache__").mkdir()
    (tree / "__pycache__" / "without_source.cpython-311.pyc").write_text("the only one")

    project.inv("session.remove", "x", "--force")
    (archive,) = dirty.archives(project)
    eventually((archive / "size").exists)
    project.inv("session.restore", "x")

    assert not (tree / "frontend" / "dist").exists()
    assert not (tree / "backend" / "__pycache__").exists()
    assert (tree / "__pycache__").exists()
    assert (tree / "backend" / "manage.py").exists()


def test_what_is_too_large_is_forgotten_unless_it_holds_work(project: Project) -> None:
    project.configure("session: {windows: [], keep_removed_size: 1 kB}\n")
    for name in ("clean", "worked", "secret"):
        project.inv("session.add", name)
    (project.worktree("worked") / "untracked").write_bytes(bytes(5000))
    with (project.worktree("secret") / "frontend" / ".env").open("a") as file:
        file.write("TOKEN=of this session alone\n")  # where the others have what we set
    project.inv("session.remove", "--all", "--force")

    said = project.inv("session.prune")

    assert "Deleted clean" in said.out
    assert "(setting keep_removed_size: 1 kB)" in said.out
    assert "worked (" in said.err
    assert "secret (" in said.err
    assert "nowhere else" in said.err
    kept = {each["name"] for each in project.inv("session.list", "--removed", "--json").json}
    assert kept == {"secret", "worked"}


def test_a_tampered_archive_reaches_nothing_outside(added: Project) -> None:
    (added.worktree("x") / "new").touch()
    added.inv("session.remove", "x", "--force")
    (archive,) = dirty.archives(added)
    row = archive / "row.json"
    facts = json.loads(row.read_text())
    outside = added.top / "outside"
    outside.mkdir()

    for change in ({"tree": str(outside)}, {"admin": "../../outside"}, {"nested": ["../outside"]}):
        row.write_text(json.dumps({**facts, **change}))
        assert added.inv("session.list", "--removed", "--json").json == []
        added.inv("session.restore", "x", code=1)
    assert outside.is_dir()
    row.write_text(json.dumps(facts))
    added.inv("session.restore", "x")


def test_the_link_of_a_nested_worktree_is_put_right_when_its_name_is_taken(added: Project) -> None:
    tree = added.worktree("x")
    inner = tree / ".claude" / "agent"
    added.git("worktree", "add", "--quiet", "--detach", str(inner), cwd=tree)
    (inner / "staged").write_text("staged\n")
    added.git("add", "staged", cwd=inner)

    added.inv("session.remove", "x", "--force")
    for path in ("agent", "tally-x"):
        subprocess.run(["git", "-C", str(added.main), "worktree", "add", "-q", "--detach", str(added.top / "o" / path)])
    added.inv("session.restore", "x")

    assert added.git("status", "--porcelain", cwd=inner) == "A  staged"
    assert added.git("branch", "--show-current", cwd=tree) == "x"
    assert added.git("status", "--porcelain", cwd=added.top / "o" / "agent") == ""


def test_setup_runs_again_where_what_it_made_was_not_saved_and_a_dry_run_shows_it(project: Project) -> None:
    project.configure("session: {windows: [], thin: [dist], setup: ['mkdir -p dist && date > dist/made']}\n")
    assert "setup      mkdir -p dist && date > dist/made" in project.inv("session.add", "x", "--dry-run").out
    with (project.main / ".git" / "info" / "exclude").open("a") as file:
        file.write("dist\n")
    project.inv("session.add", "x")
    project.inv("session.remove", "x", "--force")
    (archive,) = (project.main / ".git" / "tally-sessions" / "removed" / "x").iterdir()
    eventually(lambda: not (archive / "tree" / "dist").exists())

    project.inv("session.restore", "x")

    assert (project.worktree("x") / "dist" / "made").exists()


def _thinned(project: Project, path: str = "large") -> Path:
    """Remove x, which has the large file *path* in git; return its archive once that is thinned out."""
    tree = project.worktree("x")
    (tree / path).write_bytes(os.urandom(1 << 20))
    project.git("add", "--all", cwd=tree)
    project.git("commit", "--quiet", "-m", "large", cwd=tree)
    project.inv("session.remove", "x", "--force")
    (archive,) = dirty.archives(project)
    eventually((archive / "size").exists)
    assert not (archive / "tree" / path).exists()
    return archive


def test_another_content_that_git_was_told_to_give_is_not_restored(added: Project) -> None:
    archive = _thinned(added)
    (path, blob, *_rest), *_more = json.loads((archive / "thinned").read_text())
    other = added.main / "other"
    other.write_bytes(b"other")
    added.git("replace", blob, added.git("hash-object", "-w", str(other)).strip())

    added.inv("session.restore", "x")

    assert (path, (added.worktree("x") / path).stat().st_size) == ("large", 1 << 20)


def test_a_damaged_list_of_what_was_deleted_is_named(added: Project) -> None:
    archive = _thinned(added)
    good = (archive / "thinned").read_text()
    for text in ("", "[", '{"a": 1}', "[[1]]", '[["a\\u0000", "b", 1, 1, []]]'):
        (archive / "thinned").write_text(text)

        said = added.inv("session.restore", "x", code=1).err

        assert f"{archive / 'thinned'} is damaged, so not every file can be made again" in said, text
        assert "x is still removed, and what was saved of it is still there." in said, text
    (archive / "thinned").write_text(good)
    added.inv("session.restore", "x")
    assert (added.worktree("x") / "large").exists()


def test_what_a_killed_restore_left_half_made_is_made_again(added: Project) -> None:
    archive = _thinned(added)
    (_path, blob, *_rest), *_more = json.loads((archive / "thinned").read_text())
    (archive / "tree" / f".tally-sessions-{blob}.tmp").write_text("half")

    added.inv("session.restore", "x")

    assert added.git("status", "--porcelain", cwd=added.worktree("x")) == ""


def test_a_session_whose_worktree_has_another_ones_inside_stays(added: Project) -> None:
    for name in ("mine", "x-more"):  # the latter's path only begins like that of x
        added.inv("session.add", name)
    inner = added.worktree("x") / "inner"
    added.git("worktree", "move", str(added.worktree("mine")), str(inner))
    registry = added.main / ".tally-sessions"
    rows = json.loads(registry.read_text())
    rows["mine"]["worktree"] = f"{added.worktree('x')}//inner"  # as another tool, or a person, may write it
    registry.write_text(json.dumps(rows))

    refused = added.inv("session.remove", "x", "--force", code=1).err

    assert f"The worktree of session mine is inside {added.worktree('x')}.\nRun: inv session.remove mine" in refused
    assert inner.is_dir()


def test_all_that_would_be_lost_is_said_at_once(added: Project) -> None:
    tree = added.worktree("x")
    (tree / "backend" / "manage.py").write_text("committed\n")
    added.git("commit", "--quiet", "-am", "work", cwd=tree)
    (tree / "new.txt").write_text("not yet tracked\n")

    refused = added.inv("session.remove", "x", code=1).err

    assert "untracked: new.txt" in refused
    assert "Session x has 1 unmerged commit on x" in refused
    assert refused.count("Run: inv session.remove x --force") == 1 and refused.endswith("--force\n")
