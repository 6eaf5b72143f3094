"""Waiting until the servers in the windows of sessions respond on their ports."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import SessionError
from ..model import Session, named_ports
from ..store import ports
from ..system import listening, progress, terminal
from ..tools import tmux, tmux_output
from .health import Page

_INTERVAL = 0.2  # seconds between two looks
_PAGES = 30.0  # seconds for all that the pages of a session import
_UP = 1.0  # seconds after which a program without a port is up: one that fails does so at once
_ENDED = 3.0  # seconds at the prompt after which a server has ended, rather than not started
_LINES = 10  # of what a window printed


@dataclass
class _Server:
    """The server of a window, the ports on which it is to respond, and its state at the last look."""

    session: Session
    window: str
    ports: frozenset[int]
    health: str = ""  # the page that has to answer
    state: str = ""  # running, idle or gone
    since: float = 0.0
    stranger: str = ""  # who responds in its place
    page: Page | None = None  # that is being asked

    @property
    def refused(self) -> str:
        """What its page answered instead of a success; empty for a success, and before it was asked."""
        return self.page.fault if self.page else ""

    def note(self, state: str) -> float:
        """Remember its *state* and return for how many seconds it has been in that."""
        now = time.monotonic()
        if state != self.state:
            self.state, self.since = state, now
        return now - self.since


def wait_for_servers(sessions: Sequence[Session], seconds: float) -> list[str]:
    """Wait at most *seconds* for all servers of *sessions*, printing each; return why some did not come up.

    ^C ends only the waiting.
    """
    started, failed = time.monotonic(), list[str]()
    if not sessions:
        return []
    running = {pane.worktree for pane in tmux.list_panes()}  # of the others an error said why they do not run
    waiting = [server for session in sessions if str(session.worktree) in running for server in _servers(session)]
    try:
        with progress.show_busy("servers", "") as line:
            while waiting:
                line.detail = f"waiting for {', '.join(each.window for each in waiting)}"
                failed += _settle(waiting, started, seconds)
            line.detail = "looking at what the pages import"
            for session in sessions if not failed else ():
                _look_at_pages(session)
    except KeyboardInterrupt:
        names = ", ".join(f"{each.window} of {each.session.name}" for each in waiting)
        failed.append(f"Stopped waiting for {names}.\nRun: inv session.list")
    return failed


def _settle(waiting: list[_Server], started: float, seconds: float) -> list[str]:
    """Take those out of *waiting* that came up, or will not, and print each; return why some did not come up."""
    settled, failed = _wait_for_some(waiting, started, seconds), list[str]()
    for each, _up, _outcome in settled:
        waiting.remove(each)
    for each, up, outcome in settled:
        if up or waiting:  # else the error with the reason follows at once
            step = f"{each.window} of {each.session.name} {outcome}  {time.monotonic() - started:.2f} s"
            progress.tell("servers", step, terminal.GREEN if up else terminal.RED)
        if not up:
            failed.append(_describe_failure(each, outcome))
    return failed


def _look_at_pages(session: Session) -> None:
    """Print a note if a page of *session* is up, but Vite refuses what it imports."""
    packages = [session.worktree / path for path in session.link if path.rpartition("/")[2] == "node_modules"]
    if any((each / "vite").exists() for each in packages):
        from . import page_imports

        faults = list[str]()
        looking = threading.Thread(target=lambda: faults.extend(page_imports.page_faults(session)), daemon=True)
        looking.start()
        looking.join(_PAGES)  # a page may never end
        for fault in faults:
            progress.notice(f"{session.name}: {fault}")


def _servers(session: Session) -> list[_Server]:
    """Return the servers of *session*; a single one whose command names no port gets those that no command names."""
    named = {port for port in session.ports.values() for window in session.windows if port in named_ports(window.run)}
    later = any(window.is_lazy for window in session.windows) and not session.wakes
    lazy = tmux.waiting_windows(session, tmux.list_panes(session)) if later else []
    windows = [window for window in tmux.present_windows(session) if window.run and window not in lazy]
    by_window = {each.name: named & named_ports(each.run) for each in windows}
    without = [name for name, own in by_window.items() if not own]
    complete = len(windows) == sum(bool(each.run) for each in session.windows)
    if len(without) == 1 and session.compose is None and complete:
        by_window[without[0]] = set(session.ports.values()) - named
    pages = {window.name: window.health for window in windows}
    return [_Server(session, name, frozenset(own), pages[name]) for name, own in by_window.items()]


def _wait_for_some(waiting: Sequence[_Server], started: float, seconds: float) -> list[tuple[_Server, bool, str]]:
    """Return those of *waiting* that came up, or will not, as soon as there is one; all of them after *seconds*."""
    while True:
        listeners = listening.listeners_on(ports.answering_ports({port for each in waiting for port in each.ports}))
        panes = {(pane.worktree, pane.window): pane for pane in tmux.list_panes()}
        looks = [
            (each, *_look(each, listeners, panes.get((str(each.session.worktree), each.window)), seconds))
            for each in waiting
        ]
        if settled := [look for look in looks if look[2]]:
            return settled
        if time.monotonic() - started > seconds:
            return [(each, False, f"{_describe_missing(each)} after {seconds:g} s") for each in waiting]
        time.sleep(_INTERVAL)


def _look(
    each: _Server, listeners: dict[int, list[listening.Listener]], pane: tmux.Pane | None, seconds: float
) -> tuple[bool, str]:
    """Return whether it is up, and what came of it: empty while that is not known."""
    from . import session_status  # not needed where nothing is waited for

    foreign = session_status.find_foreigners(each.session, listeners)
    lasting = each.note("gone" if pane is None else "idle" if pane.at_prompt else "running")
    each.stranger = "; ".join(f"{who} responds on {port}" for port, who in foreign.items() if port in each.ports)
    if each.ports and each.ports <= set(listeners) - set(foreign):
        if each.health and not each.page:
            port = next(port for port in each.session.ports.values() if port in each.ports)
            each.page = Page(port, each.health, seconds)
        if not each.refused:
            return True, f"responds on {', '.join(map(str, sorted(each.ports)))}"
    if each.state == "gone":
        return False, "no longer has a window"
    if each.state == "idle" and lasting > _ENDED:
        return False, "ended"
    if each.state != "running" or each.ports or lasting <= _UP:
        return False, ""
    return True, f"runs; {each.health} was not asked, for its command names no port" if each.health else "runs"


def _describe_missing(each: _Server) -> str:
    if each.refused:
        return f"isn't ready: {each.refused}"
    return f"doesn't respond on {', '.join(map(str, sorted(each.ports)))}" if each.ports else "isn't running"


def _describe_failure(each: _Server, outcome: str) -> str:
    """Return what came of it, with the last lines of its window and where there are more."""
    try:
        lines = tmux_output.printed_lines(tmux_output.panes_of_window(each.session, each.window), _LINES)[0].lines
    except SessionError:
        lines = []
    output = "".join(f"\n    {line}" for line in lines)
    name = each.session.name
    fact = f"{each.window} of {name} {outcome}{f' ({each.stranger})' if each.stranger else ''}."
    if each.state == "gone":
        return f"{fact}\nRun: inv session.start {name}"
    if not lines:
        return fact
    return f"{fact} Its last lines:{output}\nRun: inv session.logs {name} --window {each.window}"
