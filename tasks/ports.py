"""Ports: a resource of the machine, shared by every repository on it."""

import errno
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from . import narration, registry
from .errors import SessionError
from .machine import atomic, imports, locks
from .model import Repository

_LAST = 65535
# Browsers refuse to open these (WHATWG Fetch, "bad port"), those above 1023 that a count upwards can meet.
_BLOCKED = frozenset(
    (1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697, 10080)
)

_ADDRESSES = ("127.0.0.1", "0.0.0.0", "::1", "::")  # noqa: S104 (each: macOS gives us the first where AirPlay has all)


def state_directory() -> Path:
    """Return where this machine's sessions are known from: of all repositories, private to the user."""
    return imports.own("XDG_STATE_HOME", "~/.local/state")


@contextmanager
def claiming(repository: Repository) -> Iterator[set[int]]:
    """Yield the ports that other repositories' sessions hold, under the machine's lock."""
    with locks.held(state_directory() / "ports.lock"):
        yield held_elsewhere(repository)


def join(repository: Repository) -> None:
    """Put the registry of *repository* on this machine's list, under the lock of `claiming`."""
    known, own = _registries(), str(registry.path(repository))
    if own not in known:
        _list([*known, own])  # also those that are not there: their disk may be mounted again, with their sessions


def held_elsewhere(repository: Repository) -> set[int]:
    """Return the ports in every other registry of this machine."""
    return {port for row in rows_elsewhere(repository) for port in in_row(row).values()}


def rows_elsewhere(repository: Repository) -> list[registry.Row]:
    """Return the rows of every other registry of this machine; one that cannot be read is told of."""
    own = str(registry.path(repository))
    return [row for other in _registries() if other != own for row in _rows_in(Path(other))]


def leave(repository: Repository) -> None:
    """Take a repository without sessions off this machine's list, which goes with its last entry."""
    with locks.held(state_directory() / "ports.lock"):
        known = _registries()
        if registry.rows(repository) or str(registry.path(repository)) not in known:
            return
        _list([other for other in known if other != str(registry.path(repository))])


def _list(known: list[str]) -> None:
    if known:
        atomic.write(_file(), json.dumps(known, indent=2) + "\n", mode=0o600)
    else:
        _file().unlink(missing_ok=True)


def _file() -> Path:
    return state_directory() / "registries.json"


def _registries() -> list[str]:
    file = _file()
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise SessionError(f"{file}: not a list of registries; delete it: each registry joins again with its next add")
    return found


def _rows_in(file: Path) -> list[registry.Row]:
    try:
        return list(registry.parse(file).values())
    except (SessionError, OSError) as error:
        narration.notice(f"ports of another registry are unknown: {error}")
        return []


def in_row(row: Mapping[str, object]) -> dict[str, int]:
    """Return the ports of a registry row by key: those it lists, else (in other tools' rows) all whole numbers."""
    listed = row.get("ports")
    keys = [key for key in listed if isinstance(key, str)] if isinstance(listed, list) else list(row)
    numbers = {key: row.get(key) for key in keys}
    return {k: n for k, n in numbers.items() if isinstance(n, int) and not isinstance(n, bool) and 0 < n <= _LAST}


def choose(first: Mapping[str, int], held: set[int]) -> dict[str, int]:
    """Return for each key the first free port, counting up from its number in *first*.

    Raises `SessionError` when none is left.
    """
    chosen: dict[str, int] = {}
    for key, start in first.items():
        taken = held | set(chosen.values()) | _BLOCKED
        port = next((p for p in range(start, _LAST + 1) if p not in taken and free(p)), None)
        if port is None:
            raise SessionError(f"session.ports.{key}: no port from {start} to {_LAST} is free; configure a lower one")
        chosen[key] = port
    return chosen


def free(port: int) -> bool:
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


def answering(ports: set[int]) -> set[int]:
    """Return those of *ports* that accept a connection on this machine now."""
    return {port for port in ports if _answers(port)}


def _answers(port: int) -> bool:
    for address in ("127.0.0.1", "::1"):
        try:
            with socket.create_connection((address, port), timeout=0.3):
                return True
        except OSError:
            continue
    return False
