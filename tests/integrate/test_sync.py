"""A session's commits on top of its base: rebased, or merged once they are pushed; conflicts are the person's."""

import os
import shlex
import shutil
import signal
import subprocess

import pytest

from testing.origin import commit, others_push, share
from testing.project import INV, Project, eventually


@pytest.fixture
def shared(project: Project) -> Project:
    """Return the project with an origin and the session x, which is measured against origin/main."""
    project.configure("session: {windows: [], base: origin/main}\n")
    share(project)
    project.inv("session.add", "x")
    return project


def test_a_session_gets_what_others_pushed_below_its_own_commits(shared: Project) -> None:
    tree = shared.worktree("x")
    assert "is up to date with" in shared.inv("session.sync", "x").out
    commit(shared, tree, "mine", "1\n")
    theirs = others_push(shared, "theirs", "1\n")
    (tree / "scratch").write_text("untracked\n")

    said = shared.inv("session.sync", cwd=tree)

    assert "Rebased 1 commit of x onto origin/main at" in said.out and "(1 new commit)." in said.out
    assert shared.git("rev-parse", "HEAD~1", cwd=tree) == theirs == shared.row("x")["start"]
    assert (shared.listed("x")["ahead"], shared.listed("x")["behind"]) == (1, 0)
    assert (tree / "scratch").read_text() == "untracked\n"
    shared.git("branch", "--quiet", "--set-upstream-to=origin/main", "main")
    assert "next       cd" in shared.inv("session.show", "x").out  # the scratch file is not committed


def test_conflicts_are_left_with_what_to_do_and_aborted_on_demand(shared: Project) -> None:
    tree = shared.worktree("x")
    commit(shared, tree, "a file", "mine\n")
    mine = commit(shared, tree, "later", "")
    others_push(shared, "a file", "theirs\n")

    said = shared.inv("session.sync", "x", code=1).err

    for words in (
        "Rebase stopped: x conflicts with origin/main in a file.",
        f"cd {tree}",
        "git add 'a file'",
        "git rebase --continue",
        "sync x --abort",
    ):
        assert words in said
    assert "<<<<<<<" in (tree / "a file").read_text()
    following = [step["command"] for step in shared.inv("session.show", "x", "--json").json["next"]]
    assert following == [f"cd {tree} && git rebase --continue", "inv session.sync x --abort"]
    for task in ("sync", "merge", "pr"):
        assert "A rebase is in progress" in shared.inv(f"session.{task}", "x", code=1).err
    assert "as it was before" in shared.inv("session.sync", "x", "--abort").out
    assert shared.git("rev-parse", "x") == shared.git("rev-parse", "HEAD", cwd=tree) == mine
    assert "No rebase or merge is in progress" in shared.inv("session.sync", "x", "--abort", code=1).err
    shared.inv("session.sync", "x", code=1)
    (tree / "a file").write_text("both\n")
    shared.git("add", "a file", cwd=tree)
    shared.git("-c", "core.editor=true", "rebase", "--continue", cwd=tree)
    assert "is up to date with" in shared.inv("session.sync", "x").out
    assert "2 unmerged commits" in shared.inv("session.remove", "x", code=1).err  # no leftover of git's counts


def test_what_stops_it_without_a_conflict_is_told_as_git_tells_it(shared: Project) -> None:
    mine = commit(shared, shared.worktree("x"), "mine", "1\n")
    others_push(shared, "theirs", "1\n")
    for setting, value in (("gpg.program", "false"), ("commit.gpgsign", "true")):
        shared.git("config", setting, value)

    said = shared.inv("session.sync", "x", code=1).err

    assert "gpg failed to sign" in said
    assert "conflict" not in said and "conflicts" not in said
    assert "as it was before" in shared.inv("session.sync", "x", "--abort").out
    assert shared.git("rev-parse", "x") == mine


