"""The processes of a session, and how they end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..model import Session
from .progress import notice

if TYPE_CHECKING:
    import psutil


_ROUNDS = 3  # a process that ends may have begun another
_GRACE = 5.0  # seconds between asking a process to end and ending it


def end_processes(session: Session) -> None:
    """End every process of *session* but ourselves, and wait until they have ended.

    Orphaned children hold a port, too: they are found by the mark in the environment that they inherited.
    """
    if _has_none(session):
        return
    for _round in range(_ROUNDS):
        running = list(session_processes(session))
        if not running:
            return
        end_all(running)
    for process in session_processes(session):
        notice(f"Process {process.pid} of {session.name} doesn't stop. See: ps -fp {process.pid}")


def _has_none(session: Session) -> bool:
    """Return whether it is certain that no process is one of *session*; Linux tells without psutil, which loads slowly.

    One with another session's mark may be: see `session_of`.
    """
    if sys.platform != "linux" or not session.created:
        return False
    own = {b"TALLY_SESSION=" + os.fsencode(place) for place in (session.worktree, os.path.realpath(session.worktree))}
    configs = set[Path]()
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        environment = _read_environment(pid).split(b"\0")
        if not own.isdisjoint(environment):
            return False
        if any(each.startswith(b"TALLY_SESSION=") for each in environment):
            values = dict(os.fsdecode(each).partition("=")[::2] for each in environment)
            configs.add(_claude_directory(values))
    try:
        return not any(b'"bg"' in file.read_bytes() for config in configs for file in config.glob("sessions/*.json"))
    except OSError:
        return False


def _read_environment(pid: str | int) -> bytes:
    """Return the environment of a process of Linux; empty where it has ended, or is another user's."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read()
    except OSError:
        return b""


def end_all(running: list[psutil.Process]) -> None:
    """Ask *running* to end, end those that don't after a few seconds, and wait until they have."""
    for process in running:
        _signal(process, "terminate")
    alive = _wait_for_end(running)
    for process in alive:
        _signal(process, "kill")
    _wait_for_end(alive)


def _wait_for_end(running: list[psutil.Process]) -> list[psutil.Process]:
    """Wait until *running* have ended, and return those that don't; a zombie has ended."""
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


def end_unfinished_checkout(place: Path) -> None:
    """End a `git worktree add` for *place* that outlived the command that began it, and wait until it has ended.

    Git deletes the directory when it fails, whoever made it in the meantime.
    """
    import psutil

    writers = list[psutil.Process]()
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.name() == "git" and process.uids().real == os.getuid() and _checks_out(process, place):
                writers += [*process.children(recursive=True), process]
    end_all(writers)


def _checks_out(process: psutil.Process, place: Path) -> bool:
    """Return whether *process* is that git, or the one that it has write the files, whose parent was killed."""
    words = process.cmdline()
    at = words.index("worktree") if "worktree" in words else len(words)
    if words[at + 1 : at + 2] == ["add"]:
        return str(place) in words[at:]
    return "reset" in words and process.environ().get("GIT_WORK_TREE") == str(place)


def is_git_at_work(place: Path, task: str) -> bool:
    """Return whether a git runs the *task*, as "rebase", in the directory *place*."""
    import psutil

    there = os.path.realpath(place)
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name().startswith("git") and task in process.cmdline() and process.cwd() == there:
                return True
    return False


def own_processes() -> set[int]:
    """Return the ids of this process and of those that it runs in."""
    import psutil

    return {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}


def session_processes(session: Session) -> Iterator[psutil.Process]:
    """Yield the processes of *session* but ourselves and those that we run in."""
    import psutil

    spared = own_processes()
    servers, others = set(), []
    for process in marked_processes() if session.created else psutil.process_iter():
        try:
            if process.pid in spared or process.uids().real != os.getuid() or not _belongs(process, session):
                continue
            if process.name().startswith("tmux"):
                servers.add(process.pid)
            elif _runs(process):
                others.append((process, process.environ().get("TMUX", "").split(",")))
        except (psutil.Error, OSError):
            continue
    # A tmux server that was started within a session has its mark, and so has whatever else runs in that server.
    yield from (process for process, tmux in others if not (len(tmux) > 1 and tmux[1] in map(str, servers)))


def marked_processes() -> Iterator[psutil.Process]:
    """Yield the processes that may have a session's mark; Linux tells in a tenth of psutil's time which have not."""
    import psutil

    for pid in psutil.pids():
        if sys.platform != "linux" or b"TALLY_SESSION=" in _read_environment(pid):
            with suppress(psutil.Error):  # it has just ended
                yield psutil.Process(pid)


def session_memory(session: Session) -> int:
    """Return the bytes of memory that the processes of *session* take; what several share counts once, in parts."""
    import psutil

    total = 0
    for process in session_processes(session):
        try:
            info = process.memory_full_info()
            total += int(getattr(info, "pss", 0) or info.uss)
        except (psutil.Error, OSError):
            continue
    return total


_SHARED = frozenset(("--bg-pty-host", "--bg-spare"))


def session_of(process: psutil.Process) -> str | None:
    """Return the worktree of the session that *process* belongs to, by the mark in its environment; None without one.

    Claude Code moves conversations to processes that all of them share, with the mark of whichever session began
    that. What such a conversation runs belongs to where it works; the shared processes themselves, to nobody.
    """
    environment = process.environ()
    mark = environment.get("TALLY_SESSION")
    if mark is None:
        return None
    config = _claude_directory(environment)
    place = ""
    for each in (process, *process.parents()):
        place = place or _conversation_place(config, each.pid)  # also one that was begun in advance
        if _is_shared(each):
            return place
    return mark


def _claude_directory(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("CLAUDE_CONFIG_DIR") or os.path.join(environment.get("HOME", ""), ".claude"))


def _is_shared(process: psutil.Process) -> bool:
    words = process.cmdline()
    is_claude = bool(words) and "claude" in os.path.basename(words[0])
    return is_claude and (words[1:2] == ["daemon"] or not _SHARED.isdisjoint(words[:3]))


def _conversation_place(config: Path, pid: int) -> str:
    """Return the worktree of the conversation in the process *pid*, from Claude Code's own file about it."""
    import json

    try:
        record = json.loads((config / "sessions" / f"{pid}.json").read_bytes())
        place = Path(record["cwd"])
        if record["kind"] != "bg" or record.get("spare") is True:
            return ""
        return str(next((each for each in (place, *place.parents) if (each / ".git").exists()), place))
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def _belongs(process: psutil.Process, session: Session) -> bool:
    owner = session_of(process)
    if owner is not None or session.created:
        return owner in (str(session.worktree), os.path.realpath(session.worktree))
    # A tool without marks made this session: a process in its directory that uses one of its ports belongs to it.
    if not Path(process.cwd()).is_relative_to(session.worktree):
        return False
    return any(c.laddr.port in session.ports.values() for c in process.net_connections("tcp") if c.status == "LISTEN")
