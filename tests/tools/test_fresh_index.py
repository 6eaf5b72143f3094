"""Git need not read the files of a new worktree again, and every change of one is seen nevertheless."""

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.model import Session
from tasks.system import files
from tasks.tools import fresh_index, git, worktree_status
from testing import sessions
from testing.project import Project

_READ = "sh -c 'echo read >> \"$READ_LOG\"; cat'"


@pytest.fixture
def project(sandbox: Path) -> Project:
    project = sessions.repository(sandbox / "tally", {"a.txt": "one\n", "b/c.txt": "two\n", "d.sh": "three\n"})
    project.git("config", "core.trustCtime", "false")  # so that the time of a change is nothing to git
    project.git("config", "core.checkStat", "minimal")
    return project


def _new(project: Project) -> Session:
    """Return a session whose index is hardly newer than its files."""
    _age(sessions.add(project, "x"), 1)
    return next(each for each in sessions.all_of(project) if each.name == "x")


def _age(place: Path, nanoseconds: int) -> None:
    """Let the index be written so long after the newest file."""
    tracked = subprocess.run(["git", "-C", place, "ls-files"], check=True, capture_output=True, text=True).stdout
    newest = max((place / name).lstat().st_ctime_ns for name in tracked.split()) + nanoseconds
    os.utime(_admin(place) / "index", ns=(newest, newest))


def _admin(place: Path) -> Path:
    found = git.find_admin_dir(place)
    assert found is not None
    return found


def _left(session: Session) -> list[str]:
    return [name for name in os.listdir(_admin(session.worktree)) if name.endswith(".tmp")]


