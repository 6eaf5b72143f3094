"""Waiting until the servers in the windows of sessions answer on their ports."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from .. import narration, ports, terminal
from ..errors import SessionError
from ..machine import listeners, panes, scrollback
from ..model import Session

_AGAIN = 0.2  # seconds between two looks
_BEGUN = 1.0  # seconds after which a program without a port is up: one that fails does so at once
_ENDED = 3.0  # seconds at the prompt after which a server has ended, rather than not begun
_LINES = 10  # of what a window printed


@dataclass
class _Server:
    """The server of a window, the ports on which it is to answer, and how it stood at the last look."""

    session: Session
    window: str
    ports: frozenset[int]
    state: str = ""  # running, idle or gone
    since: float = 0.0
    stranger: str = ""  # who answers in its place

    def note(self, state: str) -> float:
        """Remember its *state* and return for how many seconds it is in that."""
        now = time.monotonic()
        if state != self.state:
            self.state, self.since = state, now
        return now - self.since


def servers(sessions: Sequence[Session], seconds: float) -> list[str]:
    """Wait at most *seconds* for all servers of *sessions*, telling of each; return why some did not come up.

    ^C ends only the waiting.
    """
    started, failed = time.monotonic(), list[str]()
    if not sessions:
        return []
    opened = {pane.worktree for pane in panes.observe()}  # of another it was told why it does not run
    waiting = [server for session in sessions if str(session.worktree) in opened for server in _of(session)]
    try:
        with narration.busy("servers", "") as line:
            while waiting:
                line.detail = f"waiting for {', '.join(each.window for each in waiting)}"
                settled = _settled(waiting, started, seconds)
                for each, _good, _how in settled:
                    waiting.remove(each)
                for each, good, how in settled:
                    if good or waiting:  # else the reason is told at once
                        said = f"{each.window} of {each.session.name} {how}  {time.monotonic() - started:.2f} s"
                        narration.told("servers", said, terminal.GREEN if good else terminal.RED)
                    if not good:
                        failed.append(_why(each, how))
    except KeyboardInterrupt:
        names = ", ".join(f"{each.window} of {each.session.name}" for each in waiting)
        failed.append(f"no longer waiting for {names}; to see how they stand: inv session.list")
    return failed


def _of(session: Session) -> list[_Server]:
    """Return the servers of *session*; a single one that names no port is taken to have those that nobody names."""
    named = {port for port in session.ports.values() for window in session.windows if str(port) in window.run.split()}
    found = [window for window in session.present_windows if window.run]
    by_window = {window.name: named & {int(word) for word in window.run.split() if word.isdigit()} for window in found}
    silent = [name for name, own in by_window.items() if not own]
    if len(silent) == 1 and session.compose is None and len(found) == sum(bool(each.run) for each in session.windows):
        by_window[silent[0]] = set(session.ports.values()) - named
    return [_Server(session, name, frozenset(own)) for name, own in by_window.items()]


def _settled(waiting: Sequence[_Server], started: float, seconds: float) -> list[tuple[_Server, bool, str]]:
    """Return those of *waiting* that came up, or will not, as soon as there is one; all of them after *seconds*."""
    while True:
        heard = listeners.on(ports.answering({port for each in waiting for port in each.ports}))
        there = {(pane.worktree, pane.window): pane for pane in panes.observe()}
        looks = [(each, *_look(each, heard, there.get((str(each.session.worktree), each.window)))) for each in waiting]
        if found := [look for look in looks if look[2]]:
            return found
        if time.monotonic() - started > seconds:
            return [(each, False, f"{_late(each)} after {seconds:g} s") for each in waiting]
        time.sleep(_AGAIN)


def _look(each: _Server, heard: dict[int, list[listeners.Listener]], pane: panes.Pane | None) -> tuple[bool, str]:
    """Return whether it is good and how; nothing while that is open."""
    from .. import status  # more than whoever does not wait needs

    foreign = status.foreigners(each.session, heard)
    lasting = each.note("gone" if pane is None else "idle" if pane.at_prompt else "running")
    each.stranger = "; ".join(f"on {port} answers {who}" for port, who in foreign.items() if port in each.ports)
    if each.ports and each.ports <= set(heard) - set(foreign):
        return True, f"answers on {', '.join(map(str, sorted(each.ports)))}"
    if each.state == "gone":
        return False, "has no window any more"
    if each.state == "idle" and lasting > _ENDED:
        return False, "ended"
    return (True, "runs") if each.state == "running" and not each.ports and lasting > _BEGUN else (False, "")


def _late(each: _Server) -> str:
    return f"does not answer on {', '.join(map(str, sorted(each.ports)))}" if each.ports else "does not run"


def _why(each: _Server, how: str) -> str:
    """Return that, with the last lines of its window and where there are more."""
    try:
        lines = scrollback.of(scrollback.panes_of(each.session, each.window), _LINES)[0].lines
    except SessionError:
        lines = []
    said = "".join(f"\n    {line}" for line in lines)
    told = f"{each.window} of {each.session.name} {how}{f' ({each.stranger})' if each.stranger else ''}"
    if each.state == "gone":
        return f"{told}; to open it again: inv session.start {each.session.name}"
    if not lines:
        return told
    return f"{told}; it printed last:{said}\nfor more: inv session.logs {each.session.name} --window {each.window}"
