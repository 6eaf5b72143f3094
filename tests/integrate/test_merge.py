"""A session's branch into another one: verified, whole or not at all, and recognised as merged afterwards."""

import shutil
import subprocess

import pytest

from tasks.errors import SessionError
from tasks.integrate import merge
from tasks.tools import git
from testing.origin import commit, others_push, share
from testing.project import Project


@pytest.fixture
def worked(project: Project) -> Project:
    """Return the project with the session x, which has two commits, and commands that verify it."""
    verify = "verify: ['echo checked $TALLY_SESSION', test ! -e broken]"
    project.configure(f"session: {{windows: [], {verify}}}\n")
    project.inv("session.add", "x")
    for number in ("1", "2"):
        commit(project, project.worktree("x"), number, f"{number}\n")
    return project


def test_a_merge_verifies_updates_the_main_checkout_and_is_remembered(worked: Project) -> None:
    tree, main = worked.worktree("x"), worked.git("rev-parse", "main")
    (tree / "broken").touch()
    assert "untracked: broken" in worked.inv("session.merge", "x", code=1).err
    commit(worked, tree, "broken", "")
    assert "Verify failed (exit code 1)" in worked.inv("session.merge", "x", code=1).err
    worked.git("reset", "--quiet", "--hard", "HEAD~1", cwd=tree)
    commit(worked, tree, "frontend/package.json", "{}\n")
    for path, state in (("1", "?? 1"), ("frontend/package.json", "M frontend/package.json")):
        (worked.main / path).write_text("in the way\n")
        assert "would be overwritten" in worked.inv("session.merge", "x", code=1).err
        assert worked.git("rev-parse", "main") == main
        assert worked.git("status", "--porcelain") == state
        worked.git("stash", "--quiet", "--include-untracked")
    (worked.main / "beside").touch()
    (worked.main / "tasks.py").write_text((worked.main / "tasks.py").read_text() + "# mine\n")

    said = worked.inv("session.merge", "x")

    assert f"checked {tree}" in said.err
    assert said.out.startswith("Merged x into main at ")
    assert worked.git("rev-parse", "main") == worked.git("rev-parse", "x")
    assert worked.git("status", "--porcelain") == "M tasks.py\n?? beside"  # what was there stays as it was
    assert (worked.main / "2").exists()
    assert worked.row("x")["merged"] == worked.listed("x")["merged"] != ""
    assert "clean, merged" in worked.inv("session.list").out
    assert worked.inv("session.show", "x", "--json").json["next"][0]["command"] == "inv session.remove x"
    assert "Nothing to merge: main has all commits" in worked.inv("session.merge", "x", code=1).err
    commit(worked, tree, "3", "")
    assert worked.listed("x")["merged"] == ""
    worked.inv("session.merge", "x", "--remove")
    assert not tree.exists()


def test_a_base_that_moved_on_is_synced_first(worked: Project) -> None:
    moved = commit(worked, worked.main, "meanwhile", "")
    assert "inv session.sync x" in worked.inv("session.merge", "x", code=1).err
    assert worked.inv("session.show", "x", "--json").json["next"][0]["command"] == "inv session.sync x"
    worked.inv("session.sync", "x")

    said = worked.inv("session.merge", "x", "--squash", "--remove")

    assert "2 commits as one" in said.out
    assert worked.git("log", "-1", "--format=%P %s %b") == f"{moved} 1 in tally-x * 1 in tally-x\n* 2 in tally-x"
    assert "Removed x." in said.out
    assert worked.git("branch", "--list", "x") == ""


def test_work_beside_each_other_is_merged_without_any_checkout(worked: Project) -> None:
    """The branch `dev` is checked out nowhere, and has commits that the session lacks."""
    worked.git("branch", "dev")
    worked.git("worktree", "add", "--quiet", "../dev", "dev")
    commit(worked, worked.top / "dev", "1", "another\n")
    worked.git("worktree", "remove", "../dev")
    dev, tree = worked.git("rev-parse", "dev"), worked.worktree("x")
    said = worked.inv("session.merge", "x", "--into", "dev", code=1).err
    assert "x conflicts with dev in 1.\n" in said
    assert f"cd {tree} && git merge dev" in said
    for flags, words in (("--into", "none"), "Local branches: dev, main, x"), (("--into", "x"), "own branch"):
        assert words in worked.inv("session.merge", "x", *flags, code=1).err
    assert worked.git("rev-parse", "dev") == dev
    worked.git("checkout", "--quiet", "dev")
    commit(worked, worked.main, "1", "1\n")
    commit(worked, worked.main, "beside", "")
    worked.git("checkout", "--quiet", "main")
    before = worked.git("status", "--porcelain"), worked.git("rev-parse", "HEAD")

    worked.inv("session.merge", "x", "--into", "dev", "--squash")

    assert worked.git("rev-parse", "dev^") == worked.git("rev-parse", "dev@{1}")
    assert worked.git("ls-tree", "--name-only", "dev", "2", "beside") == "2\nbeside"
    assert (worked.git("status", "--porcelain"), worked.git("rev-parse", "HEAD")) == before
    worked.inv("session.remove", "x")  # though it is no patch that dev has


