"""What of a new session begins while git still writes its files, and what has to wait for them."""

import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from tasks.model import Window
from tasks.resources import early
from testing import sessions
from testing.project import INV, Project, eventually
from testing.terminal import tmux, windows

_LARGE = os.urandom(3 << 20)


def _write(path: str, project: Project) -> None:
    sessions.commit(project, project.main, {path: "x\n"})


def _hook(project: Project) -> None:
    hook = project.main / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n")


def _nothing(_project: Project) -> None:
    pass


@pytest.mark.parametrize(
    ("prepare", "at_once"),
    [
        (_nothing, True),
        (partial(_write, ".editorconfig"), True),
        (partial(_write, "frontend/deep/.envrc"), True),  # where no window begins
        (partial(_write, ".envrc"), False),
        (partial(_write, "backend/.envrc"), False),
        (partial(_write, "mise.toml"), False),
        (_hook, False),
        (lambda project: project.git("config", "core.hooksPath", ".husky"), False),
        (lambda project: project.git("sparse-checkout", "set", "backend"), False),
    ],
)
def test_windows_open_at_once_unless_their_shells_would_find_less_than_later(
    project: Project, prepare: Callable[[Project], object], at_once: bool
) -> None:
    prepare(project)
    project.inv("session.add", "x")
    (session,) = sessions.all_of(project)

    opened = early.windows_early(session._replace(tip="HEAD"))

    assert (opened is not None) is at_once


@pytest.mark.parametrize(
    ("window", "at_once"),
    [
        (Window("a", "frontend", needs="package.json"), True),
        (Window("a", "frontend", needs="absent"), False),
        (Window("a", "frontend/absent"), False),
        (Window("a", "backend/manage.py"), False),
        (Window("a", "../tally"), False),
        (Window("a", "./backend"), False),
    ],
)
def test_a_window_waits_if_its_directory_or_what_it_needs_is_not_in_the_commit(
    project: Project, window: Window, at_once: bool
) -> None:
    project.inv("session.add", "x")
    (session,) = sessions.all_of(project)

    opened = early.windows_early(session._replace(tip="HEAD", windows=(Window("b"), window)))

    assert (opened is not None) is at_once


def _slow(project: Project, sandbox: Path) -> Path:
    """Have git wait in the checkout of the last file for the file that is returned."""
    go = sandbox / "go"
    project.git("config", "filter.slow.smudge", f"sh -c 'until [ -e {go} ]; do sleep 0.05; done; cat'")
    project.git("config", "checkout.workers", "1")
    sessions.commit(project, project.main, {".gitattributes": "zz filter=slow\n", "zz": "last\n"})
    sessions.commit(project, project.main, {"frontend/package-lock.json": "{}\n"})
    project.configure(
        "session: {copy: [backend/db.sqlite3, large], link: [frontend/node_modules],"
        " windows: [{name: a, dir: frontend}]}\n"
    )
    (project.main / ".git" / "info" / "exclude").write_text("large\n")
    (project.main / "large").write_bytes(_LARGE)
    return go


def test_shells_boot_and_large_files_are_copied_while_git_writes_the_files(project: Project, sandbox: Path) -> None:
    go, tree = _slow(project, sandbox), project.worktree("x")
    waiting = project.main / ".git" / "tally-sessions" / "copies-x"

    running = subprocess.Popen(
        [INV, "session.add", "x"], cwd=project.main, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    packages = waiting.with_name("packages-x") / "0"
    eventually(packages.exists)

    assert windows("tally-x") != {}
    assert not (tree / "zz").exists()
    assert not (tree / "large").exists()
    copied = (waiting / "1").stat().st_ino
    linked = packages.stat().st_ino
    go.touch()
    _out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert (tree / "zz").read_text() == "last\n"
    assert ((tree / "large").read_bytes(), (tree / "large").stat().st_ino) == (_LARGE, copied)
    modules = tree / "frontend" / "node_modules"
    assert (modules.stat().st_ino, (modules / "left-pad" / "index.js").stat().st_nlink) == (linked, 2)
    assert not waiting.exists()
    assert not packages.parent.exists()
    steps = [line.split()[0] for line in err.splitlines()]
    assert steps.index("worktree") < steps.index("tmux") < steps.index("files")


def test_a_failure_while_git_writes_leaves_nothing(project: Project, sandbox: Path) -> None:
    go = _slow(project, sandbox)
    tmux("new-session", "-d", "-s", "tally-x")
    before = project.world()
    go.touch()

    said = project.inv("session.add", "x", code=1).err

    assert "A tmux session tally-x is already running" in said
    assert project.world() == before


def test_a_checkout_that_fails_leaves_no_copies_either(project: Project, sandbox: Path) -> None:
    go = _slow(project, sandbox)
    private = project.main / ".git" / "tally-sessions"
    hook = project.main / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 3\n")
    hook.chmod(0o755)
    before = project.world()
    running = subprocess.Popen(
        [INV, "session.add", "x"], cwd=project.main, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    eventually((private / "packages-x" / "0").exists)
    go.touch()

    assert running.wait(timeout=60) == 1
    assert not list(private.glob("*-x"))
    assert project.world() == before


@pytest.mark.parametrize("is_parent_killed", [False, True])
def test_a_git_that_outlived_its_killed_add_deletes_nothing_of_the_next(
    project: Project, sandbox: Path, is_parent_killed: bool
) -> None:
    go = _slow(project, sandbox)
    private, tree = project.main / ".git" / "tally-sessions", project.worktree("x")
    running = subprocess.Popen(
        [INV, "session.add", "x"], cwd=project.main, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    eventually((private / "packages-x" / "0").exists)
    writers = [each for each in psutil.Process(running.pid).children(recursive=True) if each.name() == "git"]
    running.kill()
    running.wait()
    if is_parent_killed:  # and left the one that writes the files
        writers[0].kill()
    again = subprocess.Popen(
        [INV, "session.add", "x"], cwd=project.main, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    eventually(lambda: "tally-x" in tmux("list-sessions", check=False) and not any(map(_runs, writers)))
    go.touch()

    said, _err = again.communicate(timeout=60)

    assert again.returncode == 0, said
    assert project.git("status", "--porcelain", cwd=tree) == ""
    assert (tree / "zz").read_text() == "last\n"


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_a_killed_add_whose_copies_waited_leaves_none(project: Project, sandbox: Path) -> None:
    go = _slow(project, sandbox)
    private = project.main / ".git" / "tally-sessions"
    running = subprocess.Popen(
        [INV, "session.add", "x"], cwd=project.main, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    eventually((private / "packages-x" / "0").exists)
    running.kill()
    running.wait()
    go.touch()
    eventually((project.worktree("x") / "zz").exists)
    eventually(lambda: not list(private.parent.rglob("index.lock")))

    project.inv("session.add", "x")

    assert not list(private.glob("*-x"))
    assert (project.worktree("x") / "large").read_bytes() == _LARGE
