"""Work that was begun in the main checkout, as a session: moved whole, and in no moment in neither place."""

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.store import registry
from tasks.system import locks
from tasks.tools import git
from testing import traced, tracer
from testing.origin import commit, share
from testing.project import EMBEDDING, Project, Result, eventually
from testing.remotes import LIGHT
from testing.traced import Attempt


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

    said = begun.inv("--echo", "session.adopt", "x", cwd=begun.main / "backend")

    tree = begun.worktree("x")
    assert f"+ cp -a {begun.main}/mixed.crlf {tree}/mixed.crlf\n" in said.err
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
        (("--commits", "0"), "a number of commits, 1 or more"),
        (("--commits", "x"), "a number of commits, 1 or more"),
        (("--commits", "1", "--changes"), "not both."),
        (("--commits", "1"), "1 of the last commit of main is pushed"),
        (("--commits", "99"), "too few commits to move 99"),
    ):
        assert words in begun.inv("session.adopt", "y", *flags, code=1).err
    begun.git("rm", "--quiet", "--cached", "kept")
    (main / ".git" / "info" / "exclude").write_text("kept\n")
    (main / "kept").write_text("ignored, and the only one\n")
    assert f"{main / 'kept'} is in the way" in begun.inv("session.adopt", "y", code=1).err
    begun.git("add", "--force", "kept")
    begun.git("rm", "--quiet", "--cached", "frontend/package.json")
    (main / "frontend").rename(main / "aside")
    (main / ".git" / "info" / "exclude").write_text("aside\nfrontend\n")
    (main / "frontend").write_text("ignored, in the place of a directory\n")
    assert "frontend is in the way" in begun.inv("session.adopt", "y", code=1).err
    (main / "frontend").unlink()
    (main / "aside").rename(main / "frontend")
    begun.git("reset", "--quiet")
    begun.git("init", "--quiet", "inner")
    commit(begun, main / "inner", "a", "")
    assert "inner is a repository of its own" in begun.inv("session.adopt", "y", code=1).err.replace("inner/", "inner")
    begun.git("branch", "y")
    assert "Branch y already exists" in begun.inv("session.adopt", "y", code=1).err
    begun.git("stash", "--quiet")
    begun.git("checkout", "--quiet", "y")
    commit(begun, main, "side", "")
    begun.git("checkout", "--quiet", "main")
    commit(begun, main, "both", "main's\n")
    begun.git("merge", "--quiet", "--no-edit", "y")
    assert (
        "There is a merge in the last 2 commits of main"
        in begun.inv("session.adopt", "z", "--commits", "2", code=1).err
    )
    begun.git("reset", "--quiet", "--hard", "HEAD~1")
    (main / "both").write_text("uncommitted\n")
    assert "uncommitted changes in both" in begun.inv("session.adopt", "z", "--commits", "1", code=1).err
    begun.git("checkout", "--quiet", "--detach")
    assert "on no branch" in begun.inv("session.adopt", "z", "--commits", "1", code=1).err
    begun.git("checkout", "--quiet", "both")
    (main / ".git" / "MERGE_HEAD").write_text(begun.git("rev-parse", "y") + "\n")
    assert "A merge is in progress" in begun.inv("session.adopt", "z", code=1).err
    assert begun.inv("session.list", "--json").json == []
    assert begun.git("for-each-ref", "refs/tally") == ""


def test_an_adopt_that_was_killed_while_it_took_the_work_away_is_finished_by_the_next(project: Project) -> None:
    project.configure("session: {windows: [], copy: [], link: [], env: {}}\n")

    def begin(changed: str) -> None:
        (project.main / "tasks.py").write_text(f"{EMBEDDING}{changed}\n")
        (project.main / "fresh").write_text("untracked\n")
        project.git("update-ref", "refs/tally/adopted/x/20260101T000000.000000", project.row("x")["adopts"])

    server, old = project.main / "backend" / "manage.py", (project.main / "backend" / "manage.py").read_text()
    (project.main / "tasks.py").write_text(f"{EMBEDDING}# changed\n")
    (project.main / "fresh").write_text("untracked\n")
    server.write_text("changed\n")
    project.inv("session.adopt", "x")
    begin("# changed")
    (project.main / "empty").touch()  # a new file of somebody's
    assert "x already exists" in project.inv("session.adopt", "x", code=1).err
    (project.main / "empty").unlink()
    begin("# changed since")
    assert "x already exists" in project.inv("session.adopt", "x", code=1).err
    assert project.git("status", "--porcelain") == "M tasks.py\n?? fresh"

    begin("# changed")
    (project.main / "fresh").unlink()  # it has been taken already
    server.write_text("")  # git has begun to write it
    lock = project.main / ".git" / "index.lock"
    lock.touch()
    os.utime(lock, (0, 0))
    assert "inv session.doctor --fix" in project.inv("session.adopt", "x", code=1).err
    project.inv("session.doctor", "--fix")  # which drops the copy
    assert project.git("status", "--porcelain") == "M backend/manage.py\n M tasks.py"
    project.inv("session.adopt", "x")

    assert project.git("status", "--porcelain") == ""
    assert project.git("for-each-ref", "refs/tally/adopted") == ""
    assert (project.worktree("x") / "tasks.py").read_text() == f"{EMBEDDING}# changed\n"
    assert (server.read_text(), (project.worktree("x") / "backend" / "manage.py").read_text()) == (old, "changed\n")
    assert (project.worktree("x") / "fresh").read_text() == "untracked\n"


