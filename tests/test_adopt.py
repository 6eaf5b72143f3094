"""Work that was begun in the main checkout, as a session: moved whole, and in no moment in neither place."""

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.machine import locks
from tests import effects, fault_matrix
from tests.origin import commit, share
from tests.project import EMBEDDING, Project, Result
from tests.remotes import LIGHT


@pytest.fixture
def begun(project: Project) -> Project:
    """Return the project with every kind of uncommitted work in the main checkout, which is shared."""
    main = project.main
    for name in ("both", "gone", "moved", "kept"):
        (main / name).write_text(f"{name}\n")
    (main / ".gitattributes").write_text("*.crlf text eol=lf\n")
    project.git("add", "--all")
    project.configure("session: {windows: [], copy: [local, backend/.env], link: [], env: {}}\n")
    share(project)
    (main / "both").write_text("staged\n")
    project.git("add", "both")
    (main / "both").write_text("staged, and more\n")
    (main / "gone").unlink()
    project.git("mv", "moved", "away")
    (main / "new" / "deep").mkdir(parents=True)
    (main / "new" / "deep" / "f").write_text("untracked\n")
    (main / "new" / "deep" / "f").chmod(0o640)
    (main / "new" / "link").symlink_to("../both")
    (main / "mixed.crlf").write_bytes(b"one\r\ntwo\n")
    (main / "run").write_text("#!/bin/sh\n")
    (main / "run").chmod(0o755)
    (main / "local").write_text("every session has its own\n")
    (main / "secret").write_text("private\n")
    (main / "secret").chmod(0o600)
    return project


def _content(place: Path) -> dict[str, str]:
    """Return the files in *place* that are work, with their content and mode."""
    found: dict[str, str] = {}
    for top, directories, files in os.walk(place):
        directories[:] = [name for name in directories if name not in (".git", "backend", "frontend", "tasks")]
        for name in files:
            path = Path(top, name)
            text = os.readlink(path) if path.is_symlink() else path.read_bytes().decode()
            found[str(path.relative_to(place))] = f"{path.lstat().st_mode:o} {text}"
    return {name: text for name, text in found.items() if name not in (".git", ".tally-sessions", "invoke.yaml")}


def _state(project: Project, place: Path) -> list[str]:
    asked = (("status", "--porcelain", "-uall"), ("diff",), ("diff", "--cached"))
    return [project.git(*words, cwd=place) for words in asked]


def test_changes_move_with_what_is_staged_and_the_main_checkout_is_as_before(begun: Project) -> None:
    work, state = _content(begun.main), _state(begun, begun.main)
    head = begun.git("rev-parse", "HEAD")

    said = begun.inv("session.adopt", "x", cwd=begun.main / "backend")

    tree = begun.worktree("x")
    stay = {"local", "secret"}
    assert {name for name in stay if f"{name} stays" in said.err} == stay
    private = "\n?? secret"
    assert _content(tree) == {name: text for name, text in work.items() if name != "secret"}
    assert _state(begun, tree) == [state[0].replace(private, ""), *state[1:]]
    assert _content(begun.main).keys() == {*"both gone moved kept .gitattributes .gitignore tasks.py".split(), *stay}
    assert begun.git("status", "--porcelain") == "?? local\n?? secret"
    assert not (begun.main / "new").exists()
    assert begun.git("rev-parse", "HEAD", "x") == f"{head}\n{head}"
    assert begun.git("for-each-ref", "refs/tally") == ""
    assert begun.row("x")["base"] == "main"
    assert "no uncommitted changes to adopt" in begun.inv("session.adopt", "y", "--changes", code=1).err


def test_commits_move_and_what_else_is_in_the_main_checkout_stays(begun: Project) -> None:
    main, pushed = begun.main, begun.git("rev-parse", "HEAD")
    begun.git("stash", "--quiet", "--include-untracked")
    (main / "later").write_text("")
    first = commit(begun, main, "first", "1\n")
    commit(begun, main, "second", "2\n")
    last = commit(begun, main, "second", "3\n")
    (main / "kept").write_text("uncommitted\n")
    begun.git("add", "kept")

    begun.inv("session.adopt", "x", "--commits", "2")

    assert begun.git("rev-parse", "HEAD", "main", "x") == f"{first}\n{first}\n{last}"
    assert begun.git("status", "--porcelain") == "M  kept\n?? later"
    assert not (main / "second").exists()
    assert (begun.row("x")["base"], begun.row("x")["start"], begun.listed("x")["ahead"]) == ("main", first, 2)
    assert "2 unmerged commits" in begun.inv("session.remove", "x", code=1).err
    refused = begun.inv("session.adopt", "y", "--commits", "2", code=1).err
    assert "1 of the last 2 commits of main is pushed" in refused
    begun.inv("session.adopt", "y", "--commits", "1")
    assert begun.git("rev-parse", "main", "origin/main") == f"{pushed}\n{pushed}"


