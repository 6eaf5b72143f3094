"""Who listens on a port."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..model import Session
from .progress import notice

if TYPE_CHECKING:
    import psutil


_AIRPLAY = "on macOS AirPlay Receiver uses it; turn that off in System Settings, AirDrop & Handoff"


class Listener(NamedTuple):
    """A process that listens on *port*; what the system doesn't show us is empty or None."""

    port: int
    pid: int | None
    command: str
    directory: str
    mark: str  # the worktree of the session that started it

    def belongs_to(self, session: Session) -> bool:
        """Return whether it is one of the session's processes, or runs in its worktree."""
        if self.mark:
            return self.mark == str(session.worktree)
        return bool(self.directory) and Path(self.directory).is_relative_to(session.worktree)

    def is_on(self, terminal: str) -> bool:
        """Return whether it runs in *terminal*; True where the system doesn't say."""
        import psutil

        try:
            return self.pid is None or psutil.Process(self.pid).terminal() == terminal
        except psutil.Error:
            return True

    def __str__(self) -> str:
        if self.pid is None:
            return "another user's process"
        session = f" of the session in {self.mark}" if self.mark else ""
        return f"process {self.pid} ({self.command}){session}"


def listeners_on(ports: set[int]) -> dict[int, list[Listener]]:
    """Return the listeners on each of *ports*; one that we may not see has no pid."""
    listeners: dict[int, list[Listener]] = {port: [] for port in ports}
    for port, pid in _listening() if ports else ():
        if port in listeners:
            listeners[port].append(_listener(port, pid))
    return listeners


def who_listens(port: int) -> str:
    """Return who listens on *port*, as far as the system shows us."""
    distinct = dict.fromkeys(str(listener) for listener in listeners_on({port})[port])
    names = " and ".join(distinct) or "a hidden process"
    return f"{names} ({_AIRPLAY})" if sys.platform == "darwin" and port in (5000, 7000) else names


def _listening() -> Iterator[tuple[int, int | None]]:
    import psutil

    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS shows all of them to root only; our own processes can be asked one by one
        connections = None
    if connections is not None:
        yield from ((c.laddr.port, c.pid) for c in connections if c.laddr and c.status == psutil.CONN_LISTEN)
        return
    for process in psutil.process_iter():
        try:
            own = process.net_connections("tcp")
            yield from ((c.laddr.port, process.pid) for c in own if c.laddr and c.status == psutil.CONN_LISTEN)
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

    from . import processes

    try:
        return processes.session_of(process) or ""
    except (psutil.Error, OSError):
        return ""


def end_outlived(session: Session, ports: set[int], open_terminals: set[str]) -> list[Listener]:
    """End what listens on *ports* of *session* and is its own; return the listeners that are not.

    What runs in one of its *open_terminals* has its window still, and what we run in is spared, too.
    """
    import psutil

    from . import processes

    strangers, ours = list[Listener](), dict[int, tuple[psutil.Process, Listener]]()
    spared = processes.own_processes()
    for each in (each for listeners in listeners_on(ports).values() for each in listeners):
        if each.pid is None or not each.belongs_to(session):
            strangers.append(each)
            continue
        with suppress(psutil.Error):
            process = psutil.Process(each.pid)  # from here on no other process can be taken for it
            if process.terminal() not in open_terminals and each.pid not in spared and _listener(*each[:2]) == each:
                ours[each.pid] = process, each
    for _process, each in ours.values():
        notice(
            f"{session.name}: ended process {each.pid} ({each.command}), which had outlived its window on {each.port}."
        )
    processes.end_all([process for process, _each in ours.values()])
    return strangers
