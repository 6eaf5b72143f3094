"""Copies: whole, with their mode; a database as it was committed, whoever writes to it."""

import errno
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tasks.errors import SessionError
from tasks.system import copy as system_copy
from testing.project import CHECKOUT, eventually

_WRITER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
number = 0
while True:
    number += 1
    database.execute("insert into points values (?, hex(randomblob(200)))", (number,))
"""
_HOLDER = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("begin " + sys.argv[2])
database.execute("insert into points values (99, 'not committed')")
print("held", flush=True)
time.sleep(60)
"""
_LAST = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("insert into points values (1, 'in the log')")
print("written", flush=True)
sys.stdin.read()
database.close()
"""
_COPY = "import sys, pathlib; from tasks.system import copy; copy.copy_file(*map(pathlib.Path, sys.argv[1:]))"


@pytest.fixture
def place(sandbox: Path) -> Path:
    """Return the directory that the copies go to."""
    (sandbox / "place").mkdir()
    return sandbox / "place"


def database(path: Path, mode: str = "delete") -> Path:
    """Return a database with one row."""
    with closing(sqlite3.connect(path)) as made:
        made.execute(f"pragma journal_mode={mode}")
        made.executescript("create table points (number integer, text text); insert into points values (0, 'first')")
    return path


@contextmanager
def running(script: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    argv = [sys.executable, "-c", script, *arguments]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def numbers(path: Path) -> list[int]:
    """Return the committed rows of the database at *path*, which is whole."""
    with closing(sqlite3.connect(path, timeout=60)) as opened:
        assert opened.execute("pragma integrity_check").fetchall() == [("ok",)]
        return [number for (number,) in opened.execute("select number from points order by number")]


def highest(path: Path) -> int:
    with closing(sqlite3.connect(path, timeout=60)) as opened:
        return int(opened.execute("select max(number) from points").fetchone()[0])


def names_in(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_database_under_constant_writing_arrives_whole_and_up_to_date(
    sandbox: Path, place: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(system_copy, "_BUSY", 0.5)
    source = database(sandbox / "db", mode)
    with running(_WRITER, str(source)):
        eventually(lambda: highest(source) > 20)
        for turn in range(6):
            before = highest(source)

            system_copy.copy_file(source, place / str(turn))

            assert names_in(place) == [str(each) for each in range(turn + 1)]
            found = numbers(place / str(turn))
            assert found == list(range(len(found)))
            assert found[-1] >= before


def test_rows_that_are_only_in_the_log_arrive(sandbox: Path, place: Path) -> None:
    source = database(sandbox / "db", "wal")
    with closing(sqlite3.connect(source, isolation_level=None)) as writer:
        writer.execute("pragma wal_autocheckpoint=0")
        writer.execute("insert into points values (1, 'in the log')")
        assert Path(f"{source}-wal").stat().st_size

        system_copy.copy_file(source, place / "copy")

    assert numbers(place / "copy") == [0, 1]


def test_the_log_is_copied_before_who_closes_the_database_last_can_drop_it(
    sandbox: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, copy = database(sandbox / "db", "wal"), system_copy.clone_content
    with running(_LAST, str(source)) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "written\n"

        def slowly(origin: Path, target: Path) -> None:
            copy(origin, target)
            if origin == source:
                server.communicate()

        monkeypatch.setattr(system_copy, "clone_content", slowly)
        system_copy.copy_file(source, place / "copy")

    assert server.returncode == 0
    assert numbers(place / "copy") == [0, 1]


@pytest.mark.parametrize(("mode", "kind"), [("wal", "exclusive"), ("wal", "immediate"), ("delete", "immediate")])
def test_a_writer_that_does_not_let_go_is_copied_around(
    sandbox: Path, place: Path, monkeypatch: pytest.MonkeyPatch, mode: str, kind: str
) -> None:
    monkeypatch.setattr(system_copy, "_BUSY", 0.1)
    source = database(sandbox / "db", mode)
    with running(_HOLDER, str(source), kind) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        system_copy.copy_file(source, place / "copy")

    assert numbers(place / "copy") == [0]
    assert names_in(place) == ["copy"]


def test_a_database_that_nobody_else_may_read_is_an_error_and_no_endless_wait(sandbox: Path, place: Path) -> None:
    source = database(sandbox / "db")
    impatient = f"from tasks.system import databases; databases._BUSY = 0.1; {_COPY}"
    with running(_HOLDER, str(source), "exclusive") as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        argv = [sys.executable, "-c", impatient, str(source), str(place / "copy")]
        ended = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, timeout=3, check=False)

    assert ended.returncode
    assert names_in(place) == []


def test_what_sqlite_says_is_an_error_that_names_the_database(
    sandbox: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    source = database(sandbox / "db", "wal")
    for step in ("_open", "_back_up"):
        monkeypatch.setattr(system_copy, step, full)

    with pytest.raises(SessionError, match=f"Couldn't copy the database {source}: database or disk is full"):
        system_copy.copy_file(source, place / "copy")

    assert names_in(place) == []


@pytest.mark.parametrize("content", [b"", b"text\n", b"SQLite format 3\0 but nothing more", os.urandom(3_000_000)])
def test_what_is_no_database_is_copied_byte_for_byte(sandbox: Path, place: Path, content: bytes) -> None:
    (sandbox / "file").write_bytes(content)

    system_copy.copy_file(sandbox / "file", place / "copy")

    assert (place / "copy").read_bytes() == content
    assert names_in(place) == ["copy"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o400])
def test_the_mode_is_kept(sandbox: Path, place: Path, mode: int) -> None:
    for file in (sandbox / "file", database(sandbox / "db")):
        file.touch()
        file.chmod(mode)

        system_copy.copy_file(file, place / file.name)

        assert stat.S_IMODE((place / file.name).stat().st_mode) == mode


def test_a_directory_is_copied_with_its_links_and_modes(sandbox: Path, place: Path) -> None:
    (sandbox / "tree" / "below").mkdir(parents=True)
    (sandbox / "tree" / "below" / "secret").write_text("x")
    (sandbox / "tree" / "below" / "secret").chmod(0o600)
    (sandbox / "tree" / "link").symlink_to("below/secret")

    system_copy.copy_file(sandbox / "tree", place / "copy")

    assert (place / "copy" / "link").readlink() == Path("below/secret")
    assert stat.S_IMODE((place / "copy" / "below" / "secret").stat().st_mode) == 0o600
    assert names_in(place) == ["copy"]


@pytest.mark.parametrize("kind", ["file", "database", "directory"])
def test_a_full_disk_leaves_nothing(sandbox: Path, place: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    source = database(sandbox / "db") if kind == "database" else sandbox / "source"
    if kind == "directory":
        source.mkdir()
    inner = source / "file" if kind == "directory" else source
    inner.touch()

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "copy_file_range", full)
    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(OSError, match="No space"):
        system_copy.copy_file(source, place / "copy")

    assert names_in(place) == []


def test_a_disk_without_fast_copies_is_copied_to_all_the_same(
    sandbox: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sandbox / "file").write_bytes(b"x" * 3_000_000)

    def unsupported(*_arguments: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "copy_file_range", unsupported)

    system_copy.copy_file(sandbox / "file", place / "copy")

    assert (place / "copy").stat().st_size == 3_000_000


@pytest.mark.parametrize("cp", ['cat "$2" > "$3"; touch cloned-$1', "exit 1"])
def test_where_python_has_no_fast_copy_cp_clones_or_python_copies(
    sandbox: Path, place: Path, monkeypatch: pytest.MonkeyPatch, cp: str
) -> None:
    (sandbox / "bin" / "cp").write_text(f"#!/bin/sh\n{cp}\n")
    (sandbox / "bin" / "cp").chmod(0o755)
    (sandbox / "file").write_bytes(b"x" * 1000)
    monkeypatch.setattr(system_copy, "_CLONE", (str(sandbox / "bin" / "cp"), "-c"))
    monkeypatch.delattr(os, "copy_file_range", raising=False)
    monkeypatch.chdir(sandbox)

    system_copy.copy_file(sandbox / "file", place / "copy")

    source = database(sandbox / "db")
    with closing(sqlite3.connect(source)) as writer:  # its log is copied as well, to a file that is not there yet
        writer.execute("pragma journal_mode=wal")
        writer.execute("create table fresh (number integer)")
        writer.commit()
        system_copy.copy_file(source, place / "db")

    with closing(sqlite3.connect(place / "db")) as copied:
        assert copied.execute("select count(*) from fresh").fetchone() == (0,)
    assert (place / "copy").read_bytes() == b"x" * 1000
    assert (sandbox / "cloned--c").exists() == ("cat" in cp)


def test_a_directory_that_appeared_meanwhile_is_kept_and_nothing_left_beside_it(sandbox: Path, place: Path) -> None:
    (sandbox / "tree").mkdir()
    (place / "copy").mkdir()
    (place / "copy" / "theirs").touch()

    with pytest.raises(OSError, match="not empty"):
        system_copy.copy_file(sandbox / "tree", place / "copy")

    assert names_in(place) == ["copy"]


def test_the_log_of_a_database_that_was_deleted_is_not_replayed_into_the_next_one(
    sandbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh, own = sandbox / "fresh.db", sandbox / "own.db"
    with closing(sqlite3.connect(fresh)) as connection:
        connection.executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
    with closing(sqlite3.connect(own)) as connection:
        connection.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(500)])
        connection.commit()
        log = (sandbox / "own.db-wal").read_bytes()
    own.unlink()
    (sandbox / "own.db-wal").write_bytes(log)

    system_copy.copy_file(fresh, own)

    with closing(sqlite3.connect(own)) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (1,)
    assert (sandbox / "own.db-wal.old").read_bytes() == log
    assert "own.db-wal belonged to a database that is gone" in capsys.readouterr().err
