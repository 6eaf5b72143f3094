"""Each session has a Postgres database of its own, made from the main checkout's, on a real server."""

import json
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing import postgres, wrappers
from testing.project import Project

_CONFIG = """session:
  windows: []
  copy: [.env]
  databases: {.env: {DATABASE_URL: own, CACHE_URL: "{cache_port}"}}
  ports: {cache_port: 6380}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running_server() as running:
        yield running


@pytest.fixture
def shop(project: Project, server: postgres.Server) -> Iterator[Project]:
    server.ask("postgres", "CREATE DATABASE shop")
    server.ask("shop", "CREATE TABLE goods (name text); INSERT INTO goods VALUES ('tea')")
    lines = f"A=1\nDATABASE_URL={server.url('shop')}\nCACHE_URL=redis://:s3cret@localhost:6379/0\n"
    (project.main / ".env").write_text(lines)
    (project.main / ".gitignore").write_text(".env\n")
    project.configure(_CONFIG)
    yield project
    for name in server.databases:
        server.ask("postgres", f'DROP DATABASE "{name}" WITH (FORCE)')


def _names(server: postgres.Server, database: str) -> str:
    return server.ask(database, "SELECT string_agg(name, ' ' ORDER BY name) FROM goods")


def test_a_session_works_on_its_own_copy_which_a_removal_saves(shop: Project, server: postgres.Server) -> None:
    said = shop.inv("session.add", "feature/x")

    assert "shop_feature_x from shop, as its template" in said.err
    assert "s3cret" not in said.out + said.err
    text = (shop.worktree("feature-x") / ".env").read_text()
    assert f"DATABASE_URL='{server.url('shop_feature_x')}'" in text or server.url("shop_feature_x") in text
    assert f"redis://:s3cret@localhost:{shop.row('feature/x')['cache_port']}/0" in text
    assert "s3cret" not in (shop.main / ".tally-sessions").read_text()
    server.ask("shop_feature_x", "INSERT INTO goods VALUES ('milk')")
    assert (_names(server, "shop"), _names(server, "shop_feature_x")) == ("tea", "milk tea")
    shop.inv("session.rename", "feature/x", "y")
    shop.inv("session.remove", "y")
    assert server.databases == {"shop"}
    shop.inv("session.restore", "y")
    assert _names(server, "shop_feature_x") == "milk tea"
    assert "dump" not in "".join(os.listdir(shop.worktree("y")))
    assert shop.git("status", "--porcelain", cwd=shop.worktree("y")) == ""
    server.ask("postgres", "DROP DATABASE shop_feature_x")
    assert "the database shop_feature_x is missing" in shop.inv("session.doctor", code=None).out
    shop.inv("session.resume", "y")
    assert _names(server, "shop_feature_x") == "tea"


@pytest.mark.slow
def test_a_database_in_use_is_copied_too_and_one_of_somebody_else_is_left_alone(
    shop: Project, server: postgres.Server
) -> None:
    argv = ["psql", "-h", str(server.place), "-U", "app", "-d", "shop", "-c", "SELECT pg_sleep(600)"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        while server.ask("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop'") == "0":
            pass
        assert "by a dump, as it is in use" in shop.inv("session.add", "x").err
        client.terminate()
    assert _names(server, "shop_x") == "tea"
    server.ask("postgres", "CREATE DATABASE shop_z")

    refused = shop.inv("session.add", "z", code=1)

    assert "shop_z exists already, and is not this session's" in refused.err
    assert server.databases == {"shop", "shop_x", "shop_z"}
    assert not shop.worktree("z").exists()


def test_a_kill_while_a_database_is_dumped_leaves_the_dump_where_the_next_step_deletes_it(
    shop: Project, server: postgres.Server, sandbox: Path
) -> None:
    (sandbox / "scratch").mkdir()
    wrappers.killing_caller(sandbox, "pg_dump", "--file")
    argv = ["psql", "-h", str(server.place), "-U", "app", "-d", "shop", "-c", "SELECT pg_sleep(600)"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        while server.ask("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop'") == "0":
            pass
        shop.inv("session.add", "x", env={"TMPDIR": str(sandbox / "scratch")}, code=-signal.SIGKILL)
        client.terminate()
    private = shop.main / ".git" / "tally-sessions" / "conversations" / "x"
    left, mode = os.listdir(private), stat.S_IMODE(private.stat().st_mode)

    shop.inv("session.doctor", "--fix", code=None)

    assert (left, mode) == ([".tally-sessions.DATABASE_URL.dump"], 0o700)
    assert not private.exists() and os.listdir(sandbox / "scratch") == []
    assert server.databases == {"shop"}


@pytest.mark.slow
def test_a_database_of_another_session_is_never_advised_to_be_dropped(shop: Project, server: postgres.Server) -> None:
    shop.inv("session.add", "a-b")

    refused = shop.inv("session.add", "a_b", code=1).err
    server.stop()
    try:
        shop.inv("session.remove", "a-b")
    finally:
        server.start()
    again = shop.inv("session.add", "a-b", code=1).err

    assert "It belongs to session a-b. Choose another NAME." in refused
    assert "A session that was removed, or one of another checkout, has its data in it." in again
    assert "dropdb" not in refused + again
    assert server.databases == {"shop", "shop_a_b"}


@pytest.mark.parametrize(
    ("task", "program", "words"),
    [
        ("session.add", "psql", "CREATE?DATABASE"),
        ("session.add", "psql", "COMMENT?ON"),
        pytest.param("session.add", "psql", "ALTER?DATABASE", marks=pytest.mark.slow),
        ("session.restore", "pg_restore", "--dbname"),
    ],
)
def test_a_kill_while_a_database_is_made_leaves_nothing_of_it(
    shop: Project, server: postgres.Server, sandbox: Path, task: str, program: str, words: str
) -> None:
    if task == "session.restore":
        shop.inv("session.add", "x")
        shop.inv("session.remove", "x")
    wrappers.killing_caller(sandbox, program, words)

    shop.inv(task, "x", code=-signal.SIGKILL)
    made = server.databases - {"shop"}
    shop.inv(task, "x")

    assert made, "it was killed before there was anything"
    assert server.databases == {"shop", "shop_x"}
    assert _names(server, "shop_x") == "tea"
    shop.inv("session.remove", "x")
    assert server.databases == {"shop"}


@pytest.mark.slow
def test_files_that_were_there_name_the_databases_of_the_session_too(shop: Project, server: postgres.Server) -> None:
    place, text = shop.top / "by hand", (shop.main / ".env").read_text()
    shop.git("worktree", "add", "--quiet", "-b", "mine", str(place))
    (place / ".env").write_text(text)

    said = shop.inv("session.adopt", "mine", "--worktree", str(place)).err

    own = (place / ".env").read_text()
    port = shop.row("mine")["cache_port"]
    assert server.url("shop_mine") in own and f"localhost:{port}/0" in own
    assert ".env gets the session's values. What it had is in " in said
    shop.inv("session.remove", "mine", "--force")
    shop.inv("session.add", "other")
    assert shop.row("other")["cache_port"] == port
    shop.inv("session.restore", "mine")
    assert shop.row("mine")["cache_port"] != port
    assert f"localhost:{shop.row('mine')['cache_port']}/0" in (place / ".env").read_text()


def test_an_encoded_name_is_the_same_in_the_server_and_in_the_address(shop: Project, server: postgres.Server) -> None:
    server.ask("postgres", 'CREATE DATABASE "My%shop"')
    (shop.main / ".env").write_text(f"DATABASE_URL={server.url('My%25shop')}\n")

    shop.inv("session.add", "x")

    assert server.databases == {"shop", "My%shop", "My%shop_x"}
    assert server.url("My%25shop_x") in (shop.worktree("x") / ".env").read_text()


@pytest.mark.slow
def test_a_server_that_is_down_refuses_an_add_and_keeps_what_a_removal_would_drop(
    shop: Project, server: postgres.Server
) -> None:
    shop.inv("session.add", "x")
    server.stop()
    try:
        refused = shop.inv("session.add", "y", code=1).err
        said = shop.inv("session.remove", "x").err
    finally:
        server.start()

    assert "The database shop_y could not be made or saved: " in refused
    assert "leave DATABASE_URL out of the setting `databases`" in refused
    assert "The database shop_x was kept: " in said
    shop.inv("session.restore", "x")
    assert _names(server, "shop_x") == "tea"


_MUCH = "CREATE TABLE much AS SELECT md5(random()::text) FROM generate_series(1, 20000)"
_REFUSING = """#!/bin/sh
if [ -e {refuses} ]; then
  for word do
    shift
    case "$last" in --file) word=/dev/full;; esac
    last=$word
    set -- "$@" "$word"
  done
