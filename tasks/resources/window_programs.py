"""The resource of the programs in the windows: servers, the conversation, shells with the environment active."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from ..errors import SessionError
from ..model import Problem, Session, Window, named_ports
from ..store import ports
from ..system.patterns import late_pattern
from ..system.progress import notice
from ..tools import tmux

LABEL = "programs"

_PROMPT = 20.0  # seconds that a login shell may take for its first prompt
_LOOK = 2.0  # seconds after which one that shows none is looked at
_BEGIN = 0.1  # seconds in which a shell begins with a server
_QUICK = 0.03  # the same for what may be over before it is seen
_LINES = 20  # of a window, of which the last that isn't empty is shown
_HOOK = "client-session-changed"  # when somebody attaches, or switches to it
_HOOKS = late_pattern(rf"^{_HOOK}\[(\d+)\]", re.MULTILINE)
_OURS = 7700  # our entries of it begin there
_FINISH = 15.0  # seconds that activating the environment may take


def describe(session: Session) -> str:
    """Return in half a line what `create` makes."""
    windows = [window for window in tmux.present_windows(session) if window.run]
    now, later = ([each.run for each in windows if each.is_lazy is lazy] for lazy in (False, True))
    parts = [*([f"run {'; '.join(now)}"] if now else []), *([f"when you attach {'; '.join(later)}"] if later else [])]
    return "; ".join(parts)


def create(session: Session) -> None:
    """Type each window's command once its shell shows a prompt; leave alone what is running.

    A server or conversation that ended is started again if its window shows a prompt.
    """
    panes = {pane.window: pane for pane in tmux.session_panes(session)}
    chosen = [(window, panes[window.name]) for window in tmux.present_windows(session) if window.name in panes]
    due = [(window, pane) for window, pane in chosen if not pane.typed or (_lasting(window) and pane.at_prompt)]
    late = _late(session, [pane for _window, pane in due])
    due = [(window, pane) for window, pane in due if pane not in late]
    if any(window.is_lazy for window, _pane in due):
        due = _start_later(session, due)
    if session.state != "adding":  # an editor reads single keys as well
        shells = {pane.id for pane in tmux.list_panes(session) if pane.at_prompt}
        due = [(window, pane) for window, pane in due if pane.id in shells]
    used = [pane for _window, pane in due if pane.typed]
    if used:  # half a line, or an open quote, that somebody left there must not become part of ours
        from ..tools import tmux_output

        tmux_output.clear_prompts(used)
        tmux.wait_for_prompts(used, _QUICK)
    if session.state != "adding":
        others = {pane.tty for pane in panes.values()} - {pane.tty for _window, pane in due}
        _clear_ports(session, [window for window, _pane in due if window.run], others)
    if due:
        tmux.run_tmux([keys for window, pane in due for keys in _typing(session, window, pane)])
        if session.activate:
            _type_ahead([(window, pane) for window, pane in due if window.type])
        tmux.wait_for_work([pane for window, pane in due if _lasting(window)], _BEGIN)


def _start_later(session: Session, due: list[tuple[Window, tmux.Pane]]) -> list[tuple[Window, tmux.Pane]]:
    """Return those of *due* that start now; have tmux start the others as soon as a client comes to the session."""
    waiting = [] if session.wakes else [(each, pane) for each, pane in due if each.is_lazy and not pane.typed]
    lines = [tmux.command_line(_typing(session, window, pane)) for window, pane in waiting]
    begins = [
        ("if-shell", "-F", "-t", pane.id, "#{?@tally_typed,0,1}", line)
        for (_window, pane), line in zip(waiting, lines, strict=True)
    ]
    tmux.run_tmux(_hook_steps(f"={session.tmux}:", begins))
    return [each for each in due if each not in waiting]


def _hook_steps(target: str, begins: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Return what makes *begins* the commands of our hook, until it has run once.

    A hook of the session hides the one that a person set for all: that runs after ours, and is then seen again.
    """
    places = [int(number) for number in _HOOKS.findall(tmux.run_tmux([("show-hooks", "-t", target, _HOOK)]))]
    entries = [*begins, ()] if begins else []  # the last of them takes them away
    ours = {*range(_OURS, _OURS + len(entries)), *(place for place in places if place >= _OURS)}
    clear: list[Sequence[str]] = [("set-hook", "-u", "-t", target, _HOOK)]
    after = [*clear, ("set-hook", "-R", "-t", target, _HOOK)]
    if any(place < _OURS for place in places):  # a person's own, for this session
        clear = after = [("set-hook", "-u", "-t", target, f"{_HOOK}[{place}]") for place in sorted(ours)]
    lines = [tmux.command_line([each] if each else after) for each in entries]
    hooks = [("set-hook", "-t", target, f"{_HOOK}[{place}]", line) for place, line in enumerate(lines, _OURS)]
    return [*clear, *hooks]


