"""Which repository we are in, from anywhere; and what git is asked."""

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tasks.errors import CommandError, SessionError
from tasks.model import Repository
from tasks.resources import worktree
from tasks.system import shell
from tasks.tools import git, worktrees


def run(*arguments: object, cwd: Path) -> str:
    argv = ["git", *map(str, arguments)]
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def main(sandbox: Path) -> Path:
    return made(sandbox / "main")


def made(place: Path, *options: object) -> Path:
    """Return a repository with one commit at *place*."""
    place.mkdir()
    run("init", "--quiet", *options, cwd=place)
    run("commit", "--quiet", "--allow-empty", "-m", "begin", cwd=place)
    return place


def with_submodule(sandbox: Path, main: Path) -> Path:
    """Return the checkout of a submodule of *main*."""
    made(sandbox / "library")
    run("submodule", "--quiet", "add", sandbox / "library", "sub", cwd=main)
    return main / "sub"


def test_from_the_main_checkout_and_below(main: Path) -> None:
    (main / "a" / "b").mkdir(parents=True)

    for place in (main, main / "a" / "b", main / ".git" / "hooks"):
        assert git.find_repository(place) == Repository(main, main / ".git")


def test_from_a_linked_worktree_and_below(main: Path, sandbox: Path) -> None:
    run("worktree", "add", "--quiet", sandbox / "linked", cwd=main)
    (sandbox / "linked" / "below").mkdir()

    for place in (sandbox / "linked", sandbox / "linked" / "below"):
        assert git.find_repository(place) == Repository(main, main / ".git")