fi
exec {real} "$@"
"""


def _full_disk(sandbox: Path) -> Path:
    """Let pg_dump write to a full disk while the file that is returned exists; what it has in memory doesn't fail."""
    refuses = sandbox / "full"
    refuses.touch()
    (sandbox / "bin" / "pg_dump").write_text(_REFUSING.format(refuses=refuses, real=shutil.which("pg_dump")))
    (sandbox / "bin" / "pg_dump").chmod(0o755)
    return refuses


@pytest.mark.parametrize("words", ["COMMENT?ON", "pg_terminate_backend"])
def test_what_is_written_between_a_killed_removal_and_its_repetition_is_saved(
    shop: Project, server: postgres.Server, sandbox: Path, words: str
) -> None:
    shop.inv("session.add", "x")
    wrappers.killing_caller(sandbox, "psql", words)
    shop.inv("session.remove", "x", code=-signal.SIGKILL)
    server.ask("shop_x", "INSERT INTO goods VALUES ('milk')")

    shop.inv("session.remove", "x")

    assert server.databases == {"shop"}
    shop.inv("session.restore", "x")
    assert _names(server, "shop_x") == "milk tea"


def test_a_repetition_that_cannot_save_keeps_the_database_and_what_was_saved_before(
    shop: Project, server: postgres.Server, sandbox: Path
) -> None:
    server.ask("shop", _MUCH)
    shop.inv("session.add", "x")
    wrappers.killing_caller(sandbox, "psql", "pg_terminate_backend")
    shop.inv("session.remove", "x", code=-signal.SIGKILL)
    server.ask("shop_x", "INSERT INTO goods VALUES ('milk')")
    (dump,) = (shop.main / ".git" / "tally-sessions" / "removed").glob("*/*/tree/.tally-sessions.*")
    before, refuses = dump.read_bytes(), _full_disk(sandbox)

    said = shop.inv("session.remove", "x", code=1).err

    assert "No space left on device" in said and "Free some space" in said
    assert f"df -h {dump.parent}" in said and "Start Postgres" not in said
    assert (os.listdir(dump.parent).count(dump.name), dump.read_bytes()) == (1, before)
    assert not [name for name in os.listdir(dump.parent) if name.endswith(".tmp")]
    assert shop.row("x")["state"] == "removing"
    refuses.unlink()
    shop.inv("session.restore", "x")
    assert _names(server, "shop_x") == "milk tea"


