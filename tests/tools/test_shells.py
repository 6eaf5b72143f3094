"""Shells and tmux as people have them: slow, zsh, other indexes, other releases."""

import shutil
from pathlib import Path

import pytest

from testing import wrappers
from testing.project import Project, eventually
from testing.terminal import enter, panes, runs, screen, shows, tmux, windows


def _lives(project: Project) -> None:
    """Add a session, resume it after a reboot, remove it."""
    before = project.world()
    project.inv("session.add", "x")
    runs(project, "x")
    shows(windows("tally-x")["cli"], "python backend/manage.py")
    tmux("kill-server")

    project.inv("session.resume")

    runs(project, "x")
    shows(windows("tally-x")["cli"], "python backend/manage.py")
    shown = {name: screen(pane) for name, pane in windows("tally-x").items()}
    project.inv("session.resume")
    assert {name: screen(pane) for name, pane in windows("tally-x").items()} == shown
    project.inv("session.remove", "x")
    assert project.world() == before


@pytest.mark.slow
def test_a_slow_shell_still_gets_its_commands(project: Project, sandbox: Path) -> None:
    rc = sandbox / "home" / ".bashrc"
    rc.write_text("sleep 2\n" + rc.read_text())

    _lives(project)


def test_zsh_works(project: Project, sandbox: Path) -> None:
    (sandbox / "home" / ".tmux.conf").write_text(f"set -g default-shell {shutil.which('zsh')}\n")
    (sandbox / "home" / ".zshrc").write_text("PROMPT='%% '\n" + (sandbox / "home" / ".bashrc").read_text())

    _lives(project)


def test_zsh_does_not_execute_half_a_line(project: Project, sandbox: Path) -> None:
    (sandbox / "home" / ".tmux.conf").write_text(f"set -g default-shell {shutil.which('zsh')}\n")
    (sandbox / "home" / ".zshrc").write_text("PROMPT='%% '\n" + (sandbox / "home" / ".bashrc").read_text())
    project.inv("session.add", "x")
    runs(project, "x")
    pane = next(iter(windows("tally-x").values()))
    tmux("send-keys", "-t", pane, "C-c")
    eventually(lambda: len(project.listed("x")["answering"]) == 1)
    tmux("send-keys", "-t", pane, "-l", "--", f"touch {project.top}/executed; ")

    project.inv("session.resume")

    runs(project, "x")
    assert not (project.top / "executed").exists()


def test_other_indexes_and_renumbered_windows_work(project: Project, sandbox: Path) -> None:
    options = ("base-index 1", "pane-base-index 1", "renumber-windows on", "automatic-rename on", "allow-rename on")
    (sandbox / "home" / ".tmux.conf").write_text("".join(f"set -g {option}\n" for option in options))

    _lives(project)


def test_a_window_that_comes_back_among_other_indexes_is_the_right_one(project: Project, sandbox: Path) -> None:
    (sandbox / "home" / ".tmux.conf").write_text("set -g base-index 1\nset -g renumber-windows on\n")
    project.inv("session.add", "x")
    runs(project, "x")
    before = windows("tally-x")
    tmux("kill-window", "-t", before["claude"])

    project.inv("session.resume")

    after = windows("tally-x")
    assert {name for name in after if after[name] != before[name]} == {"claude"}
    shows(after["claude"], "claude stand-in")


def test_a_tmux_that_refuses_colons_gets_dashes(project: Project, sandbox: Path) -> None:
    wrappers.without_colons(sandbox)

    said = project.inv("session.add", "x")

    row = project.row("x")
    names = [f"backend-{row['backend_port']}", f"frontend-{row['frontend_port']}", "claude", "shell", "cli"]
    assert panes("tally-x", "#{window_name}") == names
    assert "invalid" not in said.err
    runs(project, "x")


def test_a_closed_window_comes_back_with_dashes_where_colons_are_refused(project: Project, sandbox: Path) -> None:
    wrappers.without_colons(sandbox)
    project.inv("session.add", "x")
    before = panes("tally-x", "#{window_name}")
    tmux("kill-window", "-t", windows("tally-x")[before[0]])

    project.inv("session.resume")

    assert sorted(panes("tally-x", "#{window_name}")) == sorted(before)
    runs(project, "x")


@pytest.mark.parametrize("name", ["renamed", ""])
def test_a_window_that_a_person_renamed_is_still_the_same(project: Project, name: str) -> None:
    project.inv("session.add", "x")
    runs(project, "x")
    count = len(panes("tally-x", "#{pane_id}"))
    tmux("rename-window", "-t", windows("tally-x")["shell"], name)

    project.inv("session.resume")

    assert len(panes("tally-x", "#{pane_id}")) == count


def test_a_split_window_is_not_typed_into(project: Project) -> None:
    project.inv("session.add", "x")
    runs(project, "x")
    tmux("split-window", "-t", windows("tally-x")["shell"])
    (second,) = set(panes("tally-x", "#{pane_id}")) - set(panes("tally-x", "#{?@tally_window,#{pane_id},}"))
    shows(second, "$")
    enter(second, "echo $((40 + 2))")
    shows(second, "42")
    before = screen(second)

    project.inv("session.resume")

    assert screen(second) == before