def test_an_ordinary_repository_is_found_without_starting_git(main: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert git.find_repository(main).main == main


def test_a_submodule_is_a_repository_of_its_own(main: Path, sandbox: Path) -> None:
    sub = with_submodule(sandbox, main)

    assert git.find_repository(sub) == Repository(sub, main / ".git" / "modules" / "sub")


def test_a_separate_git_directory(sandbox: Path) -> None:
    place = made(sandbox / "main", f"--separate-git-dir={sandbox / 'data'}")

    assert git.find_repository(place) == Repository(place, sandbox / "data")
    assert [ref.checkout for ref in git.list_branches(git.find_repository(place)).values()] == [
        str(place)
    ]  # what a merge updates


def test_from_a_linked_worktree_of_a_submodule(sandbox: Path) -> None:
    place = with_submodule(sandbox, made(sandbox / "main"))
    run("worktree", "add", "--quiet", sandbox / "linked", cwd=place)

    assert git.find_repository(sandbox / "linked") == git.find_repository(place)


def test_from_a_linked_worktree_that_records_no_way_to_the_main_checkout(sandbox: Path) -> None:
    place = made(sandbox / "main", f"--separate-git-dir={sandbox / 'data'}")
    run("worktree", "add", "--quiet", sandbox / "linked", cwd=place)

    with pytest.raises(SessionError, match=r"Couldn't find the main checkout of .* from .*"):
        git.find_repository(sandbox / "linked")


@pytest.mark.parametrize(
    "name",
    ["bare.git", "bare", "around/.git"],
)
def test_a_bare_repository_and_its_worktrees_are_refused(main: Path, sandbox: Path, name: str) -> None:
    bare, linked = sandbox / name, sandbox / "linked"
    run("clone", "--quiet", "--bare", main, bare, cwd=sandbox)
    run("worktree", "add", "--quiet", linked, cwd=bare)

    for place in (bare, linked):
        with pytest.raises(SessionError, match=r"is a bare repository\. Sessions need a main checkout"):
            git.find_repository(place)


def test_outside_of_every_repository_is_refused(sandbox: Path) -> None:
    with pytest.raises(SessionError, match=f"^{sandbox} is not inside a git repository"):
        git.find_repository(sandbox)


def test_a_directory_that_only_looks_like_a_repository_is_passed_by(main: Path) -> None:
    (main / "a" / ".git").mkdir(parents=True)

    assert git.find_repository(main / "a").main == main


def test_a_variable_of_a_hook_does_not_lead_to_another_repository(
    main: Path, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = made(sandbox / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))

    assert git.read_git(main, "rev-parse", "--absolute-git-dir").strip() == str(main / ".git")


def test_a_lock_of_another_git_is_waited_for(main: Path) -> None:
    lock = main / ".git" / "config.lock"
    lock.touch()
    timer = threading.Timer(0.3, lock.unlink)
    timer.start()

    git.run_git(main, "config", "some.key", "value")

    timer.join()
    assert run("config", "some.key", cwd=main) == "value"


def test_git_speaks_english_to_us_and_its_hooks_keep_the_persons_letters(
    main: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("LC_MESSAGES", "de_AT.UTF-8")
    monkeypatch.setenv("LANGUAGE", "de")
    asked = ("git", "-C", str(main), "-c", "alias.said=!env", "said")

    bounded = shell.run_bounded(10.0, *asked, env=shell.clean_environment())
    for said in (shell.run_step(*asked), shell.read_output(*asked), bounded):
        found = {line for line in said.splitlines() if line.startswith(("LANG=", "LC_"))}
        assert found == {"LANG=de_DE.UTF-8", "LC_MESSAGES=C"}
    assert "LC_ALL=de_DE.UTF-8" in shell.read_output("env").splitlines()


def test_a_lock_that_stays_is_an_error_after_a_while(main: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "_PATIENCE", 0.2)
    (main / ".git" / "config.lock").touch()

    with pytest.raises(CommandError, match="config"):
        git.run_git(main, "config", "some.key", "value")


def test_another_failure_is_not_tried_again(main: Path) -> None:
    started = time.monotonic()

    with pytest.raises(CommandError) as error:
        git.run_git(main, "checkout", "nothing")

    assert time.monotonic() - started < 2
    assert "nothing" in error.value.stderr


def test_branches_tell_where_they_are_checked_out(main: Path, sandbox: Path) -> None:
    linked, odd = sandbox / "lin\nked", "others\u2028may\x85push"  # which Python takes for ends of lines
    run("worktree", "add", "--quiet", "-b", "feature/x", linked, cwd=main)
    run("branch", odd, cwd=main)

    found = git.list_branches(Repository(main, main / ".git"))

    head = run("rev-parse", "HEAD", cwd=main)
    assert found == {
        "refs/heads/main": git.Ref("refs/heads/main", head, str(main), True),
        "refs/heads/feature/x": git.Ref("refs/heads/feature/x", head, str(linked), False),
        f"refs/heads/{odd}": git.Ref(f"refs/heads/{odd}", head, "", False),
    }


@pytest.mark.parametrize("revision", ["nothing", "--all", "", "-h", "main:"])
def test_what_names_no_commit_is_empty(main: Path, revision: str) -> None:
    assert git.resolve_commit(Repository(main, main / ".git"), revision) == ""


def test_commits_that_a_remote_branch_has_are_not_unmerged(main: Path, sandbox: Path) -> None:
    repository = Repository(main, main / ".git")
    run("checkout", "--quiet", "-b", "x", cwd=main)
    run("commit", "--quiet", "--allow-empty", "-m", "one", cwd=main)
    run("commit", "--quiet", "--allow-empty", "-m", "two", cwd=main)
    assert git.count_unmerged(repository, ["x"], ["main", ""]) == 2

    run("update-ref", "refs/remotes/origin/x", "x~1", cwd=main)

    assert git.count_unmerged(repository, ["x"], ["main"]) == 1


def test_records_of_worktrees_are_read_however_they_are_written_and_while_they_go(main: Path, sandbox: Path) -> None:
    run("worktree", "add", "--quiet", "-b", "other", sandbox / "other", cwd=main)
    repository, entry = Repository(main, main / ".git"), main / ".git" / "worktrees" / "other"
    odd = os.fsencode(sandbox) + b"/caf\xe9"  # Latin-1, as file systems may still have it
    relative = os.path.relpath(sandbox / "other", entry).encode()  # `worktree.useRelativePaths`
    for said, place in ((odd, Path(os.fsdecode(odd))), (relative, sandbox / "other")):
        (entry / "gitdir").write_bytes(said + b"/.git\n")

        assert list(worktrees.linked_worktrees(repository)) == [(entry, place)]

    (entry / "gitdir").unlink()
    (entry / "HEAD").unlink()
    assert list(worktrees.linked_worktrees(repository)) == []
    assert [git.read_git_file(each / "HEAD") for each in worktrees.admin_dirs(repository)] == [
        "ref: refs/heads/main",
        "",
    ]
    shutil.rmtree(entry.parent)
    worktree.drop_record(repository, entry)
    assert worktrees.admin_dirs(repository) == [main / ".git"]