def test_pushed_commits_are_not_rewritten(shared: Project) -> None:
    tree = shared.worktree("x")
    mine = commit(shared, tree, "mine", "1\n")
    shared.git("push", "--quiet", "origin", "x", cwd=tree)
    theirs = others_push(shared, "theirs", "1\n")

    said = shared.inv("session.sync", "x")

    assert "1 commit is already pushed, so origin/main is merged in" in said.err
    assert shared.git("rev-parse", "HEAD^1", "HEAD^2", cwd=tree).splitlines() == [mine, theirs]
    assert shared.git("log", "-1", "--format=%s", cwd=tree) == "Merge origin/main into x"
    shared.git("push", "--quiet", "origin", "x", cwd=tree)  # no force


def test_what_was_resolved_in_a_merge_is_not_lost(shared: Project) -> None:
    tree = shared.worktree("x")
    shared.git("checkout", "--quiet", "-b", "topic", cwd=tree)
    commit(shared, tree, "topic", "1\n")
    shared.git("checkout", "--quiet", "x", cwd=tree)
    shared.git("merge", "--quiet", "--no-ff", "--no-commit", "topic", cwd=tree)
    mine = commit(shared, tree, "resolved", "by hand\n")
    theirs = others_push(shared, "theirs", "1\n")

    said = shared.inv("session.sync", "x")

    assert "would lose what was resolved" in said.err
    assert shared.git("rev-parse", "HEAD^1", "HEAD^2", cwd=tree).splitlines() == [mine, theirs]
    assert (tree / "resolved").read_text() == "by hand\n"


def test_a_file_that_git_ignores_is_not_overwritten(shared: Project) -> None:
    tree = shared.worktree("x")
    mine = commit(shared, tree, "mine", "1\n")
    (tree / "data.sqlite3").write_text("mine")
    others_push(shared, ".gitignore", "")
    others_push(shared, "data.sqlite3", "theirs")

    said = shared.inv("session.sync", "x", code=1).err

    assert "data.sqlite3 is in the way" in said
    assert (shared.git("rev-parse", "x"), (tree / "data.sqlite3").read_text()) == (mine, "mine")
    subprocess.run(["sh", "-c", said.split("Run: ")[1]], check=True)
    shared.inv("session.sync", "x")
    assert [(tree / name).read_text() for name in ("data.sqlite3", "data.sqlite3.mine")] == ["theirs", "mine"]


def test_a_file_where_a_directory_has_to_be_is_the_one_to_move(shared: Project) -> None:
    tree = shared.worktree("x")
    (tree / "new").write_text("mine")
    others_push(shared, "first", "")
    (shared.top / "other" / "new").mkdir()
    others_push(shared, "new/file", "theirs")

    said = shared.inv("session.sync", "x", code=1).err

    assert f"Run: mv -i {tree}/new {tree}/new.mine\n" in said
    subprocess.run(["sh", "-c", said.split("Run: ")[1]], check=True)
    shared.inv("session.sync", "x")
    assert [(tree / name).read_text() for name in ("new/file", "new.mine")] == ["theirs", "mine"]


def test_what_was_committed_once_and_is_ignored_now_is_not_lost(shared: Project) -> None:
    tree = shared.worktree("x")
    (tree / "data.sqlite3").write_text("mine")
    shared.git("add", "--force", "data.sqlite3", cwd=tree)
    commit(shared, tree, "mine", "1")
    shared.git("rm", "--quiet", "--cached", "data.sqlite3", cwd=tree)
    commit(shared, tree, "mine", "2")
    others_push(shared, "theirs", "")

    assert "data.sqlite3 is in the way" in shared.inv("session.sync", "x", code=1).err

    assert (tree / "data.sqlite3").read_text() == "mine"


