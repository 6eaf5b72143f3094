"""The answers of the tasks, as text."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from .. import addresses, terminal
from ..model import Problem, Resource, Session

if TYPE_CHECKING:
    from ..status import Status


def added(session: Session) -> str:
    """Return the answer of `add`: where everything is, and how to get there."""
    lines = [
        *addresses.of(session),
        ("worktree", str(session.worktree)),
        ("attach", f"inv session.attach {session.name}"),
    ]
    return _aligned(lines)


def plan(session: Session, resources: Sequence[Resource], label: Callable[[Resource], str]) -> str:
    """Return what `add` would make."""
    lines = [(label(resource), resource.describe(session)) for resource in resources]
    return _aligned([*addresses.of(session), *(line for line in lines if line[1])])


def problem(name: str, found: Problem) -> dict[str, str]:
    """Return a problem as `doctor --json` shows it."""
    return {"session": name, "problem": found.what, "why": found.why, "mend": found.mend}


def problems(found: Sequence[tuple[str, Problem]]) -> str:
    """Return each problem: what, why it matters, and the command that mends it."""
    lines = [f"{f'{name}: ' if name else ''}{each.what}: {each.why}\n    {each.mend}" for name, each in found]
    return "\n".join(lines) or "nothing is wrong"


def age(since: datetime) -> str:
    """Return the time since then: minutes, hours or days."""
    minutes = max(int((datetime.now().astimezone() - since).total_seconds() / 60), 0)
    if minutes < 60:
        return f"{minutes}m"
    return f"{minutes // 60}h" if minutes < 48 * 60 else f"{minutes // 1440}d"


def details(found: Status, advice: Sequence[tuple[str, str]]) -> str:
    """Return everything about one session, and the *advice* below it."""
    session, done = found.session, found.work
    lines = [("name", session.name), ("state", found.state), ("branch", session.branch), ("git", _git(found))]
    for key, url in addresses.of(session):
        port = int(url.rpartition(":")[2])
        who = f", by {found.foreign[port]}" if port in found.foreign else ""
        lines.append((key, f"{url} ({_answer(found, port)}{who})"))
    lines += _containers(found)
    lines += [("worktree", _home(str(session.worktree)))]
    lines += [("base", base)] if (base := f"{session.base} {session.start[:12]}".strip()) else []
    lines += [("tmux", session.tmux), ("windows", ", ".join(window.name for window in session.present_windows))]
    failed = [f"failed: {each}; then: inv session.start {session.name}" for each in session.setup_failed[:1]]
    lines += [("setup", each) for each in failed]
    lines += [("claude", f"{_talk(found)}; conversation {session.conversation or 'not begun'}")]
    lines += [("activate", session.activate or "nothing")]
    lines += [("created", f"{session.created} ({_age(session)})")] if session.created else []
    lines += [("component", f"{found.component}: {', '.join(session.scope)}")] if session.component else []
    lines += [(fact, said) for fact in ("profile", "issue", "eta") if (said := getattr(session, fact))]
    changed = [*done.changed, *done.untracked] if done else []
    lines += [("changed", path) for path in changed[:20]] + [("outside", path) for path in found.files("scope")[:20]]
    lines += [("attach", f"inv session.attach {session.name}")]
    return _aligned([*lines, *advice])


def _age(session: Session) -> str:
    return age(datetime.fromisoformat(session.created)) if session.created else ""


def row(found: Status) -> list[str]:
    """Return what a table says of it: name, branch, ports, state, git, age, conversation."""
    session = found.session
    ports = ", ".join(f"{port} {_answer(found, port)}" for port in session.ports.values())
    state = f"{found.state}, setup failed" if session.setup_failed else found.state
    return [session.name, session.branch, ports, state, _git(found), _age(session), _talk(found)]


def _talk(found: Status) -> str:
    talk = found.talk
    for_long = f" {age(datetime.fromisoformat(talk.since))}" if talk.since else ""
    return f"{talk.state}{for_long}{f': {talk.waiting_for}' if talk.waiting_for else ''}"


def services(found: Status) -> str:
    """Return what a table says of its containers."""
    if found.services is None:
        return "Docker does not answer"
    if found.state == "stopped":
        return "off"
    return ", ".join(f"{each.name} {each.state}" for each in found.services)


def _containers(found: Status) -> list[tuple[str, str]]:
    compose = found.session.compose
    if compose is None:
        return []
    told = [(each.name, " ".join((each.state, *each.urls))) for each in found.services or ()]
    asked = "" if found.services is not None else "; Docker does not answer"
    return [("compose", f"project {compose.project}, mode {compose.mode}, {compose.file}{asked}"), *told]


def _answer(found: Status, port: int) -> str:
    if port in found.foreign:
        return "taken"
    return "up" if port in found.answering else "off"


def _git(found: Status) -> str:
    if found.work is None:
        return "no worktree"
    count = len(found.work.changed) + len(found.work.untracked)
    parts = [f"{count} changed" if count else "clean"]
    parts += [f"{found.ahead} ahead"] if found.ahead else []
    parts += [f"{found.behind} behind"] if found.behind else []
    parts += ["merged"] if found.merged else []
    return ", ".join(parts)


def _home(path: str) -> str:
    home = os.path.expanduser("~")
    return "~" + path.removeprefix(home) if path.startswith(home + "/") else path


def _aligned(lines: Sequence[tuple[str, str]]) -> str:
    width = max([10, *(len(what) for what, _ in lines)])
    return "\n".join(f"{what:<{width}} {terminal.line(value)}" for what, value in lines)
