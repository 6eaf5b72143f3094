"""`inv session.start`, and what `resume` has in common with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from invoke.context import Context

from .command import CHANGED, JSON, NAMES, answer, as_json, command, fail_with

if TYPE_CHECKING:
    from ..model import Session
    from ..status.session_status import Status


WAIT = {
    "wait": "wait until the servers respond (timeout: setting wait)",
    **CHANGED,
    **JSON,
}


@command("name", help={**NAMES, "all": "start every session, but none that was added with --bare", **WAIT})
def start(
    c: Context, name: str = "", all: bool = False, wait: bool = False, yes: bool = False, json: bool = False
) -> None:
    """Start stopped sessions: tmux, servers and Claude.

    Example: inv session.start feature/login
    """
    from . import selection

    bring_sessions_back(c, selection.select_sessions_to_start(c, name, all), wait, yes, json, wakes=True)


def bring_sessions_back(
    c: Context, targets: Sequence[Session], wait: bool, yes: bool, json: bool, wakes: bool = False
) -> None:
    """Make sure that *targets* run, and print their state; with *wait* wait for their servers.

    Servers that wait for somebody to attach start only if it *wakes* them.
    """
    from .. import lifecycle
    from ..plan import row_consent
    from ..resources import setup_commands
    from ..status import readiness, session_status
    from ..store import configuration
    from ..tools import git
    from . import report, selection

    seconds = configuration.load_settings(c).wait if wait else 0
    ready, refusals = row_consent.part_sessions(c, targets, yes)
    ready = [each._replace(wakes=wakes) for each in ready]
    before = _windows_at_work(ready)
    failures, names = [*refusals, *lifecycle.resume_sessions(ready)], {session.name for session in ready}
    listed = selection.list_sessions(c, git.current_repository())
    sessions = [each._replace(wakes=wakes) for each in listed if each.name in names]
    if wait:
        failures += readiness.wait_for_servers(sessions, seconds)
    statuses = session_status.session_statuses(sessions, git.current_repository())
    report.mention_missing_claude(sessions)
    if json:
        answer(as_json([each.record() for each in statuses]))
    elif statuses and not wait:
        answer(_started(statuses, before))
    elif statuses or not targets:  # of those that were refused there is nothing to show
        from ..system import terminal
        from ..views import tables

        answer(tables.sessions_table(statuses, terminal.stdout_columns()), paint=tables.paint_table)
    fail_with([*failures, *(line for session in sessions for line in setup_commands.unfinished_commands(session))])


def _windows_at_work(sessions: Iterable[Session]) -> dict[str, set[str]]:
    """Return by session the ids of the panes in which nothing has to be started; empty while tmux doesn't answer."""
    from ..errors import SilentError
    from ..tools import tmux

    ids: dict[str, set[str]] = {}
    for session in sessions:
        own = [window for window in session.windows if session.wakes or not window.is_lazy]
        long_runners = {window.name for window in own if window.run or window.claude}
        with suppress(SilentError):
            panes = tmux.list_panes(session)
            ids[session.name] = {pane.id for pane in panes if not (pane.window in long_runners and pane.at_prompt)}
    return ids


def _started(statuses: Sequence[Status], before: dict[str, set[str]]) -> str:
    """Return what was just started: servers need a while, and nothing that is only late looks like a failure."""
    from ..tools import tmux

    lines = []
    for each in statuses:
        name, panes = each.session.name, tmux.list_panes(each.session)
        count = len({pane.id for pane in panes} - before.get(name, set()))
        number = f"{count} window{'s' * (count != 1)}"
        facts = {"running": f"{name} is running (started {number}).", "partial": f"Started {name} ({number})."}
        facts |= {} if count else {"running": f"{name} is already running.", "partial": f"{name} is already running."}
        lines.append(facts.get(each.state, f"{name} is {each.state}."))
    new_names = [each.session.name for each in statuses if each.state == "partial"]
    which = f"session.start {new_names[0]}" if len(new_names) == 1 else "session.resume"
    whose = "its" if len(new_names) == 1 else "their"
    lines += [f"Wait until {whose} servers respond: inv {which} --wait"] if new_names else []
    return "\n".join([*lines, "Next: inv session.list"])