def test_git_reads_no_file_of_a_new_worktree(project: Project, sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READ_LOG", str(sandbox / "read"))
    project.git("config", "filter.seen.clean", _READ)
    session = _new(project)
    (_admin(session.worktree).parent.parent / "info" / "attributes").write_text("*.txt filter=seen\n")

    assert not worktree_status.read_work(session, refreshes=False).dirty
    assert not (sandbox / "read").exists()

    subprocess.run(["git", "-C", session.worktree, "--no-optional-locks", "status"], check=True, capture_output=True)
    assert (sandbox / "read").exists(), "git reads them by itself"
    assert not _left(session)


def _write(file: Path) -> None:
    file.write_text("ONE\n")


def _replace(file: Path) -> None:
    (file.parent / "new").write_text("ONE\n")
    (file.parent / "new").rename(file)


def _link(file: Path) -> None:
    file.unlink()
    file.symlink_to("ONE\n")


_FORMS = ("--index-version 2", "--index-version 4", "--split-index", "--skip-worktree d.sh")


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("change", [_write, _replace, _link])
def test_a_change_of_the_same_size_and_time_is_seen(
    project: Project, form: str, change: Callable[[Path], None]
) -> None:
    session = _new(project)
    place, before = session.worktree, (session.worktree / "a.txt").stat().st_mtime_ns
    project.git("update-index", *form.split(), cwd=place)
    _age(place, 1)

    change(place / "a.txt")
    os.utime(place / "a.txt", ns=(before, before), follow_symlinks=False)

    assert "a.txt" in worktree_status.read_work(session, refreshes=False).changed
    assert not _left(session)


def test_a_change_in_the_moment_when_the_index_was_written_is_seen(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = _new(project)
    file = session.worktree / "a.txt"
    before = file.stat()
    os.utime(_admin(session.worktree) / "index", ns=(before.st_ctime_ns, before.st_ctime_ns))
    file.write_text("ONE\n")
    os.utime(file, ns=(before.st_mtime_ns, before.st_mtime_ns))
    monkeypatch.setattr(fresh_index, "_is_unchanged", lambda *_facts: True)  # as the clock would say

    assert worktree_status.read_work(session, refreshes=False).changed == ("a.txt",)


def test_a_file_that_is_newer_than_the_index_is_read(project: Project) -> None:
    session = _new(project)
    _age(session.worktree, -1)

    assert fresh_index.ask_trusting(session.worktree, _admin(session.worktree), lambda _index: True) is None


def test_git_reads_the_files_where_the_index_is_older_than_any_time_that_it_can_name(project: Project) -> None:
    session = _new(project)
    os.utime(_admin(session.worktree) / "index", (-1, -1))
    (session.worktree / "a.txt").write_text("another size\n")

    assert worktree_status.read_work(session, refreshes=False).changed == ("a.txt",)
    assert not _left(session)


def test_an_index_in_two_files_is_not_copied(project: Project) -> None:
    session = _new(project)
    for name in project.git("ls-files", cwd=session.worktree).split():
        os.utime(session.worktree / name, ns=(10**18, 10**18))
    project.git("update-index", "-q", "--refresh", cwd=session.worktree)
    project.git("update-index", "--split-index", cwd=session.worktree)

    assert fresh_index.ask_trusting(session.worktree, _admin(session.worktree), lambda _index: True) is None


def test_two_directories_that_took_each_others_name_are_seen(project: Project) -> None:
    sessions.commit(project, project.main, {"e/c.txt": "TWO\n"})
    session = _new(project)
    one, other = session.worktree / "b" / "c.txt", session.worktree / "e" / "c.txt"
    while one.stat().st_ctime_ns != other.stat().st_ctime_ns:  # as git writes many files in one moment of the clock
        for file, text in ((one, "two\n"), (other, "TWO\n")):
            file.unlink()
            file.write_text(text)
    project.git("update-index", "-q", "--refresh", cwd=session.worktree)
    _age(session.worktree, 1)

    one.parent.rename(session.worktree / "away")
    other.parent.rename(one.parent)
    (session.worktree / "away").rename(other.parent)

    assert worktree_status.read_work(session, refreshes=False).changed == ("b/c.txt", "e/c.txt")


def test_a_new_file_is_seen_where_git_knows_untracked_files_by_the_time_of_their_directory(project: Project) -> None:
    session = _new(project)
    place, index = session.worktree / "b", _admin(session.worktree) / "index"
    moment = index.stat().st_mtime_ns // 10**9 * 10**9 + 10**9 - 2  # later than every file, in the same second
    project.git("config", "core.untrackedCache", "true")
    (place / "new.ignored").touch()
    os.utime(place, ns=(moment, moment))
    project.git("status", cwd=session.worktree)
    assert b"UNTR" in index.read_bytes()

    (place / "new.ignored").rename(place / "new.txt")  # in memory a directory with another file more has another size
    os.utime(place, ns=(moment, moment))
    os.utime(index, ns=(moment + 1, moment + 1))

    assert worktree_status.read_work(session, refreshes=False).untracked == ("b/new.txt",)


def test_new_and_deleted_files_are_seen(project: Project) -> None:
    session = _new(project)
    (session.worktree / "b/c.txt").unlink()
    (session.worktree / "new").write_text("new\n")

    work = worktree_status.read_work(session, refreshes=False)

    assert (work.changed, work.untracked, work.gone) == (("b/c.txt",), ("new",), ("b/c.txt",))


def test_what_is_staged_is_seen_and_stays(project: Project) -> None:
    session = _new(project)
    (session.worktree / "a.txt").write_text("ONE\n")
    project.git("add", "a.txt", cwd=session.worktree)
    before = (_admin(session.worktree) / "index").read_bytes()

    assert worktree_status.read_work(session, refreshes=False).changed == ("a.txt",)
    assert (_admin(session.worktree) / "index").read_bytes() == before


def test_files_are_named_by_long_ids_as_well(sandbox: Path) -> None:
    project = sessions.repository(sandbox / "tally", {})
    subprocess.run(["rm", "-rf", str(project.main / ".git")], check=True)
    subprocess.run(["git", "init", "--quiet", "-b", "main", "--object-format=sha256", str(project.main)], check=True)
    sessions.commit(project, project.main, {"a.txt": "one\n", "b/c.txt": "two\n", "d.sh": "three\n"})
    session = _new(project)
    before = (session.worktree / "a.txt").stat().st_mtime_ns
    (session.worktree / "a.txt").write_text("ONE\n")
    os.utime(session.worktree / "a.txt", ns=(before, before))

    assert worktree_status.read_work(session, refreshes=False).changed == ("a.txt",)


def test_on_a_full_disk_git_reads_them(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    session = _new(project)

    def fail(copy: Path, *_rest: object) -> None:
        copy.write_bytes(b"DIRC")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(fresh_index, "_write_copy", fail)
    (session.worktree / "a.txt").write_text("ONE\n")

    assert worktree_status.read_work(session, refreshes=False).changed == ("a.txt",)
    assert not _left(session)


@pytest.mark.parametrize("later", [0, 60])
def test_what_a_killed_one_left_is_deleted(project: Project, later: int) -> None:
    session = _new(project)
    _age(session.worktree, later * 10**9)  # git has written the index again by then
    left = _admin(session.worktree) / ".index.99999999.00000000.tmp"
    left.write_bytes(b"DIRC")

    worktree_status.read_work(session, refreshes=False)

    assert not left.exists()


def test_one_that_cannot_be_deleted_is_no_obstacle(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    session = _new(project)

    def fail(path: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(files, "sweep_leftovers", fail)

    assert not worktree_status.read_work(session, refreshes=False).dirty