def test_a_branch_that_is_half_done_elsewhere_is_left_alone(worked: Project) -> None:
    worked.git("branch", "dev")
    worked.git("worktree", "add", "--quiet", "../dev", "dev")
    place = worked.top / "dev"
    commit(worked, place, "theirs", "")
    subprocess.run(["git", "-C", place, "rebase", "--exec", "false", "HEAD~1"], capture_output=True, check=False)
    assert "dev is being rebased" in worked.inv("session.merge", "x", "--into", "dev", code=1).err
    worked.git("rebase", "--abort", cwd=place)
    worked.git("worktree", "remove", "--force", "../dev")
    worked.git("config", "merge.ff", "false")

    worked.inv("session.merge", "x", "--into", "main")

    assert worked.git("log", "-1", "--format=%s") == "Merge branch 'x'"
    branches = git.list_branches(repository := git.find_repository(worked.main))
    other = worked.git("commit-tree", "main^{tree}", "-p", "main^", "-m", "late")
    for name in ("main", "dev"):  # checked out, and not
        seen = branches[f"refs/heads/{name}"]._replace(commit=worked.git("rev-parse", "main^1"))
        worked.git("branch", "--force", "dev", "main")
        with pytest.raises(
            SessionError, match=rf"{name} moved from \w+ to \w+ in the meantime, [\s\S]*inv session.merge x"
        ):
            merge.move_branch(repository, seen, other, "session.merge x")


def test_a_remote_base_goes_into_its_local_branch(project: Project) -> None:
    project.configure("session: {windows: [], base: origin/main}\n")
    share(project)
    project.inv("session.add", "x")
    for name, text in (("1", "1\n"), ("2", "2\n")):
        commit(project, project.worktree("x"), name, text)
    theirs = others_push(project, "theirs", "")
    project.inv("session.sync", "x")

    project.git("push", "--quiet", "origin", "x")

    said = project.inv("session.merge", "x", "--squash").out

    published = "x is still on origin.\nNext: git push origin --delete x\n"
    ahead = "main is 1 commit ahead of origin/main.\nNext: git push origin main\n"
    assert said.partition("\n")[2] == f"{ahead}{published}Next: inv session.remove x\n"
    project.inv("session.add", "y")
    assert project.inv("session.sync", "y").out == f"y is up to date with origin/main.\n{ahead}"
    project.inv("session.remove", "y")
    assert project.git("rev-parse", "main^") == theirs  # a squash has none of theirs in it
    assert "merged" in project.inv("session.list").out
    project.inv("session.remove", "x")
    project.git("checkout", "--quiet", "-b", "elsewhere")
    project.git("branch", "--quiet", "-D", "main")
    project.inv("session.add", "y")
    commit(project, project.worktree("y"), "3", "")
    assert "git branch main origin/main" in project.inv("session.merge", "y", code=1).err


def test_a_file_that_git_ignores_in_the_main_checkout_is_not_overwritten(worked: Project) -> None:
    before = (worked.main / "backend" / ".env").read_text()
    tree, main = worked.worktree("x"), worked.git("rev-parse", "main")
    worked.git("add", "--force", "backend/.env", cwd=tree)
    commit(worked, tree, "3", "")

    assert "backend/.env is in the way" in worked.inv("session.merge", "x", code=1).err

    assert (worked.git("rev-parse", "main"), (worked.main / "backend" / ".env").read_text()) == (main, before)


def test_a_checkout_that_fails_halfway_is_taken_back(worked: Project) -> None:
    tree, main = worked.worktree("x"), worked.git("rev-parse", "main")
    (tree / "a").mkdir()
    commit(worked, tree, "a/new", "new\n")
    commit(worked, tree, "backend/manage.py", "changed\n")
    commit(worked, tree, ".gitattributes", "z filter=broken\n")
    commit(worked, tree, "z", "")
    worked.git("config", "filter.broken.clean", "cat")
    worked.git("config", "filter.broken.smudge", "false")
    worked.git("config", "filter.broken.required", "true")

    assert "smudge filter broken failed" in worked.inv("session.merge", "x", code=1).err

    assert (worked.git("rev-parse", "main"), worked.git("status", "--porcelain")) == (main, "")
    assert not (worked.main / "a").exists()
    worked.git("config", "filter.broken.smudge", "cat")
    worked.inv("session.merge", "x")


def test_a_branch_that_is_gone_is_named_with_its_last_commit(worked: Project) -> None:
    tree, tip = worked.worktree("x"), worked.git("rev-parse", "x")
    worked.git("update-ref", "-d", "refs/heads/x")
    commits = worked.git("rev-list", "--all", "--count")

    for task in ("merge", "sync", "pr"):
        said = worked.inv(f"session.{task}", "x", code=1).err
        assert f"git branch x {tip}" in said
    assert worked.git("rev-list", "--all", "--count") == commits
    subprocess.run(["sh", "-c", said.partition("Run: ")[2].splitlines()[0]], check=True, cwd=worked.main)
    assert worked.git("status", "--porcelain", cwd=tree) == ""
    worked.inv("session.merge", "x")


def test_a_directory_that_became_a_file_is_merged_unless_it_holds_more(worked: Project) -> None:
    tree, base = worked.worktree("x"), worked.git("rev-parse", "main")
    worked.git("rm", "--quiet", "-r", "backend", cwd=tree)
    worked.git("commit", "--quiet", "-m", "no directory", cwd=tree)
    shutil.rmtree(tree / "backend", ignore_errors=True)  # its own database and .env
    commit(worked, tree, "backend", "a file\n")

    said = worked.inv("session.merge", "x", code=1).err

    assert f"{worked.main}/backend/" in said  # the main checkout's database, which git ignores, and deletes
    assert worked.git("rev-parse", "main") == base
    for path in ("db.sqlite3", ".env"):
        (worked.main / "backend" / path).rename(worked.top / path)
    (worked.main / "backend" / "empty").mkdir()
    worked.inv("session.merge", "x")
    assert (worked.main / "backend").read_text() == "a file\n"
