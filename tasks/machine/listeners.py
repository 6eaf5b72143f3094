"""Who listens on a port: the session's own process, another session's, or a stranger."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..model import Session

if TYPE_CHECKING:
    import psutil

_AIRPLAY = "macOS has AirPlay Receiver there, unless System Settings, AirDrop & Handoff turn it off"


@dataclass(frozen=True)
class Listener:
    """A process that listens on *port*; what the system does not tell us of it is empty or None."""

    port: int
    pid: int | None
    command: str
    directory: str
    mark: str  # the worktree of the session that it was started in

    def belongs_to(self, session: Session) -> bool:
        """Return whether it is one of the session's processes, or works in its worktree."""
        if self.mark:
            return self.mark == str(session.worktree)
        return bool(self.directory) and Path(self.directory).is_relative_to(session.worktree)

    def __str__(self) -> str:
        if self.pid is None:
            return "another user's process"
        session = f" of the session in {self.mark}" if self.mark else ""
        return f"process {self.pid} ({self.command}){session}"


def on(ports: set[int]) -> dict[int, list[Listener]]:
    """Return the listeners on each of *ports*; without rights to see a process, one without a pid."""
    found: dict[int, list[Listener]] = {port: [] for port in ports}
    for port, pid in _listening() if ports else ():
        if port in found:
            found[port].append(_listener(port, pid))
    return found


def who(port: int) -> str:
    """Return who listens on *port*, as far as the system tells us."""
    found = " and ".join(dict.fromkeys(str(each) for each in on({port})[port])) or "a process that cannot be seen"
    return f"{found} ({_AIRPLAY})" if sys.platform == "darwin" and port in (5000, 7000) else found


def _listening() -> Iterator[tuple[int, int | None]]:
    import psutil

    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS tells only root of everybody's; our own processes can be asked one by one
        connections = None
    if connections is not None:
        yield from ((c.laddr.port, c.pid) for c in connections if c.laddr and c.status == psutil.CONN_LISTEN)
        return
    for process in psutil.process_iter():
        try:
            mine = process.net_connections("tcp")
            yield from ((c.laddr.port, process.pid) for c in mine if c.laddr and c.status == psutil.CONN_LISTEN)
        except psutil.Error:
            continue


def _listener(port: int, pid: int | None) -> Listener:
    import psutil

    if pid is None:
        return Listener(port, None, "", "", "")
    try:
        process = psutil.Process(pid)
        return Listener(port, pid, process.name(), _directory(process), _mark(process))
    except psutil.Error:
        return Listener(port, pid, "", "", "")


def _directory(process: psutil.Process) -> str:
    import psutil

    try:
        return os.path.realpath(process.cwd())
    except (psutil.Error, OSError):
        return ""


def _mark(process: psutil.Process) -> str:
    import psutil

    try:
        return str(process.environ().get("TALLY_SESSION", ""))
    except (psutil.Error, OSError):
        return ""