def test_what_cannot_be_synced_is_told_and_nothing_changes(shared: Project) -> None:
    tree = shared.worktree("x")
    (tree / "tasks.py").write_text("changed\n")
    assert "changed: tasks.py" in shared.inv("session.sync", "x", code=1).err
    shared.git("checkout", "--quiet", "tasks.py", cwd=tree)
    shared.git("checkout", "--quiet", "--detach", cwd=tree)
    assert f"git -C {tree} checkout x" in shared.inv("session.sync", "x", code=1).err
    shared.git("checkout", "--quiet", "x", cwd=tree)
    start = shared.row("x")["start"]
    shared.git("remote", "set-url", "origin", "/nowhere")
    offline = shared.inv("session.sync", "x")
    assert "/nowhere" in offline.err
    assert "is up to date with" in offline.out
    shared.git("update-ref", "-d", "refs/remotes/origin/main")
    assert "Run: git fetch origin\n" in shared.inv("session.sync", "x", code=1).err
    shared.git("remote", "remove", "origin")
    assert "git remote add origin URL && git fetch origin" in shared.inv("session.sync", "x", code=1).err
    rows = (shared.main / ".tally-sessions").read_text()
    (shared.main / ".tally-sessions").write_text(rows.replace('"origin/main"', '"gone/dev"'))
    assert f"git branch gone/dev {start}" in shared.inv("session.sync", "x", code=1).err


def test_a_local_base_says_what_its_remote_has_more_and_a_shallow_clone_what_it_lacks(project: Project) -> None:
    project.configure("session: {windows: []}\n")
    share(project)
    project.inv("session.add", "x")
    others_push(project, "theirs", "1\n")

    said = project.inv("session.sync", "x")

    assert "main is 1 commit behind origin/main" in said.err
    shallow = Project(project.top / "shallow")
    project.git("clone", "--quiet", "--depth=1", f"file://{project.top}/origin.git", str(shallow.main))
    (shallow.main / "tasks").unlink()
    (shallow.main / "tasks").symlink_to(project.main / "tasks")
    shallow.inv("session.add", "s")
    commit(shallow, shallow.worktree("s"), "mine", "1\n")
    shallow.git("fetch", "--quiet", "--depth=1", "origin", "main")
    orphan = shallow.git("commit-tree", "HEAD^{tree}", "-m", "grafted")
    shallow.git("checkout", "--quiet", "--detach")
    shallow.git("update-ref", "refs/heads/main", orphan)
    assert "git fetch --unshallow" in shallow.inv("session.sync", "s", code=1).err


def test_the_commands_that_are_told_can_be_pasted_whatever_the_path_is_called(project: Project) -> None:
    project.configure("session: {windows: [], worktree: '../my trees/{slug}'}\n")
    project.inv("session.add", "x")
    tree = project.main.parent / "my trees" / "x"
    (tree / "scratch").write_text("untracked\n")

    for task in ("sync", "merge"):
        (tree / "README").write_text("changed\n") if task == "merge" else project.git("add", "scratch", cwd=tree)
        assert f"cd {shlex.quote(str(tree))} && git " in project.inv(f"session.{task}", "x", code=1).err
    following = project.inv("session.show", "x", "--json").json["next"][0]["command"]
    subprocess.run(["sh", "-c", following.replace("git commit", "git commit --quiet -m all")], check=True)
    project.git("switch", "--quiet", "--detach", cwd=tree)
    said = project.inv("session.sync", "x", code=1).err
    subprocess.run(["sh", "-c", said.split("Run: ")[1]], check=True)
    assert "is up to date with" in project.inv("session.sync", "x").out


def test_a_worktree_that_lost_its_link_to_git_is_mended_with_what_is_told(shared: Project) -> None:
    (shared.worktree("x") / ".git").unlink()

    for task in ("sync", "merge", "resume"):
        said = shared.inv(f"session.{task}", "x", code=1).err
        assert "as a worktree.\nFix: git -C" in said and "--keep-branch" not in said
    (step,) = shared.inv("session.show", "x", "--json").json["next"]

    subprocess.run(["sh", "-c", step["command"]], check=True, capture_output=True)
    assert "is up to date with" in shared.inv("session.sync", "x").out


