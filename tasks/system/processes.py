"""The processes of a session, and who listens on a port."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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
    for _round in range(_ROUNDS):
        running = list(session_processes(session))
        if not running:
            return
        _end(running)
    for process in session_processes(session):
        notice(f"Process {process.pid} of {session.name} doesn't stop. See: ps -fp {process.pid}")


def _end(running: list[psutil.Process]) -> None:
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
    _end(writers)


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


def session_processes(session: Session) -> Iterator[psutil.Process]:
    """Yield the processes of *session* but ourselves and those that we run in."""
    import psutil

    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
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
        try:
            if sys.platform != "linux" or b"TALLY_SESSION=" in Path(f"/proc/{pid}/environ").read_bytes():
                yield psutil.Process(pid)
        except (psutil.Error, OSError):  # it has just ended, or is another user's
            continue


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
    config = environment.get("CLAUDE_CONFIG_DIR") or os.path.join(environment.get("HOME", ""), ".claude")
    place = ""
    for each in (process, *process.parents()):
        place = place or _conversation_place(config, each.pid)  # also one that was begun in advance
        if _is_shared(each):
            return place
    return mark


def _is_shared(process: psutil.Process) -> bool:
    words = process.cmdline()
    is_claude = bool(words) and "claude" in os.path.basename(words[0])
    return is_claude and (words[1:2] == ["daemon"] or not _SHARED.isdisjoint(words[:3]))


def _conversation_place(config: str, pid: int) -> str:
    """Return the worktree of the conversation in the process *pid*, from Claude Code's own file about it."""
    import json

    try:
        record = json.loads(Path(config, "sessions", f"{pid}.json").read_bytes())
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


def end_outlived(session: Session, ports: set[int], open_terminals: set[str]) -> list[Listener]:
    """End what listens on *ports* of *session* and is its own; return the listeners that are not.

    What runs in one of its *open_terminals* has its window still, and what we run in is spared, too.
    """
    import psutil

    strangers, ours = list[Listener](), dict[int, tuple[psutil.Process, Listener]]()
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
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
    _end([process for process, _each in ours.values()])
    return strangers


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

    try:
        return session_of(process) or ""
    except (psutil.Error, OSError):
        return ""