def test_a_full_disk_keeps_the_session_and_is_named(shop: Project, server: postgres.Server, sandbox: Path) -> None:
    server.ask("shop", _MUCH)
    shop.inv("session.add", "x")
    _full_disk(sandbox)

    said = shop.inv("session.remove", "x", code=1).err

    assert "No space left on device" in said and f"df -h {shop.worktree('x')}" in said
    assert "Start Postgres" not in said
    assert "Nothing was removed" in said and shop.row("x")["state"] == "ready"
    assert server.databases == {"shop", "shop_x"}


@pytest.mark.parametrize("starts", [False, True])
def test_what_is_written_after_a_removal_that_failed_stays(
    shop: Project, server: postgres.Server, starts: bool
) -> None:
    shop.inv("session.add", "x")
    lock = shop.main / ".git" / "refs" / "heads" / "x.lock"
    lock.touch()
    assert "Nothing was removed" in shop.inv("session.remove", "x", code=1).err
    lock.unlink()
    server.ask("shop_x", "INSERT INTO goods VALUES ('milk')")

    if starts:
        shop.inv("session.start", "x")
        assert shop.git("status", "--porcelain", cwd=shop.worktree("x")) == ""
        assert _names(server, "shop_x") == "milk tea"
    shop.inv("session.remove", "x", "--force")
    shop.inv("session.restore", "x")

    assert _names(server, "shop_x") == "milk tea"


def test_a_database_that_has_no_place_to_be_saved_stays(shop: Project, server: postgres.Server, sandbox: Path) -> None:
    shop.inv("session.add", "x")
    shop.inv("session.add", "y")
    wrappers.killing_caller(sandbox, "psql", "pg_terminate_backend")
    shop.inv("session.remove", "x", code=-signal.SIGKILL)
    (tree,) = (shop.main / ".git" / "tally-sessions" / "removed").glob("*/*/tree")
    shutil.rmtree(tree)
    lock = shop.main / ".git" / "refs" / "heads" / "y.lock"
    lock.touch()
    shop.inv("session.remove", "y", code=1)
    lock.unlink()
    shutil.rmtree(shop.worktree("y"))

    said = shop.inv("session.remove", "x").err
    shop.inv("session.remove", "y", "--force")

    assert "The database shop_x was kept" in said and "dropdb shop_x" in said
    assert server.databases == {"shop", "shop_x", "shop_y"}


@pytest.mark.parametrize("moved", [False, True])
def test_a_restore_takes_the_database_that_is_there_unless_the_session_was_elsewhere(
    shop: Project, server: postgres.Server, moved: bool
) -> None:
    shop.inv("session.add", "x")
    created = shop.row("x")["created"]
    shop.inv("session.remove", "x")
    server.ask("postgres", "CREATE DATABASE shop_x TEMPLATE shop")
    server.ask("shop_x", "INSERT INTO goods VALUES ('milk')")
    server.ask("postgres", f"COMMENT ON DATABASE shop_x IS 'Tally Sessions: tally, {created}, saved'")
    (file,) = (shop.main / ".git" / "tally-sessions" / "removed").glob("*/*/row.json")
    facts = json.loads(file.read_text())
    facts["row"] |= {"moved": "20260101T000000.000000"} if moved else {}
    file.write_text(json.dumps(facts))

    shop.inv("session.restore", "x")

    assert _names(server, "shop_x") == ("tea" if moved else "milk tea")
    assert "dump" not in "".join(os.listdir(shop.worktree("x")))
