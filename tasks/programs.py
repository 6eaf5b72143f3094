"""The resource of what runs in the windows: servers, the conversation, shells with the environment active."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from .conversations import conversation
from .errors import SessionError
from .machine import clearing, panes, scrollback
from .model import Problem, Session
from .narration import notice
from .parts import Window

_PROMPT = 20.0  # seconds that a login shell may take for its first prompt
_BEGIN = 0.1  # seconds in which a shell begins with a server
_QUICK = 0.03  # the same for what may be over before it is seen
_LINES = 20  # of a window, to find the last one that says something
_FINISH = 15.0  # seconds that activating the environment may take


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    lines = [window.run for window in session.present_windows if window.run]
    return f"run {'; '.join(lines)}" if lines else ""


def create(session: Session) -> None:
    """Type each window's command once its shell shows a prompt; what runs is left alone.

    A server or conversation that ended is started again in the window that it left at a prompt.
    """
    there = {pane.window: pane for pane in panes.of(session)}
    chosen = [(window, there[window.name]) for window in session.present_windows if window.name in there]
    due = [(window, pane) for window, pane in chosen if not pane.typed or (_lasting(window) and pane.at_prompt)]
    late = panes.wait_for_prompts([pane for _window, pane in due], _PROMPT)
    for pane in late:
        again = f"inv session.resume {session.name}"
        notice(f"window {pane.window}: no prompt after {_PROMPT:.0f} s, so nothing was typed; then: {again}")
    due = [(window, pane) for window, pane in due if pane not in late]
    if session.state != "adding":  # an editor reads single keys as well
        shells = {pane.id for pane in panes.observe(session) if pane.at_prompt}
        due = [(window, pane) for window, pane in due if pane.id in shells]
    used = [pane for _window, pane in due if pane.typed]
    if used:  # half a line, or an open quote, that somebody left there must not become part of ours
        clearing.clear(used)
        panes.wait_for_prompts(used, _QUICK)
    if due:
        panes.step([keys for window, pane in due for keys in _typing(session, window, pane)])
        if session.activate:
            _type_ahead([(window, pane) for window, pane in due if window.type])
        panes.wait_for_work([pane for window, pane in due if _lasting(window)], _BEGIN)


def remove(session: Session) -> None:
    """Nothing: a shell whose program ended would begin with the next one, so all end together with their windows."""


def problems(session: Session) -> list[Problem]:
    """Return the windows whose server or conversation ended."""
    there = {pane.window: pane for pane in panes.observe(session)}
    ended = [w for w in session.present_windows if w.run and w.name in there and there[w.name].at_prompt]
    return [_ended(session, window, there[window.name]) for window in ended]


def _ended(session: Session, window: Window, pane: panes.Pane) -> Problem:
    """One that cannot run ends again however often it is started; what it printed says why."""
    try:
        (printed,) = scrollback.of([pane], _LINES)
    except SessionError:
        printed = scrollback.Printed(pane.window, [], growing=False)
    lines = [line for line in (printed.lines[:-1] if printed.growing else printed.lines) if line.strip()]
    why = f"its server ended{f'; it printed last: {lines[-1].strip()}' if lines else ''}"
    mend = f"inv session.logs {session.name} --window {pane.window}; then inv session.resume {session.name}"
    if lines and _not_found(window.run.partition(" ")[0], lines[-1]):
        mend = (
            "a new shell does not find it: activate its environment in the shell's startup file, then:"
            f" inv session.resume {session.name}; or set `activate` in invoke.yaml, for sessions that are added then"
        )
    return Problem(f"nothing runs in window {pane.window}", why, mend)


def _not_found(program: str, printed: str) -> bool:
    """Return whether a shell said in *printed* that it knows no *program*; each has its own words."""
    said = printed.strip()
    told = (f"{program}: command not found", f"{program}: not found", f"command not found: {program}")
    return said.endswith(told) or f"Unknown command: {program}" in said


def _lasting(window: Window) -> bool:
    return bool(window.run or window.claude)


def line(session: Session, window: Window) -> str:
    """Return what is typed and executed in *window*; empty when it is a plain shell in the right place already.

    `workon` may change the directory, and so may a login shell.
    """
    directory = shlex.quote(str(session.worktree / window.directory).rstrip("/"))
    command = window.run or (conversation.command(session) if window.claude else "")
    if not (session.activate or command):
        return ""
    return " && ".join(part for part in (session.activate, f"cd {directory}", command) if part)


def _typing(session: Session, window: Window, pane: panes.Pane) -> list[Sequence[str]]:
    text = line(session, window)
    typed = [("send-keys", "-t", pane.id, "-l", "--", text), ("send-keys", "-t", pane.id, "Enter")] if text else []
    ahead = [_literal(window, pane)] if window.type and not session.activate else []
    return [panes.listening(pane), *typed, *ahead, ("set-option", "-p", "-t", pane.id, "@tally_typed", "1")]


def _literal(window: Window, pane: panes.Pane) -> Sequence[str]:
    return ("send-keys", "-t", pane.id, "-l", "--", window.type)


def _type_ahead(due: list[tuple[Window, panes.Pane]]) -> None:
    """Type what is not to be executed, after the prompt that follows the activation."""
    if due:
        panes.wait_for_work([pane for _window, pane in due], _QUICK)
        panes.wait_for_prompts([pane for _window, pane in due], _FINISH)
        panes.step([_literal(window, pane) for window, pane in due])
