"""What clashes between sessions, found before anybody merges: on real git, with work that is not committed."""

import hashlib
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import SessionError
from tasks.status import conflicts, session_changes
from testing import sessions, world, wrappers
from testing.answers import check_answer
from testing.project import Project

LINES = [f"line {number}\n" for number in range(30)]


def _lines(**changed: str) -> str:
    """Return the lines of a file, those of *changed*, as line3='x', replaced."""
    given = {int(key.removeprefix("line")): f"{text}\n" for key, text in changed.items()}
    return "".join(given.get(number, line) for number, line in enumerate(LINES))


@pytest.fixture
def repository(sandbox: Path) -> Project:
    return sessions.repository(sandbox / "dev" / "tally", {"app.py": _lines(), "web/ui.js": _lines(), "notes": "n\n"})


def _found(project: Project, about: str = "") -> set[tuple[str, str, str, str]]:
    known = sessions.all_of(project)
    found = conflicts.find_conflicts(known[0].repository, known, about)
    return {(each.kind, each.session, each.other, " ".join(each.files)) for each in found}


def _objects(project: Project) -> dict[str, str]:
    """Return every file of git's own, by path, and what is in it; an index by what it lists."""
    files = [path for path in (project.main / ".git").rglob("*") if path.is_file() and path.name != "index"]
    found = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return found | {each.name: project.git("ls-files", "--stage", cwd=each) for each in project.top.iterdir()}