def _clear_ports(session: Session, windows: Sequence[Window], open_terminals: set[str]) -> None:
    """End what outlived the servers of *windows* and holds their ports; print who else does."""
    named = {port for port in session.ports.values() for each in session.windows if port in named_ports(each.run)}
    wanted = {port for port in session.ports.values() for each in windows if port in named_ports(each.run)}
    if any(not named & named_ports(each.run) for each in windows):
        wanted |= {*session.ports.values()} - named  # they have them from the environment
    published = _published(session) if session.compose else set()
    if answering := ports.answering_ports(wanted - published):
        from ..system import listening

        for each in listening.end_outlived(session, answering, open_terminals):
            notice(f"{session.name}: port {each.port} is used by {each}, which isn't its own. Its server can't start.")


def _published(session: Session) -> set[int]:
    """Return the ports that containers of *session* have: Docker's proxy listens there."""
    from ..tools import docker

    try:
        return {port for each in docker.session_containers(session)[0] for port in each.ports}
    except SessionError:
        return {*session.ports.values()}


def _late(session: Session, due: list[tmux.Pane]) -> list[tmux.Pane]:
    """Wait for the prompts of *due*; print a note about those that don't come, and return them."""
    late = tmux.wait_for_prompts(due, _LOOK)
    if not late:
        return []
    from ..tools import tmux_output

    other = tmux_output.without_shell(late)  # they would never show one
    late = [*other, *tmux.wait_for_prompts([pane for pane in late if pane not in other], _PROMPT - _LOOK)]
    if late:
        names, again = ", ".join(pane.window for pane in late), f"inv session.resume {session.name}"
        hint = " tmux starts no shell there. See `default-command` in ~/.tmux.conf." if other else ""
        notice(f"Window {names} shows no prompt, so nothing was typed.{hint}\nRun: {again}")
    return late


def remove(session: Session) -> None:
    """Do nothing: the programs end with their windows."""


def problems(session: Session) -> list[Problem]:
    """Return the windows whose server or conversation ended."""
    panes = {pane.window: pane for pane in tmux.list_panes(session)}
    waiting = tmux.waiting_windows(session, panes.values())
    present = [window for window in tmux.present_windows(session) if window.run and window not in waiting]
    ended = [window for window in present if window.name in panes and panes[window.name].at_prompt]
    return [_ended(session, window, panes[window.name]) for window in ended]


def _ended(session: Session, window: Window, pane: tmux.Pane) -> Problem:
    """Return the problem of a server that ended, with the last line it printed, which may say why."""
    from ..tools import tmux_output

    try:
        (printed,) = tmux_output.printed_lines([pane], _LINES)
    except SessionError:
        printed = tmux_output.Printed(pane.window, [], growing=False)
    lines = [line for line in (printed.lines[:-1] if printed.growing else printed.lines) if line.strip()]
    why = f"its server ended{f'; it printed last: {lines[-1].strip()}' if lines else ''}"
    fix = f"inv session.logs {session.name} --window {pane.window}; then inv session.resume {session.name}"
    if lines and _not_found(window.run.partition(" ")[0], lines[-1]):
        fix = (
            "a new shell doesn't find it: activate its environment in the shell's startup file, then:"
            f" inv session.resume {session.name}; or set `activate` in invoke.yaml, for sessions added after that"
        )
    return Problem(f"nothing runs in window {pane.window}", why, fix)


def _not_found(program: str, printed: str) -> bool:
    """Return whether *printed* is some shell's message that it can't find *program*."""
    line = printed.strip()
    answers = (f"{program}: command not found", f"{program}: not found", f"command not found: {program}")
    return line.endswith(answers) or f"Unknown command: {program}" in line


def _lasting(window: Window) -> bool:
    return bool(window.run or window.claude)


def window_line(session: Session, window: Window) -> str:
    """Return what is typed and executed in *window*; empty when it is a plain shell in the right place already.

    `workon` may change the directory, and so may a login shell.
    """
    directory = shlex.quote(str(session.worktree / window.directory).rstrip("/"))
    command = window.run or (_conversation(session) if window.claude else "")
    if not (session.activate or command):
        return ""
    return " && ".join(part for part in (session.activate, f"cd {directory}", command) if part)


def _conversation(session: Session) -> str:
    from ..claude import launch

    return launch.conversation_command(session)


def _typing(session: Session, window: Window, pane: tmux.Pane) -> list[Sequence[str]]:
    text = window_line(session, window)
    if not pane.typed and session.state == "adding":  # its prompt may be of a checkout that was not complete
        text = f"clear; {text}" if text else "clear"
    elif text and not pane.typed:  # what was typed would stay on the screen, and be cut where that is narrower
        text = f"clear; {text}"
    typed = [("send-keys", "-t", pane.id, "-l", "--", text), ("send-keys", "-t", pane.id, "Enter")] if text else []
    ahead = [_literal(window, pane)] if window.type and not session.activate else []
    return [tmux.listen_step(pane), *typed, *ahead, ("set-option", "-p", "-t", pane.id, "@tally_typed", "1")]


def _literal(window: Window, pane: tmux.Pane) -> Sequence[str]:
    return ("send-keys", "-t", pane.id, "-l", "--", window.type)


def _type_ahead(due: list[tuple[Window, tmux.Pane]]) -> None:
    """Type the commands that are not to be executed, once the activation shows the next prompt."""
    if due:
        tmux.wait_for_work([pane for _window, pane in due], _QUICK)
        tmux.wait_for_prompts([pane for _window, pane in due], _FINISH)
        tmux.run_tmux([_literal(window, pane) for window, pane in due])