def test_what_cannot_be_adopted_is_refused_before_any_effect(begun: Project) -> None:
    main = begun.main
    for flags, words in (
        (("--commits", "0"), "a number of commits, from 1"),
        (("--commits", "x"), "a number of commits, from 1"),
        (("--commits", "1", "--changes"), "no --changes with it"),
        (("--commits", "1"), "1 of the last commit of main is pushed"),
        (("--commits", "99"), "no commit before the last 99 commits"),
    ):
        assert words in begun.inv("session.adopt", "y", *flags, code=1).err
    begun.git("rm", "--quiet", "--cached", "kept")
    (main / ".git" / "info" / "exclude").write_text("kept\n")
    (main / "kept").write_text("ignored, and the only one\n")
    assert f"{main / 'kept'} is there, though deleted" in begun.inv("session.adopt", "y", code=1).err
    begun.git("add", "--force", "kept")
    begun.git("rm", "--quiet", "--cached", "frontend/package.json")
    (main / "frontend").rename(main / "aside")
    (main / ".git" / "info" / "exclude").write_text("aside\nfrontend\n")
    (main / "frontend").write_text("ignored, in the place of a directory\n")
    assert "frontend/package.json is there" in begun.inv("session.adopt", "y", code=1).err
    (main / "frontend").unlink()
    (main / "aside").rename(main / "frontend")
    begun.git("reset", "--quiet")
    begun.git("init", "--quiet", "inner")
    commit(begun, main / "inner", "a", "")
    assert "inner is a repository of its own" in begun.inv("session.adopt", "y", code=1).err.replace("inner/", "inner")
    begun.git("branch", "y")
    assert "a branch y exists" in begun.inv("session.adopt", "y", code=1).err
    begun.git("stash", "--quiet")
    begun.git("checkout", "--quiet", "y")
    commit(begun, main, "side", "")
    begun.git("checkout", "--quiet", "main")
    commit(begun, main, "both", "main's\n")
    begun.git("merge", "--quiet", "--no-edit", "y")
    assert "the last 2 commits of main contain a merge" in begun.inv("session.adopt", "z", "--commits", "2", code=1).err
    begun.git("reset", "--quiet", "--hard", "HEAD~1")
    (main / "both").write_text("uncommitted\n")
    assert "uncommitted changes in both" in begun.inv("session.adopt", "z", "--commits", "1", code=1).err
    begun.git("checkout", "--quiet", "--detach")
    assert "on no branch" in begun.inv("session.adopt", "z", "--commits", "1", code=1).err
    begun.git("checkout", "--quiet", "both")
    (main / ".git" / "MERGE_HEAD").write_text(begun.git("rev-parse", "y") + "\n")
    assert "is going on (MERGE_HEAD)" in begun.inv("session.adopt", "z", code=1).err
    assert begun.inv("session.list", "--json").json == []
    assert begun.git("for-each-ref", "refs/tally") == ""


@pytest.mark.parametrize("share", range(fault_matrix.SHARES))
def test_whatever_fails_the_work_is_in_one_of_both_places(project: Project, share: int) -> None:
    project.configure("session: {windows: [], copy: [], link: [], env: {}}\n")

    def begin() -> None:
        (project.main / "tasks.py").write_text(f"{EMBEDDING}# changed\n")
        (project.main / "fresh").write_text("untracked\n")

    def attempt(fault: fault_matrix.Fault) -> None:
        name = "-".join(map(str, fault))
        begin()
        said = effects.faulty(project, *fault, "session.adopt", name)
        places = [_content(place) for place in (project.main, project.worktree(name))]
        whole = ["fresh" in found and "# changed" in found.get("tasks.py", "") for found in places]
        left = project.git("status", "--porcelain")
        if said.code:
            assert whole[0] or (whole[1] and f"session {name} has all of it" in said.err), said.err
            assert whole[0] or "still in the main checkout" not in said.err, said.err
        else:
            assert (whole, left) == ([False, True], ""), said.err

    begin()
    found = effects.of(project, "session.adopt", "x")
    kinds = ("SIGINT", "SIGTERM", "ENOSPC", "tool")
    fault_matrix.each(found, fault_matrix.faults(found, share, kinds), attempt)


