"""Ports: a resource of the machine, shared by every repository on it."""

import errno
import json
import os
import socket
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import SessionError
from ..model import Repository
from ..system import files, locks, progress, shape, terminal
from . import registry
from .state_directory import state_directory

_LAST = 65535
# Browsers refuse to open these (WHATWG Fetch, "bad port"), those above 1023 that a count upwards can meet.
_BLOCKED = frozenset(
    (1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697, 10080)
)

_ADDRESSES = ("127.0.0.1", "0.0.0.0", "::1", "::")  # noqa: S104 (each: macOS gives us the first where AirPlay has all)


@contextmanager
def claiming_ports(repository: Repository) -> Iterator[set[int]]:
    """Yield the ports that other repositories' sessions hold, under the machine's lock."""
    with locks.file_lock(state_directory() / "ports.lock"):
        yield ports_held_elsewhere(repository)


def join_machine(repository: Repository) -> None:
    """Put the registry of *repository* on this machine's list, under the lock of `claiming_ports`."""
    registries, own = list_registries(), str(registry.registry_path(repository))
    if own not in registries:
        # A registry that doesn't exist stays on the list: its disk may be mounted again.
        _write_registries([*registries, own])


def ports_held_elsewhere(repository: Repository) -> set[int]:
    """Return the ports in every other registry of this machine, and those that sessions on other machines have.

    Who called us knows these of now; without a call they are those that the hosts had when they were asked last.
    """
    there: Collection[int] = ()
    if terminal.CALLED in os.environ:
        from ..system import caller

        there = caller.find_caller().ports
    elif (repository.private / "fleet.json").exists():
        from . import host_cache

        there = host_cache.read_ports(repository)
    return {port for row in rows_elsewhere(repository) for port in ports_in_row(row).values()} | {*there}


def rows_elsewhere(repository: Repository) -> list[registry.Row]:
    """Return the rows of every other registry of this machine; print a note about one that can't be read."""
    own = str(registry.registry_path(repository))
    return [row for other in list_registries() if other != own for row in _rows_in(Path(other))]


def leave_machine(repository: Repository) -> None:
    """Take a repository without sessions off this machine's list; delete the list with its last entry."""
    with locks.file_lock(state_directory() / "ports.lock"):
        registries = list_registries()
        if registry.read_registry(repository):
            return
        for cache in (repository.requests_file, repository.looks_file):
            with suppress(OSError):  # a directory in its place must not keep it on the list
                cache.unlink()
        if str(registry.registry_path(repository)) not in registries:
            return
        _write_registries([other for other in registries if other != str(registry.registry_path(repository))])


def _write_registries(registries: list[str]) -> None:
    if registries:
        files.write_whole(_file(), json.dumps(registries, indent=2) + "\n", mode=0o600)
    else:
        _file().unlink(missing_ok=True)


def _file() -> Path:
    return state_directory() / "registries.json"


def list_registries() -> list[str]:
    """Return the path of every registry that has joined this machine's list."""
    file = _file()
    try:
        return list(shape.read_json(file, shape.TEXTS))
    except FileNotFoundError:
        return []
    except shape.ShapeError as error:
        raise SessionError(
            f"{error}.\nDelete the file. Each registry joins the list again with its next add."
        ) from None


def _rows_in(file: Path) -> list[registry.Row]:
    try:
        return list(registry.parse_registry(file).values())
    except (SessionError, OSError) as error:
        progress.notice(f"The ports of another registry are unknown: {error}")
        return []


def ports_in_row(row: Mapping[str, object]) -> dict[str, int]:
    """Return the ports of a registry row by key: those it lists, else (in other tools' rows) all whole numbers."""
    listed = row.get("ports")
    keys = [key for key in listed if isinstance(key, str)] if isinstance(listed, list) else list(row)
    numbers = {key: row.get(key) for key in keys}
    return {k: n for k, n in numbers.items() if isinstance(n, int) and not isinstance(n, bool) and 0 < n <= _LAST}


def choose_ports(first: Mapping[str, int], held: set[int]) -> dict[str, int]:
    """Return for each key the first free port, counting up from its number in *first*.

    Raises `SessionError` when none is left.
    """
    chosen: dict[str, int] = {}
    for key, start in first.items():
        unavailable = held | set(chosen.values()) | _BLOCKED
        port = next((p for p in range(start, _LAST + 1) if p not in unavailable and is_port_free(p)), None)
        if port is None:
            raise SessionError(f"session.ports.{key}: No port from {start} to {_LAST} is free.\nConfigure a lower one.")
        chosen[key] = port
    return chosen


def is_port_free(port: int) -> bool:
    """Return whether *port* can be listened on now, on the loopback addresses and on all."""
    return all(_can_listen(address, port) for address in _ADDRESSES)


def _can_listen(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection in TIME_WAIT holds no server up
            if family == socket.AF_INET6:
                trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            trial.bind((address, port))
            trial.listen(1)
    except OSError as error:
        return error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EPERM)  # a machine without IPv6 has no ::1
    return True


def answering_ports(ports: set[int]) -> set[int]:
    """Return those of *ports* that accept a connection on this machine now."""
    return {port for port in ports if _answers(port)}


def _answers(port: int) -> bool:
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as trial:  # no names are looked up, for 200 ports of `list`
                trial.settimeout(0.3)
                trial.connect((address, port))
                return True
        except OSError:
            continue
    return False
