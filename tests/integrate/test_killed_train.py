"""A landing train, or a sync, that was killed: the next command takes back its own step, and never somebody else's."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tasks.model import Repository
from tasks.store import registry
from testing import failing_inv, sessions
from testing.origin import commit
from testing.project import INV, Project, eventually

_HOOK = '#!/bin/sh\n[ -e "$GIT_DIR/rebase-merge" ] && echo $PPID > "{started}" && exec sleep 1000\nexit 0\n'


@pytest.fixture
def busy(sandbox: Path) -> Project:
    """Return a repository with the sessions one, two and zero; two's only commit conflicts with main's last."""
    project = sessions.repository(sandbox / "dev" / "tally", {"a": "a\n", "b": "b\n", "shared": "1\n2\n3\n4\n5\n"})
    sessions.add(project, "one", {"shared": "one\n2\n3\n4\n5\n"})
    sessions.add(project, "two", {"b": "two\n"})
    sessions.add(project, "zero", {"a": "zero\n"})
    commit(project, project.main, "b", "main\n")
    return project


@pytest.mark.slow
@pytest.mark.parametrize("everything", [True, False])
def test_a_train_that_was_killed_in_a_rebase_is_repeated(busy: Project, everything: bool) -> None:
    hook, started = busy.main / ".git" / "hooks" / "post-checkout", busy.top / "started"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_HOOK.format(started=started))
    hook.chmod(0o755)
    train = subprocess.Popen(
        [sys.executable, INV, "session.merge", "one,zero"], cwd=busy.main, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    eventually(lambda: started.exists() and started.read_text())
    rebase = psutil.Process(int(started.read_text()))
    below = [rebase, *rebase.children(recursive=True)]
    train.send_signal(signal.SIGKILL)
    train.wait()
    hook.write_text("#!/bin/sh\n")
    for process in below[::-1] if everything else below[1:]:
        if everything:
            process.kill()
    if everything:
        psutil.wait_procs(below)
        assert list((busy.main / ".git" / "worktrees").glob("*/rebase-merge"))
    else:
        refused = busy.inv("session.merge", "one,zero", code=1).err
        assert "A rebase is in progress" in refused and "Nothing was merged." in refused
        below[-1].kill()  # the hook ends, and git goes on
        eventually(lambda: not rebase.is_running())

    said = busy.inv("session.merge", "one,zero")

    assert sorted(line.split()[1] for line in said.out.splitlines() if line.startswith("Merged ")) == ["one", "zero"]
    assert [(busy.main / name).read_text()[:4] for name in ("a", "b", "shared")] == ["zero", "main", "one\n"]
    assert busy.git("rev-list", "--count", "main") == "4"
    for name in ("one", "zero"):
        assert busy.row(name)["syncing"] == ""
        assert busy.git("status", "--porcelain", "--branch", cwd=busy.worktree(name)) == f"## {name}"
    assert busy.git("for-each-ref", "refs/tally/kept") == ""


def test_a_removal_that_was_killed_in_a_train_is_finished_by_its_repetition(busy: Project) -> None:
    train = ("session.merge", "one,zero", "--remove")
    killed = ("worktree", "remove", "before", "SIGKILL")
    busy.inv(*killed, *train, code=-signal.SIGKILL, program=str(failing_inv.__file__))
    assert sorted(busy.listed(name)["status"] for name in ("one", "zero"))[0] == "removing"

    busy.inv(*train)

    assert sorted(each["name"] for each in busy.inv("session.list", "--json").json) == ["two"]
    assert [(busy.main / name).read_text()[:4] for name in ("a", "shared")] == ["zero", "one\n"]


def _interrupted(project: Project, kind: str, *words: str, **more: str) -> Path:
    """Leave what git waits for in session two, with the note of a sync; return git's directory for the worktree."""
    tree, onto = project.worktree("two"), project.git("rev-parse", "main")
    note = f"{kind} {project.git('rev-parse', 'two')} {onto} {onto}"
    registry.note_facts(Repository(project.main, project.main / ".git"), "two", syncing=note)
    argv = ["git", "-C", str(tree), kind, *words, more.get("onto", onto)]
    assert subprocess.run(argv, capture_output=True, check=False).returncode
    return project.main / ".git" / "worktrees" / "tally-two"


