"""Ports belong to the machine: what another registry holds, or a program listens on, is skipped."""

import grp
import json
import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import SessionError
from tasks.model import Repository
from tasks.store import ports, registry, state_directory
from testing import port_slot
from testing.project import CHECKOUT

_CLAIM = """
import pathlib, sys, time
from tasks.store import ports, registry, state_directory
from tasks.model import Repository
main = pathlib.Path(sys.argv[1])
repository = Repository(main, main / ".git")
for number in range(5):
    with ports.claiming_ports(repository) as held, registry.changing_registry(repository) as rows:
        own = {row["app_port"] for row in rows.values()}
        chosen = ports.choose_ports({"app_port": int(sys.argv[2])}, held | own)
        ports.join_machine(repository)
        time.sleep(0.005)
        rows[str(number)] = {**chosen, "worktree": "/w", "branch": "b"}
"""


def repository(place: Path, **rows: dict[str, Any]) -> Repository:
    """Return a repository whose registry has *rows*."""
    (place / ".git").mkdir(parents=True)
    made = Repository(place, place / ".git")
    if rows:
        complete = {name: {"worktree": "/w", "branch": "b", **row} for name, row in rows.items()}
        registry.registry_path(made).write_text(json.dumps(complete))
    return made


def join(member: Repository) -> None:
    with ports.claiming_ports(member):
        ports.join_machine(member)


@contextmanager
def listening(address: str, port: int = 0) -> Iterator[int]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as server:
        if family == socket.AF_INET6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            server.bind((address, port))
        except OSError:
            pytest.skip(f"this machine has no {address}")
        server.listen()
        yield int(server.getsockname()[1])


def quiet() -> int:
    """Return the first of forty ports in a row that nobody uses, and no other test process looks at."""
    return 20000 + 4 * port_slot.own()


def test_the_first_port_is_taken_when_it_is_free() -> None:
    first = quiet()

    assert ports.choose_ports({"app_port": first}, set()) == {"app_port": first}


def test_held_ports_are_skipped() -> None:
    first = quiet()

    assert ports.choose_ports({"app_port": first}, {first, first + 1}) == {"app_port": first + 2}


def test_two_keys_with_the_same_start_get_different_ports() -> None:
    first = quiet()

    assert ports.choose_ports({"a": first, "b": first}, set()) == {"a": first, "b": first + 1}


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_a_port_that_is_listened_on_is_skipped(address: str) -> None:
    first = quiet()

    with listening(address, first):
        assert ports.choose_ports({"app_port": first}, set()) == {"app_port": first + 1}

    assert ports.choose_ports({"app_port": first}, set()) == {"app_port": first}


def test_a_connection_that_lingers_after_its_server_does_not_hold_the_port() -> None:
    with listening("127.0.0.1") as port, socket.create_connection(("127.0.0.1", port)):
        pass

    assert ports.is_port_free(port)


