"""Files, directories and configurations of the machine that are not as anybody expects."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.claude import version
from testing.project import INV, Project, eventually, make
from testing.terminal import runs, tmux

_SECONDS = 60  # for what would hang for ever
# Root may write everywhere, unless it gives that up.
_BARE = [] if os.geteuid() else ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]


def _unable(project: Project, *words: str) -> tuple[int, str]:
    """Run `inv` as somebody who may not write where the modes say so; return its exit code and what it says."""
    argv = [*_BARE, sys.executable, INV, *words]
    done = subprocess.run(argv, cwd=project.main, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


@contextmanager
def _read_only(*tops: Path) -> Iterator[None]:
    places = [place for top in tops for place in (top, *top.rglob("*")) if place.is_dir() and not place.is_symlink()]
    modes = [(place, place.stat().st_mode) for place in places]
    for place in places:
        place.chmod(0o555)
    try:
        yield
    finally:
        for place, mode in modes:
            place.chmod(mode)


@pytest.mark.parametrize("kind", ["pipe", "device", "directory", "dangling", "large"])
def test_what_is_no_registry_is_told_and_never_waited_for(project: Project, kind: str) -> None:
    project.configure("session: {windows: []}\n")
    file = project.main / ".tally-sessions"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "directory":
        file.mkdir()
    elif kind == "large":
        with file.open("wb") as large:
            large.truncate(65 << 20)
    else:
        file.symlink_to("/dev/zero" if kind == "device" else "/nowhere/registry")

    for task in ("list", "doctor", "add x"):
        said = project.inv(*f"session.{task}".split(), code=1).err
        assert str(file) in said
        assert said.count("\n") == 2  # the fact, and what to do
    assert os.path.lexists(file)


@pytest.mark.parametrize("kind", ["file", "dangling"])
def test_our_directory_in_gits_own_that_is_none_is_told(project: Project, kind: str) -> None:
    project.configure("session: {windows: []}\n")
    place = project.main / ".git" / "tally-sessions"
    shutil.rmtree(place, ignore_errors=True)
    place.symlink_to("/nowhere") if kind == "dangling" else place.write_text("")

    for task in ("list", "doctor", "add x"):
        said = project.inv(*f"session.{task}".split(), code=1).err
        assert f"{place} is not a directory" in said


@pytest.mark.parametrize("name", ["registries.json", "trusted.json", "claude-version.json", "silent.json"])
def test_a_pipe_in_the_state_directory_hangs_nothing(project: Project, sandbox: Path, name: str) -> None:
    file = sandbox / "state" / "tally-sessions" / name
    file.parent.mkdir(parents=True, mode=0o700)
    os.mkfifo(file)
    (project.main / "invoke.yaml").write_text("session: {windows: [{name: claude, claude: true}], setup: ['true']}\n")

    said = project.inv("session.add", "x", "--yes", code=None).err

    assert (str(file) in said) == (name == "registries.json"), said


@pytest.mark.parametrize(("name", "script"), [("claude-version.json", "echo 2.1.0"), ("silent.json", "sleep 600")])
def test_a_link_in_the_place_of_what_is_known_of_an_assistant_is_replaced_and_never_followed(
    sandbox: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, link = sandbox / "bin" / "agent", sandbox / "state" / "tally-sessions" / name
    agent.write_text(f"#!/bin/sh\nexec {script}\n")
    agent.chmod(0o755)
    link.parent.mkdir(parents=True, mode=0o700)
    (sandbox / "notes.txt").write_text("mine\n")
    link.symlink_to(sandbox / "notes.txt")
    monkeypatch.setattr(version, "_PATIENCE", 1.0)

    version.installed_version(str(agent))

    assert (sandbox / "notes.txt").read_text() == "mine\n"
    assert not link.is_symlink() and str(agent) in link.read_text()


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_state_directory_that_others_may_write_to_is_not_believed(project: Project, sandbox: Path, mode: int) -> None:
    project.configure("session: {windows: []}\n")
    place = sandbox / "state" / "tally-sessions"
    place.mkdir(parents=True)
    place.chmod(mode)

    said = project.inv("session.add", "x", code=1).err

    assert f"chmod go-w {place}" in said
    assert not project.worktree("x").exists()
    place.chmod(0o755)
    project.inv("session.add", "x")

    place.chmod(mode)
    for words in (["start", "x"], ["run", "x", "true"]):
        assert f"chmod go-w {place}" in project.inv(f"session.{words[0]}", *words[1:], code=1).err
    for task in ("list", "show", "remove"):  # which need nothing of it
        assert f"chmod go-w {place}" in project.inv(f"session.{task}", *["x"] * (task != "list")).err


@pytest.mark.slow
def test_the_doctor_needs_no_git_directory_that_can_be_written(project: Project) -> None:
    project.configure("session: {windows: []}\n")
    project.inv("session.add", "x")
    (project.main / ".git" / "tally-sessions" / "removed" / "x" / "half").mkdir(parents=True)

    with _read_only(project.main / ".git"):
        code, said = _unable(project, "session.doctor")

    assert code == 1
    assert "a deletion didn't finish" in said
    assert "Permission denied" not in said


def test_a_removal_that_happened_is_one_where_home_is_read_only(project: Project, sandbox: Path) -> None:
    project.configure("session: {windows: []}\n")
    project.inv("session.add", "x")

    with _read_only(sandbox / "home", sandbox / "state"):
        code, said = _unable(project, "session.remove", "x")

    assert code == 0, said
    assert "ports.lock" in said
    assert not project.worktree("x").exists()
    assert project.inv("session.list", "--json").json == []


def test_a_tmux_that_starts_no_shells_costs_little_and_is_told_once(project: Project, sandbox: Path) -> None:
    (sandbox / "home" / ".tmux.conf").write_text('set -g default-command "cat"\n')
    started = time.monotonic()

    said = project.inv("session.add", "x").err

    assert time.monotonic() - started < 15  # it was more than 20 s, however quick the machine
    (told,) = [line for line in said.splitlines() if "shows no prompt" in line]
    assert "default-command" in told
    assert "backend" in told and "claude" in told


@pytest.mark.slow
def test_a_newline_in_the_repositorys_path_hides_no_session(sandbox: Path) -> None:
    project = make(sandbox / "in\nnew" / "li\nne")
    before = project.world()

    project.inv("session.add", "x")
    runs(project, "x")
    tmux("kill-window", "-t", "=li-ne-x:shell")
    project.inv("session.resume", "x")
    eventually(lambda: project.inv("session.doctor", code=None).code == 0)
    project.inv("session.stop", "x")
    assert project.listed("x")["status"] == "stopped"
    project.inv("session.start", "x")
    project.inv("session.remove", "x", "--force")

    assert project.world() == before
