"""In a worktree `inv` runs the main checkout's tasks, whatever its branch has: one version writes the registry."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from develop.embedding import files
from tasks.front_door import OWN_CODE
from testing import sessions
from testing.project import CHECKOUT, EMBEDDING, Project

_QUIET = "session: {ports: {}, copy: [], link: [], env: {}, windows: []}\n"
_OLD = "raise SystemExit('an older version ran')\n"


@pytest.fixture
def copied(sandbox: Path) -> Project:
    """Return a repository that has the tasks committed, as `inv embed` does; its branch `before` has none of them."""
    project = Project(sandbox / "dev" / "tally")
    project.main.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", "-b", "main", str(project.main)], check=True)
    sessions.commit(project, project.main, {".gitignore": "__pycache__/\n", "code": "1\n"})
    project.git("branch", "before")
    shutil.copytree(CHECKOUT / "tasks", project.main / "tasks", ignore=shutil.ignore_patterns("__pycache__"))
    sessions.commit(project, project.main, {"tasks.py": EMBEDDING, "invoke.yaml": _QUIET})
    return project


@pytest.mark.slow
def test_an_older_copy_on_a_branch_is_not_what_runs_unless_told_otherwise(copied: Project) -> None:
    copied.inv("session.add", "x")
    tree = copied.worktree("x")
    sessions.commit(copied, tree, {"tasks/session.py": _OLD, "tasks/fleet.py": _OLD})

    for place in (tree, tree / "tasks"):
        assert copied.inv("session.list", cwd=place).out == copied.inv("session.list").out
    copied.inv("session.add", "y", cwd=tree)
    assert copied.row("y")["base"] == "main"
    assert "an older version ran" in copied.inv("--list", cwd=tree, code=1, env={OWN_CODE: "1"}).err
    own = "from invoke import task\n\n\n@task\ndef hello(c):\n    print('hi')\n\n"
    (tree / "tasks.py").write_text(own + files.ADDED)
    assert copied.inv("hello", cwd=tree).out == "hi\n"
    assert "y " in copied.inv("session.list", cwd=tree).out
    shutil.rmtree(copied.main / "tasks")  # the main checkout is on a branch from before
    assert "an older version ran" in copied.inv("--list", cwd=tree, code=1).err


# How every version so far finds what runs.
_ANY_VERSION = """
def __getattr__(name):
    if name != "ns":
        raise AttributeError(name)
    from . import front_door
    return front_door.find_collection(__file__)
"""


def test_a_worktree_of_another_version_finds_the_main_checkouts_tasks(copied: Project) -> None:
    copied.inv("session.add", "x")
    tree = copied.worktree("x")
    (tree / "tasks" / "__init__.py").write_text(_ANY_VERSION)
    for file in sorted((tree / "tasks").glob("*.py")):
        if file.name not in ("__init__.py", "front_door.py", "session.py"):
            file.unlink()

    assert copied.inv("session.list", cwd=tree).out == copied.inv("session.list").out


def test_a_branch_from_before_the_tasks_has_links_to_them_until_it_has_its_own(copied: Project) -> None:
    added = copied.inv("session.add", "x", "--branch", "before")
    tree = copied.worktree("x")

    assert "link invoke.yaml, tasks.py, tasks" in added.err
    assert copied.git("status", "--porcelain", cwd=tree) == ""
    assert "x " in copied.inv("session.list", cwd=tree).out
    copied.inv("session.add", "y", cwd=tree)
    assert copied.row("y")["windows"] == []  # by the configuration of the main checkout
    copied.inv("session.doctor", cwd=tree)
    sessions.commit(copied, tree, {"code": "2\n"})
    copied.inv("session.sync", cwd=tree)
    assert not (tree / "tasks").is_symlink() and (tree / "tasks" / "session.py").is_file()
    assert copied.git("status", "--porcelain", cwd=tree) == ""
    assert "x " in copied.inv("session.list", cwd=tree).out
    copied.inv("session.remove", "x", "--force")
    copied.inv("session.restore", "x")
    assert (copied.main / "tasks" / "session.py").is_file()


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_file_of_another_user_above_has_none_of_their_tasks_run(sandbox: Path) -> None:
    theirs, mine = sandbox / "shared" / "theirs", sandbox / "shared" / "mine" / "deep"
    for place, what in ((theirs, "theirs"), (mine, "mine")):
        (place / "tasks").mkdir(parents=True)
        shutil.copyfile(CHECKOUT / "tasks" / "front_door.py", place / "tasks" / "front_door.py")
        (place / "tasks" / "session.py").touch()
        (place / "tasks" / "collection.py").write_text("ns = 'mine'\n")
        (place / "tasks" / "__init__.py").write_text(f"ns = {what!r}\n")
    admin = theirs / ".git" / "worktrees" / "x"
    admin.mkdir(parents=True)
    (admin / "commondir").write_text("../..\n")
    (theirs / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (sandbox / "shared" / ".git").write_text(f"gitdir: {admin}\n")
    program = (
        "import sys; sys.path.insert(0, '.'); from tasks import front_door;"
        f" print(front_door.find_collection({str(mine / 'tasks' / '__init__.py')!r}))"
    )

    def ran() -> str:
        argv = [sys.executable, "-c", program]
        return subprocess.run(argv, cwd=mine, capture_output=True, text=True, check=True, timeout=60).stdout.strip()

    assert ran() == "theirs"  # as long as all of it is ours
    for each in (theirs / ".git" / "HEAD", sandbox / "shared" / ".git"):
        os.chown(each, 65534, 65534)
        assert ran() == "mine"
        os.chown(each, 0, 0)
    (sandbox / "shared" / ".git").unlink()
    os.mkfifo(sandbox / "shared" / ".git")
    assert ran() == "mine"


def test_importing_the_package_needs_no_invoke_and_changes_nothing(copied: Project) -> None:
    program = "import sys, tasks; print('invoke' in sys.modules, sys.pycache_prefix)"

    argv = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '.'); {program}"]
    said = subprocess.run(argv, cwd=copied.main, capture_output=True, text=True, check=True)

    assert said.stdout == "False None\n"