def test_a_hook_that_hangs_is_ended_by_the_second_interrupt(shared: Project) -> None:
    tree = shared.worktree("x")
    mine = commit(shared, tree, "mine", "1\n")
    others_push(shared, "theirs", "1\n")
    hook = shared.main / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {shared.top}/begun\nsleep 60\n")
    hook.chmod(0o755)
    running = subprocess.Popen(
        [INV, "session.sync", "x"], cwd=shared.main, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # who runs us may ignore it
    )  # fmt: skip
    eventually((shared.top / "begun").exists)

    assert running.stderr is not None
    running.send_signal(signal.SIGINT)
    while "^C again" not in (line := running.stderr.readline()):
        assert line, "it ended with the first one"
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=20)[1]

    assert running.returncode == 1
    assert "The rebase stopped" in said
    hook.unlink()
    shared.inv("session.sync", "x", "--abort")
    assert shared.git("rev-parse", "x") == mine


@pytest.mark.parametrize("pushed", [False, True])
def test_what_was_squashed_is_not_in_the_way_of_what_came_after_it(project: Project, pushed: bool) -> None:
    project.configure("session: {windows: []}\n")
    share(project)
    project.inv("session.add", "x")
    tree = project.worktree("x")
    for text in ("1\n", "1\n2\n"):
        commit(project, tree, "a file", text)
    if pushed:
        project.git("push", "--quiet", "origin", "x", cwd=tree)
    project.inv("session.merge", "x", "--squash")
    commit(project, project.main, "main's", "")
    commit(project, tree, "a file", "3\n")
    commit(project, tree, "a file", "4\n")

    said = project.inv("session.sync", "x")

    assert (tree / "a file").read_text() == "4\n"
    assert (tree / "main's").exists()
    if not pushed:
        assert "Rebased 2 commits of x" in said.out and "(2 new commits)." in said.out
        assert project.git("log", "--format=%s", "main..x").splitlines() == ["a file in tally-x"] * 2
    assert (project.listed("x")["behind"], project.git("status", "--porcelain", cwd=tree)) == (0, "")
    commit(project, project.main, "more", "")
    project.inv("session.sync", "x")
    project.inv("session.merge", "x", "--squash")
    assert (project.main / "a file").read_text() == "4\n"


def test_a_squashed_session_without_more_is_taken_to_its_base(project: Project) -> None:
    project.configure("session: {windows: []}\n")
    project.inv("session.add", "x")
    for text in ("1\n", "2\n"):
        commit(project, project.worktree("x"), "a file", text)
    project.inv("session.merge", "x", "--squash")
    last = commit(project, project.main, "a file", "3\n")

    assert "(2 new commits)." in project.inv("session.sync", "x").out

    assert project.git("rev-parse", "x") == last


def test_a_directory_that_became_a_file_is_synced(shared: Project) -> None:
    tree = shared.worktree("x")
    commit(shared, tree, "mine", "")
    other = shared.top / "other"
    subprocess.run(["git", "clone", "--quiet", str(shared.top / "origin.git"), str(other)], check=True)
    shared.git("rm", "--quiet", "-r", "frontend", cwd=other)
    commit(shared, other, "frontend", "a file\n")
    shared.git("push", "--quiet", "origin", "main", cwd=other)
    assert "tally-x/frontend/" in shared.inv("session.sync", "x", code=1).err  # its own .env, and the link
    shutil.rmtree(tree / "frontend" / "node_modules", ignore_errors=True)
    for path in (".env", "node_modules"):
        if os.path.lexists(tree / "frontend" / path):
            (tree / "frontend" / path).unlink()

    shared.inv("session.sync", "x")

    assert (tree / "frontend").read_text() == "a file\n"