_OURS = {"rebase": ("--quiet",), "merge": ("--quiet", "--message=Merge main into two")}


@pytest.mark.parametrize("kind", _OURS)
@pytest.mark.parametrize("command", ["session.merge one,two", "session.sync two", "session.doctor --fix"])
def test_conflicts_of_a_step_that_was_killed_are_taken_back(busy: Project, kind: str, command: str) -> None:
    before = busy.git("rev-parse", "two")
    admin = _interrupted(busy, kind, *_OURS[kind])
    assert "two: session.sync was interrupted" in busy.inv("session.doctor", code=1).out

    said = busy.inv(*command.split(), code=None)

    if command.startswith("session.sync"):
        assert f"Aborted a {kind} in two that was interrupted." in said.err
        assert "Rebase stopped: two conflicts with main in b." in said.err  # for the person, this time
        busy.inv("session.sync", "two", "--abort")
    if command.startswith("session.merge"):
        assert "Stopped at two. Merged before it: one." in said.err
    assert busy.git("rev-parse", "two") == before
    assert busy.git("status", "--porcelain", "--branch", cwd=busy.worktree("two")) == "## two"
    assert not [*admin.glob("rebase-*"), *admin.glob("MERGE_HEAD")]
    assert busy.row("two")["syncing"] == ""
    assert busy.git("for-each-ref", "refs/tally/kept") == ""


def test_a_person_aborts_a_step_that_was_killed_as_any_other(busy: Project) -> None:
    _interrupted(busy, "rebase", "--quiet")

    assert "Aborted the rebase. two is as it was before." in busy.inv("session.sync", "two", "--abort").out

    assert busy.row("two")["syncing"] == ""


@pytest.mark.parametrize("kind", _OURS)
@pytest.mark.parametrize("command", ["session.merge one,two", "session.sync two", "session.doctor --fix"])
def test_what_a_person_began_after_the_kill_stays(busy: Project, kind: str, command: str) -> None:
    admin = _interrupted(busy, kind, onto="main")
    _stays(busy, admin, command)


@pytest.mark.parametrize("kind", _OURS)
@pytest.mark.parametrize("how", ["edited", "resolved", "deleted"])
def test_what_a_person_went_on_with_stays(busy: Project, kind: str, how: str) -> None:
    admin, tree = _interrupted(busy, kind, *_OURS[kind]), busy.worktree("two")
    (tree / "b").write_text("both\n") if how != "deleted" else busy.git("rm", "--quiet", "b", cwd=tree)
    if how == "resolved":
        busy.git("add", "b", cwd=tree)
    _stays(busy, admin, "session.merge one,two")


def test_a_commit_that_a_person_made_in_the_rebase_stays(busy: Project) -> None:
    commit(busy, busy.worktree("two"), "b", "again\n")
    admin, tree = _interrupted(busy, "rebase", "--quiet"), busy.worktree("two")
    (tree / "b").write_text("both\n")
    busy.git("add", "b", cwd=tree)
    env = {**os.environ, "GIT_EDITOR": "true"}
    subprocess.run(["git", "-C", str(tree), "rebase", "--continue"], env=env, capture_output=True, check=False)
    _stays(busy, admin, "session.merge one,two")


def _stays(project: Project, admin: Path, command: str) -> None:
    tree = project.worktree("two")

    def state() -> list[str]:
        head = project.git("rev-parse", "HEAD", cwd=tree)
        content = (tree / "b").read_text() if (tree / "b").exists() else ""
        names = sorted(each.name for each in admin.iterdir())
        return [head, content, project.git("ls-files", "--stage", cwd=tree), *names]

    before = state()

    said = project.inv(*command.split(), code=None)

    if "doctor" not in command:
        assert "is in progress" in said.err and "Run: inv session.sync two --abort" in said.err
    assert state() == before
    assert project.row("one").get("merged_into", "") == ""
