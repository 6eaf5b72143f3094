"""The processes of a session: those that carry its mark in their environment."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..model import Session
from ..narration import notice

if TYPE_CHECKING:
    import psutil

_ROUNDS = 3  # a process that ends may have begun another
_GRACE = 5.0  # seconds between asking a process to end and ending it


def end(session: Session) -> None:
    """End every process of *session* but ourselves, and wait until they are gone.

    Children that were left behind hold the port: they are found by the mark that they inherited.
    """
    for _round in range(_ROUNDS):
        running = list(_marked(session))
        if not running:
            return
        _end(running)
    for process in _marked(session):
        notice(f"process {process.pid} of {session.name} does not end; see: ps -fp {process.pid}")


def _end(running: list[psutil.Process]) -> None:
    for process in running:
        _signal(process, "terminate")
    alive = _outlasting(running)
    for process in alive:
        _signal(process, "kill")
    _outlasting(alive)


def _outlasting(running: list[psutil.Process]) -> list[psutil.Process]:
    """Wait until *running* have ended, and return those that do not; one whose parent does not care has ended too."""
    deadline = time.monotonic() + _GRACE
    while running and time.monotonic() < deadline:
        running = [process for process in running if _runs(process)]
        time.sleep(0.01 if running else 0)
    return running


def _runs(process: psutil.Process) -> bool:
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _signal(process: psutil.Process, how: str) -> None:
    import psutil

    try:
        getattr(process, how)()  # psutil compares the start time first: a recycled pid is never signalled
    except psutil.Error:
        pass


def _marked(session: Session) -> Iterator[psutil.Process]:
    import psutil

    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        if process.pid in spared:
            continue
        try:
            if process.uids().real == os.getuid() and _runs(process) and _belongs(process, session):
                yield process
        except (psutil.Error, OSError):
            continue


def _belongs(process: psutil.Process, session: Session) -> bool:
    mark = process.environ().get("TALLY_SESSION")
    if mark is not None or session.created:
        return mark == str(session.worktree)
    # A tool that knew no mark made this session: what runs on one of its ports in its directory is its own.
    if not Path(process.cwd()).is_relative_to(session.worktree):
        return False
    return any(c.laddr.port in session.ports.values() for c in process.net_connections("tcp") if c.status == "LISTEN")