def test_uncommitted_and_untracked_work_counts_and_nothing_is_left(
    repository: Project, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = sessions.add(repository, "staged")
    sessions.write(staged, {"app.py": _lines(line3="staged"), "web/ui.js": _lines(line3="staged")})
    repository.git("add", "--all", cwd=staged)
    changed = sessions.add(repository, "changed", {"notes": "mine\n"})
    sessions.write(changed, {"app.py": _lines(line3="changed"), "new/file": "by one\n", "x.ignored": "1"})
    untracked = sessions.add(repository, "untracked")
    repository.git("sparse-checkout", "set", "--no-cone", "/app.py", cwd=untracked)  # web/ui.js is not deleted
    sessions.write(untracked, {"new/file": "by another\n", "x.ignored": "2", "app.py": _lines(line20="elsewhere")})
    (sandbox / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(sandbox / "scratch"))
    before, git = world.of(repository.top, repository.main), _objects(repository)

    found = _found(repository)

    assert found == {
        ("conflict", "changed", "staged", "app.py"),
        ("conflict", "changed", "untracked", "new/file"),
        ("overlap", "changed", "untracked", "app.py"),
        ("overlap", "staged", "untracked", "app.py"),
    }
    assert (world.of(repository.top, repository.main), _objects(repository)) == (before, git)
    assert os.listdir(sandbox / "scratch") == []


def test_the_base_clashes_where_it_moved_and_is_not_blamed_on_another_session(repository: Project) -> None:
    sessions.add(repository, "old", {"app.py": _lines(line3="old"), "web/ui.js": _lines(line3="old")})
    sessions.commit(repository, repository.main, {"app.py": _lines(line3="main"), "notes": "main\n"})
    sessions.add(repository, "fresh", {"web/ui.js": _lines(line20="fresh"), "notes": "fresh\n"})

    assert _found(repository) == {("conflict", "old", "main", "app.py"), ("overlap", "fresh", "old", "web/ui.js")}
    assert _found(repository, "fresh") == {("overlap", "fresh", "old", "web/ui.js")}


def test_a_session_on_top_of_another_clashes_only_in_what_both_did_since(repository: Project) -> None:
    below = sessions.add(repository, "below", {"app.py": _lines(line3="below"), "notes": "below\n"})
    sessions.add(repository, "above", {"web/ui.js": _lines(line1="x")}, start="below")

    assert _found(repository) == set()

    sessions.commit(repository, below, {"web/ui.js": _lines(line1="y")})
    assert _found(repository) == {("conflict", "above", "below", "web/ui.js")}


def test_moves_deletions_and_files_in_the_place_of_directories_are_met(repository: Project) -> None:
    mover = sessions.add(repository, "mover")
    repository.git("mv", "web", "site", cwd=mover)
    deleter = sessions.add(repository, "deleter")
    (deleter / "notes").unlink()
    sessions.add(repository, "writer", {"notes": "more\n", "web/new.js": "goes with it\n", "lib": "a file\n"})
    sessions.add(repository, "builder", {"lib/deep/x": "below that file\n"})

    found = _found(repository)

    assert ("conflict", "deleter", "writer", "notes") in found
    assert {(a, b) for kind, a, b, _ in found if kind == "conflict"} == {
        ("deleter", "writer"),
        ("mover", "writer"),
        ("builder", "writer"),
    }


@pytest.mark.parametrize("ignored", ["", ".env\ndeps\n"])
def test_what_add_put_into_the_worktree_is_nobodys_work(
    repository: Project, capsys: pytest.CaptureFixture[str], ignored: str
) -> None:
    sessions.commit(repository, repository.main, {".gitignore": ignored})
    for name in ("x", "y"):
        place = sessions.add(repository, name, copy=(".env",), env={"notes": {"A": "b"}}, link=("deps",))
        sessions.write(place, {".env": name, "notes": name, f"{name}.py": "work\n"})
        (place / "deps").symlink_to(repository.main)

    assert _found(repository) == set()
    assert "couldn't read all of" not in capsys.readouterr().err


def test_a_merge_and_a_rebase_that_stand_still_are_looked_at_and_told(
    repository: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    merging = sessions.add(repository, "merging", {"app.py": _lines(line3="m"), "web/ui.js": _lines(line3="m")})
    rebasing = sessions.add(repository, "rebasing", {"app.py": _lines(line3="r")})
    detached = sessions.add(repository, "detached", {"notes": "d\n"})
    repository.git("checkout", "--quiet", "--detach", cwd=detached)
    sessions.commit(repository, repository.main, {"app.py": _lines(line3="main"), "web/ui.js": _lines(line3="main")})
    for place, verb in ((merging, "merge"), (rebasing, "rebase")):
        assert subprocess.run(["git", "-C", place, verb, "main"], capture_output=True, check=False).returncode == 1
    sessions.write(merging, {"web/ui.js": _lines(line3="resolved")})
    index = hashlib.sha256((repository.main / ".git/worktrees/tally-merging/index").read_bytes()).hexdigest()

    found = _found(repository)

    said = capsys.readouterr().err
    for name, operation in (("merging", "merge"), ("rebasing", "rebase")):
        assert f"{name}: A {operation} is in progress. Its files are compared as they are now." in said
    assert "detached is on a detached HEAD at" in said
    assert not [each for each in found if each[2] == "main"]  # what was merged is not to be merged again
    assert ("conflict", "merging", "rebasing", "app.py") in found
    assert hashlib.sha256((repository.main / ".git/worktrees/tally-merging/index").read_bytes()).hexdigest() == index


@pytest.mark.parametrize("operation", ["rebase", "merge"])
def test_a_session_that_has_stopped_at_a_conflict_has_one(repository: Project, operation: str) -> None:
    place = sessions.add(repository, "x", {"app.py": _lines(line3="x")})
    sessions.commit(repository, repository.main, {"app.py": _lines(line3="main")})
    assert subprocess.run(["git", "-C", place, operation, "main"], capture_output=True, check=False).returncode == 1

    said = repository.inv("session.conflicts", code=1)
    (stopped,) = repository.inv("session.conflicts", "x", "--json", code=1).json
    sessions.write(place, {"app.py": _lines(line3="both")})
    repository.git("add", "app.py", cwd=place)
    (resolved,) = repository.inv("session.conflicts", "--json").json
    told = repository.inv("session.conflicts").out

    assert said.out.splitlines()[2].split() == ["conflict", "x", operation, "(in", "progress)", "app.py"]
    assert f"x has a {operation} in progress, which stopped at a conflict: app.py\nResolve it, `git add`" in said.out
    assert f"cd {place} && git {operation} --continue\nOr undo it: inv session.sync x --abort\n" in said.out
    assert "1 conflict\n" in said.err
    check_answer([stopped, resolved], "session.conflicts")
    assert (stopped["kind"], stopped["other"], stopped["files"]) == ("conflict", operation, ["app.py"])
    assert (resolved["kind"], resolved["against"], resolved["files"]) == ("operation", "operation", [])
    assert f"x has a {operation} in progress\nFinish it: cd {place} && git {operation} --continue\n" in told
    repository.inv("session.sync", "x", "--abort")
    assert "rebase" not in repository.inv("session.conflicts", code=1).out


@pytest.mark.parametrize("operation", ["am", "cherry-pick", "revert", "bisect"])
def test_what_git_has_begun_is_called_by_its_name_with_what_ends_it(repository: Project, operation: str) -> None:
    place = sessions.add(repository, "x", {"app.py": _lines(line3="x")})
    sessions.commit(repository, repository.main, {"app.py": _lines(line3="main")})
    (repository.top / "patch").write_text(repository.git("format-patch", "-1", "--stdout", "main") + "\n")
    words = {"am": ["am", str(repository.top / "patch")], "bisect": ["bisect", "start"]}
    begin = words.get(operation, [operation, "--no-edit", "main"] if operation == "revert" else [operation, "main"])
    subprocess.run(["git", "-C", place, *begin], capture_output=True, check=False)

    said = repository.inv("session.conflicts", code=None).out + repository.inv("session.show", "x").out

    ends = ["bisect reset"] if operation == "bisect" else [f"{operation} --continue", f"{operation} --abort"]
    name = {"am": "patch"}.get(operation, operation)
    assert f"x has a {name} in progress" in said and f"a {name} is in progress" in said
    assert all(f"cd {place} && git {each}" in said for each in ends)
    assert "\\u000a" not in said
    undo = f"Run: git -C {place} {ends[-1]}"
    assert undo in repository.inv("session.sync", "x", code=1).err
    repository.git(*ends[-1].split(), cwd=place)
    assert "in progress" not in repository.inv("session.show", "x").out


def test_what_git_cannot_read_is_left_out_and_told(
    repository: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_changes, "_TOO_BIG", 1000)
    for name in ("x", "y"):
        place = sessions.add(repository, name)
        sessions.write(place, {"big.bin": name * 1001, "app.py": _lines(line3=name)})
        subprocess.run(["git", "init", "--quiet", str(place / "inner")], check=True)
    filtered = sessions.add(repository, "filtered", {".gitattributes": "*.enc filter=gone\n"})
    repository.git("config", "filter.gone.clean", "false")
    repository.git("config", "filter.gone.required", "true")
    sessions.write(filtered, {"secret.enc": "s", "app.py": _lines(line3="f")})

    found = _found(repository)

    said = capsys.readouterr().err
    assert found == {("conflict", "x", "y", "app.py")}
    assert "x: Left out big.bin, an untracked file of 0 MB." in said
    assert "couldn't read all of" not in said  # the repository inside is not tried
    assert "Left out: Git couldn't read the work of filtered (" in said


def test_sessions_that_are_broken_or_whose_base_is_gone(
    repository: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.git("branch", "gone")
    sessions.add(repository, "adrift", {"app.py": _lines(line3="adrift")}, base="gone")
    repository.git("branch", "-D", "gone")
    sessions.add(repository, "whole", {"app.py": _lines(line3="whole")})
    broken = sessions.add(repository, "broken")
    subprocess.run(["rm", "-r", str(broken)], check=True)
    sessions.add(repository, "half", state="adding")

    found = _found(repository)

    said = capsys.readouterr().err
    assert found == {("conflict", "adrift", "whole", "app.py")}
    assert "Left out: The worktree of broken is gone." in said
    assert "Left out: half is adding." in said
    assert "Run: inv session.remove half" in said
    assert 'adrift: Its base "gone" no longer exists.' in said
    with pytest.raises(SessionError, match=r"^The worktree of broken is gone\."):
        _found(repository, "broken")


def test_in_a_shallow_clone_what_has_nothing_in_common_is_told(
    repository: Project, sandbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = f"file://{repository.main}"
    shallow = Project(sandbox / "dev" / "shallow")
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", where, str(shallow.main)], check=True)
    sessions.add(shallow, "x", {"app.py": _lines(line3="x")}, base="origin/main")
    sessions.commit(repository, repository.main, {"notes": "1\n"})
    sessions.commit(repository, repository.main, {"notes": "2\n"})
    shallow.git("fetch", "--quiet", "--depth", "1")
    sessions.add(shallow, "y", {"app.py": _lines(line3="y")}, base="origin/main")

    assert _found(shallow) == set()

    said = capsys.readouterr().err
    assert "x and its base origin/main have no commit in common here" in said
    assert "git fetch --unshallow" in said
    assert "x and y have no commit in common here, so they can't be compared." in said


def test_the_task_answers_with_a_table_or_json_and_list_mentions_conflicts(repository: Project, sandbox: Path) -> None:
    assert repository.inv("session.conflicts").out == "No conflicts.\n"
    for name in ("x", "y"):
        sessions.write(sessions.add(repository, name), {"app.py": _lines(line3=name)})
    sessions.add(repository, "z", {"app.py": _lines(line20="z")}, component="ui", scope=("web",))

    said = repository.inv("session.conflicts", code=1)
    found: list[dict[str, Any]] = repository.inv("session.conflicts", "--json", "z").json
    git = wrappers.counting(sandbox, "git")
    listed = repository.inv("session.list", "--json")
    started = wrappers.starts(git)

    assert [line.split() for line in said.out.splitlines()[2:]] == [
        ["conflict", "x", "y", "app.py"],
        ["overlap", "x", "z", "app.py"],
        ["overlap", "y", "z", "app.py"],
        ["scope", "z", "ui", "(component)", "app.py"],
    ]
    assert "1 conflict\n" in said.err
    assert [(each["kind"], each["session"], each["other"], each["against"]) for each in found] == [
        ("overlap", "x", "z", "session"),
        ("overlap", "y", "z", "session"),
        ("scope", "z", "ui", "component"),
    ]
    assert "x conflicts with y in app.py" in listed.err
    assert {each["name"]: len(each["conflicts"]) for each in listed.json} == {"x": 1, "y": 1, "z": 0}
    assert len([line for line in started if "merge-tree" in line]) == 1
    shown = [line for line in repository.inv("session.show", "x").out.splitlines() if line.startswith("conflict")]
    assert [line.split(None, 1)[1] for line in shown] == ["x conflicts with y in app.py"]
    assert 'No session "w".' in repository.inv("session.conflicts", "w", code=1).err


def test_an_old_git_is_told_by_conflicts_and_does_not_trouble_list(repository: Project, sandbox: Path) -> None:
    for name in ("x", "y"):
        sessions.add(repository, name, {"app.py": _lines(line3=name)})
    wrappers.without_merge_tree(sandbox)

    assert "is too old to try merges: 2.39 or newer is needed." in repository.inv("session.conflicts", code=1).err
    assert "inv session.conflicts" in repository.inv("session.list").err


def test_many_pairs_cost_one_merge_process_and_disjoint_ones_none(
    repository: Project, sandbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = wrappers.counting(sandbox, "git")
    for number in range(8):
        own = {f"own{number}/x": "1", **({"app.py": _lines(line3=str(number))} if number < 5 else {})}
        sessions.add(repository, f"s{number}", own)
    wrappers.starts(git)

    found = _found(repository)

    started = wrappers.starts(git)
    assert len([each for each in found if each[0] == "conflict"]) == 10
    assert _times("merge-tree", started) == 1
    assert (_times("status", started), _times("add", started)) == (8, 0)  # nothing is uncommitted
    assert _times("cat-file", started) == 1  # which of the shared files are new
    assert len(started) == 8 + 9
    monkeypatch.setattr("tasks.status.trial_merge._WORTH_A_PROCESS", 5)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    assert _found(repository) == found  # the same from several processes
    assert _times("merge-tree", wrappers.starts(git)) == 2
    listed = repository.inv("session.list", "--json")  # which must stay quick
    assert _times("merge-tree", wrappers.starts(git)) == 0
    assert "See which of them conflict: inv session.conflicts" in listed.err
    assert {each["conflicts"] for each in listed.json} == {None}


def _times(word: str, started: Iterable[str]) -> int:
    return sum(word in line.split() for line in started)


def test_a_new_session_and_a_synced_one_tell_whom_they_meet(repository: Project) -> None:
    sessions.add(repository, "other", {"app.py": _lines(line3="other"), "web/ui.js": _lines(line9="other")})
    sessions.add(repository, "again", {"app.py": _lines(line3="again")}, creates_branch=False)
    sessions.add(repository, "new", component="ui", scope=("web",))
    known = {session.name: session for session in sessions.all_of(repository)}

    def told(name: str) -> list[str]:
        return conflicts.new_session_sentences(known[name], list(known.values()))

    assert told("again") == ["again conflicts with other in app.py"]
    assert told("new") == ["other has changed files of component ui: web/ui.js"]
    assert "again conflicts with other in app.py" in repository.inv("session.sync", "again").err
