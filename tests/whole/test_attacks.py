"""What an attacker found: names that were locks, hooks, filters, private files, programs that read single keys."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.system import terminal
from testing import sessions
from testing.project import INV, Project, eventually
from testing.terminal import screen, tmux, windows


@pytest.fixture
def added(project: Project) -> Project:
    """Return the project with the session x, of files only."""
    project.configure("session: {windows: []}\n")
    project.inv("session.add", "x")
    return project


def _again(project: Project) -> None:
    project.inv("session.remove", "x", "--force")
    project.inv("session.restore", "x")


@pytest.mark.parametrize("name", ["registry", "exclude", "session-x"])
def test_no_name_is_one_of_our_locks(project: Project, name: str) -> None:
    project.configure("session: {windows: []}\n")

    project.inv("session.add", name)
    project.inv("session.remove", name)


def test_a_link_that_was_replaced_by_data_comes_back(project: Project) -> None:
    (project.main / "data").mkdir()
    project.configure("session: {windows: [], link: [data]}\n")
    project.inv("session.add", "x")
    link = project.worktree("x") / "data"
    link.unlink()
    link.mkdir()
    (link / "mine").write_text("precious")

    _again(project)

    assert (link / "mine").read_text() == "precious"


def test_the_commits_of_a_lost_worktree_come_back(added: Project) -> None:
    tree = added.worktree("x")
    added.git("commit", "--quiet", "--allow-empty", "-m", "precious", cwd=tree)
    tip = added.git("rev-parse", "x")
    subprocess.run(["rm", "-rf", str(tree)], check=True)

    _again(added)

    assert added.git("rev-parse", "x") == tip


@pytest.mark.parametrize(
    "damage", ["rm .git", ": > .git", "rm -rf ../tally/.git/worktrees/tally-x", "rm .git; git init -q"]
)
def test_a_worktree_that_lost_its_link_is_mended_as_said_and_removed(added: Project, damage: str) -> None:
    tree = added.worktree("x")
    (tree / "mine").write_text("precious")
    subprocess.run(damage, shell=True, check=True, cwd=tree)

    said = added.inv("session.remove", "x", "--force", code=1).err

    fix = said.partition("Fix: ")[2].partition("\n")[0]
    assert fix in added.inv("session.doctor", code=1).out
    subprocess.run(fix, shell=True, check=True)
    added.inv("session.remove", "x", "--force")
    assert added.inv("session.list", "--json").json == []
    kept = tree.with_name("tally-x.kept")
    if not kept.exists():
        added.inv("session.restore", "x")
    assert ((kept if kept.exists() else tree) / "mine").read_text() == "precious"


@pytest.mark.parametrize(
    "damage",
    ["git worktree move ../tally-x ../y", "mv ../../dev ../../other", "cd ..; mkdir n; mv tally tally-x n; cd n/tally"],
)
def test_a_worktree_that_was_moved_is_brought_back_by_what_doctor_says(sandbox: Path, damage: str) -> None:
    project = sessions.repository(sandbox / "dev" / "tally", {"a": "1\n"})
    (sessions.add(project, "x", {"b": "2\n"}, link=("tasks",)) / "tasks").symlink_to(project.main / "tasks")
    write = "echo precious > ../tally-x/mine; "
    subprocess.run(write + damage, shell=True, check=True, cwd=project.main)
    moved = next(place for name in ("dev/n", "dev", "other") if (place := sandbox / name / "tally").exists())

    said = project.inv("session.doctor", "--json", code=1, cwd=moved).json
    fix = next(each["fix"] for each in said if " now" in each["problem"])
    assert "Fix: " + fix in project.inv("session.remove", "x", "--force", code=1, cwd=moved).err
    assert fix in project.inv("session.show", "x", cwd=moved).out
    assert "Nothing to delete" in project.inv("session.prune", cwd=moved).out
    subprocess.run(fix, shell=True, check=True, cwd=moved)
    if not project.main.exists():  # somebody who moved each of them
        for each in project.inv("session.doctor", "--json", code=1, cwd=moved).json:  # a link into it, and git's own
            subprocess.run(each["fix"], shell=True, check=True, cwd=moved)

    here = project.main if project.main.exists() else moved
    assert project.inv("session.doctor", cwd=here).out == "No problems.\n"
    assert project.git("status", "--porcelain", cwd=project.worktree("x")) == "?? mine"
    project.inv("session.remove", "x", "--force", cwd=here)
    project.inv("session.restore", "x", cwd=here)


def test_a_session_whose_branch_went_to_the_main_checkout_is_let_go_without_it(sandbox: Path) -> None:
    project = sessions.repository(sandbox / "dev" / "tally", {"a": "1\n"})
    project.git("worktree", "remove", str(sessions.add(project, "x")))
    project.git("checkout", "--quiet", "x")

    assert "x --keep-branch" in project.inv("session.remove", "x", "--force", code=1).err
    project.inv("session.remove", "x", "--keep-branch")

    assert project.git("symbolic-ref", "HEAD") == "refs/heads/x"


def test_a_branch_that_was_deleted_below_its_worktree_is_told_and_made_again_as_said(sandbox: Path) -> None:
    project = sessions.repository(sandbox / "dev" / "tally", {"a": "1\n"})
    tree = sessions.add(project, "x", {"b": "2\n"})
    project.git("checkout", "--quiet", "--detach", cwd=tree)
    project.git("branch", "--quiet", "-D", "x")

    (problem,) = project.inv("session.doctor", "--json", code=1).json
    assert "checkout -b x" in project.inv("session.show", "x").out
    assert problem["fix"] in project.inv("session.sync", "x", code=1).err
    subprocess.run(problem["fix"], shell=True, check=True)

    assert "is up to date with" in project.inv("session.sync", "x").out


def test_a_directory_that_only_another_user_may_read_is_moved_aside_whole_and_comes_back(sandbox: Path) -> None:
    project = sessions.repository(sandbox / "dev" / "tally", {"a": "1\n"})
    data = sessions.add(project, "x") / "pgdata"
    fixed = data.parent / "modules.ignored"
    fixed.mkdir()
    (fixed / "file").touch()
    fixed.chmod(0o555)
    data.mkdir()
    (data / "mine").write_text("precious")
    data.chmod(0)
    bare = [] if os.geteuid() else ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]  # else root may read it
    if bare and not shutil.which("setpriv"):
        pytest.skip("root may read everything here")

    argv = [*bare, sys.executable, INV, "session.remove", "x", "--force"]
    said = subprocess.run(argv, cwd=project.main, capture_output=True, text=True, check=False)

    assert said.returncode == 0, said.stderr
    assert not data.exists()
    project.inv("session.restore", "x")
    assert (stat.S_IMODE(data.stat().st_mode), stat.S_IMODE(fixed.stat().st_mode)) == (0, 0o555)
    data.chmod(0o700)
    assert (data / "mine").read_text() == "precious"
    assert (fixed / "file").exists()


def test_what_a_hook_makes_does_not_win_over_what_comes_back(added: Project) -> None:
    env = added.worktree("x") / "backend" / ".env"
    env.write_text("MINE=1\n")
    hook = added.main / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho TEMPLATE > backend/.env; echo x > generated\n")
    hook.chmod(0o755)
    (added.worktree("x") / "generated").write_text("mine\n")

    _again(added)

    assert env.read_text() == "MINE=1\n"
    assert (added.worktree("x") / "generated").read_text() == "mine\n"


def test_line_ends_come_back_whatever_git_is_told(added: Project) -> None:
    tree = added.worktree("x")
    (tree / ".gitattributes").write_text("* text=auto\n")
    added.git("config", "core.safecrlf", "true")
    (tree / "new.txt").write_bytes(b"a\r\nb\r\n")

    _again(added)

    assert (tree / "new.txt").read_bytes() == b"a\r\nb\r\n"


def test_values_that_a_person_set_come_back(added: Project) -> None:
    env = added.worktree("x") / "frontend" / ".env"
    env.write_text("VITE_API_URL=https://staging.example\n")

    _again(added)

    assert env.read_text() == "VITE_API_URL=https://staging.example\n"


def test_a_private_file_never_becomes_an_object_that_others_can_read(added: Project) -> None:
    file = added.worktree("x") / "credentials"
    file.write_text("TOPSECRET")
    file.chmod(0o600)

    added.inv("session.remove", "x", "--force")

    objects = added.git("cat-file", "--batch-check", "--batch-all-objects")
    contents = [added.git("cat-file", "-p", line.split()[0]) for line in objects.splitlines() if " blob " in line]
    assert all("TOPSECRET" not in content for content in contents)
    added.inv("session.restore", "x")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("TOPSECRET", 0o600)


def test_a_pipe_among_the_files_stops_nothing(added: Project) -> None:
    place = added.worktree("x") / "backend" / "__pycache__"
    place.mkdir()
    subprocess.run(["mkfifo", str(added.worktree("x") / "pipe"), str(place / "pipe")], check=True)

    added.inv("session.remove", "x", "--force")


def test_a_renamed_branch_comes_back(added: Project) -> None:
    tree = added.worktree("x")
    added.git("branch", "-m", "renamed", cwd=tree)
    (tree / "new").write_text("new")

    _again(added)

    assert (tree / "new").read_text() == "new"


def test_a_merge_that_is_going_on_is_refused_and_kept_by_force(added: Project) -> None:
    tree = added.worktree("x")
    for place, text in ((added.main, "main\n"), (tree, "session\n")):
        (place / "backend" / "manage.py").write_text(text)
        added.git("commit", "--quiet", "--all", "-m", text.strip(), cwd=place)
    subprocess.run(["git", "-C", str(tree), "merge", "--quiet", "main"], capture_output=True, check=False)

    assert "A git operation is in progress" in added.inv("session.remove", "x", code=1).err
    _again(added)

    assert "<<<<<<<" in (tree / "backend" / "manage.py").read_text()


def test_an_editor_in_a_window_is_not_typed_into(project: Project) -> None:
    project.inv("session.add", "x")
    pane = windows("tally-x")["shell"]
    tmux("send-keys", "-t", pane, "stty -icanon -echo; cat", "Enter")
    eventually(lambda: tmux("display-message", "-p", "-t", pane, "#{pane_current_command}") == "cat")
    tmux("set-option", "-p", "-u", "-t", pane, "@tally_typed")

    project.inv("session.resume")

    assert "cd " not in screen(pane).split("cat", 1)[1]


def test_add_with_json_says_that_it_is_there(project: Project) -> None:
    project.configure("session: {windows: []}\n")

    assert project.inv("session.add", "x", "--json").json["status"] in ("stopped", "running")


def test_a_failed_setup_is_told_by_the_exit_code(project: Project) -> None:
    project.configure("session: {windows: [], setup: ['false']}\n")

    assert (
        "Setup command failed: false\nFix the problem, then run: inv session.start x"
        in project.inv("session.add", "x", code=1).err
    )


def test_tmux_told_to_end_what_nobody_is_attached_to_keeps_sessions(project: Project) -> None:
    (project.top.parent / "home" / ".tmux.conf").write_text("set -g destroy-unattached on\n")

    project.inv("session.add", "x")

    assert "tally-x" in tmux("list-sessions", "-F", "#{session_name}")


def test_no_terminal_obeys_what_a_commit_or_the_name_of_a_file_says(project: Project) -> None:
    project.configure('session: {windows: [], variables: {BELL: "\\a"}, components: {web: [web]}}\n')
    project.inv("session.add", "x", "--component", "web")
    tree, name = project.worktree("x"), "a\x1b]0;owned\x07\nnext   rm"
    project.git("commit", "--quiet", "--allow-empty", "-m", "tidy \x1b[2J\x9bup", cwd=tree)
    (tree / name).touch()

    said = [project.inv("session.show", "x"), project.inv("session.conflicts"), project.inv("session.list")]
    said.append(project.inv("session.remove", "x", code=1))
    shown = project.inv("session.show", "x", "--json").json

    for each in (text for one in said for text in (one.out, one.err)):
        assert not {"\x1b", "\x07", "\x9b"} & {*each}
    assert r"tidy \u001b[2J\u009bup" in said[0].out
    assert "\nnext   rm" not in said[0].out
    assert r"untracked: a\u001b]0;owned\u0007\u000anext   rm" in said[-1].err
    assert "tidy \x1b[2J\x9bup" in shown["commits"][0]
    assert "export BELL='\x07'" in project.inv("session.env", "x").out


def test_colours_of_other_programs_are_left_out_and_the_rest_is_escaped() -> None:
    assert terminal.plain_text("\x1b[1;31merror\x1b[0m: a\tb\r\nc\rd \u202ee") == "error: a\tb\nc\\u000dd \\u202ee"