@pytest.mark.parametrize("port", [5060, 5061, 6000, 6666, 10080])
def test_ports_that_browsers_block_are_skipped(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_port_free", lambda _port: True)

    assert ports.choose_ports({"app_port": port}, set())["app_port"] > port


def test_a_last_port_that_is_held_is_an_error_that_names_the_key() -> None:
    with pytest.raises(SessionError, match=r"session\.ports\.app_port: No port from 65535 to 65535 is free"):
        ports.choose_ports({"app_port": 65535}, {65535})


def test_the_ports_of_every_other_registry_are_held(sandbox: Path) -> None:
    first = repository(sandbox / "a", x={"app_port": 8001, "ports": ["app_port"]})
    second = repository(sandbox / "b", y={"app_port": 8002, "other_port": 5000})
    third = repository(sandbox / "c", z={"app_port": 8003})
    for member in (first, second, third):
        join(member)

    assert ports.ports_held_elsewhere(third) == {8001, 8002, 5000}
    assert ports.ports_held_elsewhere(first) == {8002, 5000, 8003}


def test_another_state_directory_is_another_machine(sandbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    join(repository(sandbox / "a", x={"app_port": 8001}))
    second = repository(sandbox / "b")
    assert ports.ports_held_elsewhere(second) == {8001}

    monkeypatch.setenv("XDG_STATE_HOME", str(sandbox / "elsewhere"))

    assert ports.ports_held_elsewhere(second) == set()
    monkeypatch.setenv("XDG_STATE_HOME", "relative")  # would be another one in every directory
    assert state_directory.state_directory() == sandbox / "home" / ".local" / "state" / "tally-sessions"


@pytest.mark.parametrize(("mode", "refused"), [(0o757, True), (0o775, True), (0o1777, False), (0o755, False)])
def test_a_state_directory_that_others_may_replace_is_not_believed(sandbox: Path, mode: int, refused: bool) -> None:
    """Whoever may rename a directory above it may put one of his own in its place."""
    parent = sandbox / "state"
    parent.mkdir(exist_ok=True)
    if mode & 0o20 and os.geteuid() == 0:
        os.chown(parent, -1, 65534)  # a group that is not the user's own
    elif mode == 0o775:
        pytest.skip("only root can give a directory to another group")
    parent.chmod(mode)

    if refused:
        with pytest.raises(SessionError, match=rf"^Other users may write to {parent}, .*\nRun: chmod go-w {parent}$"):
            state_directory.state_directory()
    else:
        assert state_directory.state_directory() == parent / "tally-sessions"


def test_a_group_of_ones_own_may_write_above_the_state_directory(sandbox: Path) -> None:
    """Which is how a home directory is made where the umask is 002."""
    group, user = grp.getgrgid(os.getegid()), pwd.getpwuid(os.geteuid())
    if group.gr_name != user.pw_name or {*group.gr_mem} - {user.pw_name}:
        pytest.skip("the user has no group of his own")
    (sandbox / "state").mkdir(exist_ok=True)
    (sandbox / "state").chmod(0o775)

    assert state_directory.state_directory() == sandbox / "state" / "tally-sessions"


def test_a_question_alone_writes_nothing(sandbox: Path) -> None:
    ports.ports_held_elsewhere(repository(sandbox / "a"))

    assert not (sandbox / "state").exists()


def test_a_registry_joins_once_and_one_that_is_not_mounted_stays(sandbox: Path) -> None:
    away, kept = repository(sandbox / "away"), repository(sandbox / "kept")
    join(away)
    away.main.rename(sandbox / "unmounted")

    join(kept)
    join(kept)
    assert ports.ports_held_elsewhere(kept) == set()

    (sandbox / "unmounted").rename(away.main)
    registry.registry_path(away).write_text('{"x": {"worktree": "/x", "branch": "x", "app_port": 8000}}')
    assert ports.ports_held_elsewhere(kept) == {8000}
    listed = json.loads((sandbox / "state" / "tally-sessions" / "registries.json").read_text())
    assert listed == [str(registry.registry_path(away)), str(registry.registry_path(kept))]


def test_a_damaged_registry_of_another_repository_is_told_and_no_obstacle(
    sandbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = repository(sandbox / "a")
    join(other)
    registry.registry_path(other).write_text("{")

    assert ports.ports_held_elsewhere(repository(sandbox / "b")) == set()
    assert f"The ports of another registry are unknown: {registry.registry_path(other)}:1:2" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{", "{}", "[1]", ""])
def test_a_damaged_list_of_registries_is_an_error_that_names_it(sandbox: Path, text: str) -> None:
    file = sandbox / "state" / "tally-sessions" / "registries.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)

    with pytest.raises(SessionError, match=f"^{file}: .*expected .*\nDelete the file"):
        ports.ports_held_elsewhere(repository(sandbox / "a"))


def test_the_ports_of_a_row_are_those_it_lists() -> None:
    row = {"app_port": 8001, "worktree": "/w", "branch": "b", "ports": ["app_port"], "count": 7}

    assert ports.ports_in_row(row) == {"app_port": 8001}


def test_the_ports_of_another_tools_row_are_its_whole_numbers() -> None:
    row = {"backend_port": 8001, "frontend_port": 5001, "worktree": "/w", "branch": "b", "on": True, "rate": 0.5}

    assert ports.ports_in_row(row) == {"backend_port": 8001, "frontend_port": 5001}


def test_a_number_that_cannot_be_a_port_is_none() -> None:
    assert ports.ports_in_row({"worktree": "/w", "branch": "b", "size": 123456, "offset": -1}) == {}


def test_a_list_of_ports_of_a_wrong_shape_is_no_crash() -> None:
    assert ports.ports_in_row({"ports": [["app_port"]], "app_port": 1}) == {}


def test_repositories_that_claim_at_the_same_time_never_share_a_port(sandbox: Path) -> None:
    members = [repository(sandbox / f"r{number}") for number in range(4)]
    argv = [sys.executable, "-c", _CLAIM]
    first = str(quiet())
    processes = [subprocess.Popen([*argv, str(each.main), first], cwd=CHECKOUT) for each in members]

    codes = [process.wait(60) for process in processes]

    assert codes == [0] * 4
    chosen = [row["app_port"] for member in members for row in registry.read_registry(member).values()]
    assert len(set(chosen)) == len(chosen) == 20


def test_only_ports_with_a_server_answer() -> None:
    with listening("127.0.0.1") as four, listening("::1") as six:
        assert ports.answering_ports({four, six, 1}) == {four, six}