@pytest.mark.slow
@pytest.mark.skipif(bool(tracer.missing()), reason=f"no kills: {tracer.missing()}")
def test_one_of_two_has_it_and_what_a_kill_left_is_told_and_cleared(project: Project) -> None:
    main = project.main
    project.configure("session: {windows: [], copy: [], link: [], env: {}}\n")
    names, wait = ("a", "b"), threading.Barrier(2)

    def begin() -> None:
        (main / "tasks.py").write_text(f"{EMBEDDING}# changed\n")
        (main / " fresh").write_text("untracked\n")
        (main / ".gitignore").unlink(missing_ok=True)

    def race(name: str) -> Result:
        wait.wait()
        return project.inv("session.adopt", name, code=None)

    def kept() -> list[str]:
        return project.git("for-each-ref", "--format=%(refname)", "refs/tally").split()

    begin()
    with ThreadPoolExecutor(2) as pool:
        ended = sorted(pool.map(race, names), key=lambda each: each.code)
    assert [each.code for each in ended] == [0, 1]
    assert re.search("Another session.adopt|no uncommitted changes", ended[1].err)
    [made] = project.inv("session.list", "--json").json
    assert (made["dirty"], project.git("status", "--porcelain")) == (True, "")

    begin()
    with locks.file_lock(main / ".git" / "tally-sessions" / "adopting.lock"):
        assert "Another session.adopt" in project.inv("session.adopt", "d", code=1).err
        project.git("update-ref", "refs/tally/adopted/d/x", "HEAD")
        assert "adopt" not in project.inv("session.doctor", code=None).out
    assert traced.run(project, ("session.adopt", "d"), Attempt(0, "all", f"unlink {main}/ fresh")).code == 137
    assert len(kept()) == 2
    (project.worktree("d") / " fresh").write_text("worked on\n")
    told = project.inv("session.doctor", code=None).out
    assert "a copy of the work for d is left: session.adopt was interrupted; session d has it" in told
    assert "a branch has its commits" in told
    project.git("reset", "--quiet")

    begin()
    assert (
        traced.run(project, ("session.adopt", "e"), Attempt(1, "all", f"rename {main}/.git/refs/tally/adopted/e/")).code
        == 137
    )
    assert f"all of it is still in {main}" in project.inv("session.doctor", code=None).out
    (main / " fresh").unlink()
    [lost] = [name for name in kept() if "/e/" in name]
    assert f"git stash apply {lost}, check it" in project.inv("session.doctor", "--fix", code=None).out
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
    assert told.count("Other sessions: first") == 1
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


def test_a_staged_change_of_what_stays_is_left_as_it_is(project: Project) -> None:
    project.configure(f"{LIGHT}  base: HEAD\n")
    log = project.main / "WORK_LOG.md"
    for path in ("WORK_LOG.md", "kept"):
        commit(project, project.main, path, "begun\n")
    log.write_text("begun\nstaged\n")
    project.git("add", "WORK_LOG.md")
    log.write_text("begun\nstaged\nand more\n")
    (project.main / "fresh").write_text("staged\n")
    (project.main / "kept").write_text("staged, and taken back\n")
    project.git("add", "fresh", "kept")
    (project.main / "kept").write_text("begun\n")

    project.inv("session.adopt", "x")

    tree = project.top / project.row("x")["worktree"]
    assert project.git("show", ":WORK_LOG.md") == "begun\nstaged"
    assert log.read_text().startswith("begun\nstaged\nand more\n")
    assert project.git("status", "--porcelain") == "MM WORK_LOG.md"
    assert project.git("status", "--porcelain", cwd=tree) == "A  fresh\nMM kept"
    assert project.git("show", ":WORK_LOG.md", cwd=tree) == "begun"


def test_what_we_are_just_writing_is_not_adopted(project: Project) -> None:
    project.configure("session: {windows: [], copy: [], link: [], env: {}}\n")
    names = [f"..tally-sessions.{os.getpid()}.0123abcd.tmp", f"frontend/..env.{os.getpid()}.89abcdef.tmp"]
    for name in names:
        (project.main / name).write_text("{}")
    assert "no uncommitted changes" in project.inv("session.adopt", "x", code=1).err
    (project.main / "fresh").write_text("untracked\n")

    project.inv("session.adopt", "x")

    assert [(project.main / name).read_text() for name in names] == ["{}", "{}"]
    assert project.git("status", "--porcelain", cwd=project.worktree("x")) == "?? fresh"


def test_a_removal_of_the_same_name_is_waited_for_and_an_interrupted_one_ended(project: Project) -> None:
    project.configure("session: {windows: [], copy: [], link: [], env: {}}\n")
    project.inv("session.add", "x")
    (project.main / "fresh").write_text("untracked\n")
    repository = git.find_repository(project.main)
    registry.note_facts(repository, "x", state="removing")

    def removed() -> Result:
        return project.inv("session.adopt", "x")

    with ThreadPoolExecutor(1) as pool:
        with registry.session_lock(repository, "x"):
            running = pool.submit(removed)
            eventually((project.main / ".git" / "tally-sessions" / "adopting.lock").exists)
            assert not running.done()
        assert "Removing x was interrupted." in running.result().err
    assert (project.worktree("x") / "fresh").read_text() == "untracked\n"