def test_one_of_two_has_it_and_what_a_kill_left_is_told_and_cleared(project: Project) -> None:
    main = project.main
    project.configure("session: {windows: [], copy: [], link: [], env: {}}\n")
    names, wait = ("a", "b"), threading.Barrier(2)

    def begin() -> None:
        (main / "tasks.py").write_text(f"{EMBEDDING}# changed\n")
        (main / " fresh").write_text("untracked\n")
        (main / ".gitignore").unlink()

    def race(name: str) -> Result:
        wait.wait()
        return project.inv("session.adopt", name, code=None)

    def kept() -> list[str]:
        return project.git("for-each-ref", "--format=%(refname)", "refs/tally").split()

    begin()
    with ThreadPoolExecutor(2) as pool:
        ended = sorted(pool.map(race, names), key=lambda each: each.code)
    assert [each.code for each in ended] == [0, 1]
    assert re.search("another session.adopt|no uncommitted changes", ended[1].err)
    [made] = project.inv("session.list", "--json").json
    assert (made["dirty"], project.git("status", "--porcelain")) == (True, "")

    begin()
    found = effects.of(project, "session.adopt", "c")
    ref = next(n for n, line in enumerate(found, 1) if "refs/tally/adopted" in line)
    moved = next(n for n, line in enumerate(found, 1) if "'reset', '--quiet'" in line)
    begin()
    with locks.held(main / ".git" / "tally-sessions" / "adopting.lock"):
        assert "another session.adopt" in project.inv("session.adopt", "d", code=1).err
        project.git("update-ref", "refs/tally/adopted/d/x", "HEAD")
        assert "adopt" not in project.inv("session.doctor", code=None).out
    assert effects.faulty(project, moved, "before", "SIGKILL", "session.adopt", "d").code == -9
    assert len(kept()) == 2
    (project.worktree("d") / " fresh").write_text("worked on\n")
    told = project.inv("session.doctor", code=None).out
    assert "a copy of what d was to adopt is left: session.adopt was interrupted; session d has it" in told
    assert "a branch has its commits" in told
    project.git("reset", "--quiet")

    begin()
    assert effects.faulty(project, ref, "after", "SIGKILL", "session.adopt", "e").code == -9
    assert f"all of it is still in {main}" in project.inv("session.doctor", code=None).out
    (main / " fresh").unlink()
    [lost] = [name for name in kept() if "/e/" in name]
    assert f"git stash apply {lost}, look" in project.inv("session.doctor", "--fix", code=None).out
    assert kept() == [lost]
    project.git("checkout", "--quiet", ".")
    project.git("stash", "apply", "--quiet", lost)
    assert _content(main)[" fresh"].endswith("untracked\n")
    project.inv("session.doctor", "--fix")
    assert kept() == []


def test_the_work_log_stays_and_tells_of_the_merge(project: Project) -> None:
    project.configure(f"{LIGHT}  base: HEAD\n")
    project.inv("session.add", "first")  # begins the log, which nobody commits
    log = project.main / "WORK_LOG.md"
    (project.main / "fresh").write_text("untracked\n")

    told = project.inv("session.adopt", "x").err

    tree = project.top / project.row("x")["worktree"]
    assert told.count("who else is at work: first") == 1
    assert "the session will not have" not in told
    assert (tree / "fresh").exists()
    assert log.exists()
    assert not (tree / "WORK_LOG.md").exists()
    project.git("add", "fresh", cwd=tree)
    project.git("commit", "--quiet", "-m", "fresh", cwd=tree)
    project.inv("session.merge", "x")
    assert "MERGED" in log.read_text()

    (project.main / "more").write_text("committed on the wrong branch, with the log\n")
    project.git("add", "--all")
    project.git("commit", "--quiet", "-m", "more")
    project.inv("session.adopt", "y", "--commits", "1")
    assert not (project.main / "more").exists()
    assert (project.top / project.row("y")["worktree"] / "more").exists()
    assert re.findall("### Session: (.*)", log.read_text()) == ["first", "x", "y"]
