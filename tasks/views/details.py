"""The answers of the tasks, as text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from .. import model
from ..model import Problem, Resource, Session
from ..system import terminal
from ..tools import tmux

if TYPE_CHECKING:
    from ..status.session_status import Status
    from ..status.worktree_looks import Look
    from ..store.request_cache import PullRequest


_OLD = 900.0  # seconds after which the age of what a forge said is shown
_WHAT = 40  # letters of what a conversation waits for, in a table


def format_added(session: Session) -> str:
    """Return the answer of `add`: where everything is, and how to get there."""
    lines = [
        *model.list_addresses(session, tmux.present_windows(session)),
        ("worktree", terminal.home_path(str(session.worktree))),
        ("start" if session.bare else "attach", f"inv session.{'start' if session.bare else 'attach'} {session.name}"),
    ]
    return _aligned(lines)


def format_plan(session: Session, resources: Sequence[Resource]) -> str:
    """Return what `add` would make."""
    lines = [(resource.LABEL, resource.describe(session)) for resource in resources]
    lines += [("setup", command) for command in session.setup]
    return _aligned(
        [*model.list_addresses(session, tmux.present_windows(session)), *(line for line in lines if line[1])]
    )


def problem_record(name: str, problem: Problem) -> dict[str, str]:
    """Return a problem as `doctor --json` shows it."""
    return {"session": name, "problem": problem.what, "why": problem.why, "fix": problem.fix}


def format_problems(problems: Sequence[tuple[str, Problem]]) -> str:
    """Return each problem: what, why it matters, and the command that fixes it."""
    lines = [f"{f'{name}: ' if name else ''}{each.what}: {each.why}\n    {each.fix}" for name, each in problems]
    return "\n".join(lines) or "No problems."


def format_age(since: datetime) -> str:
    """Return the time since then: minutes, hours or days."""
    minutes = max(int((datetime.now().astimezone() - since).total_seconds() / 60), 0)
    if minutes < 60:
        return f"{minutes}m"
    return f"{minutes // 60}h" if minutes < 48 * 60 else f"{minutes // 1440}d"


def format_details(status: Status, advice: Sequence[tuple[str, str]]) -> str:
    """Return everything about one session, and the *advice* below it."""
    session, work, at = status.session, status.work, status.session.created
    lines = [("name", session.name), ("state", status.state), ("branch", session.branch), ("git", _git(status))]
    for key, url in model.list_addresses(session, tmux.present_windows(session)):
        port = int(url.rpartition(":")[2])
        who = f", by {status.foreign[port]}" if port in status.foreign else ""
        lines.append((key, f"{url} ({_answer(status, port)}{who})"))
    lines += [("pull request", f"{format_request(status.request)} {status.request.url}")] if status.request else []
    lines += _containers(status)
    lines += [("worktree", terminal.home_path(str(session.worktree)))]
    lines += [("base", base)] if (base := f"{session.base} {session.start[:12]}".strip()) else []
    lines += [("tmux", session.tmux), *_windows(status)]
    setup = [f"failed: {each}. Run: inv session.start {session.name}" for each in session.setup_failed[:1]]
    lines += [("setup", each) for each in setup]
    lines += [("claude", f"{_talk(status)}; conversation {session.conversation or 'not started'}")]
    lines += [("said", status.talk.what)] if status.talk.what else []
    lines += _used(status)
    lines += [("activate", session.activate or "none")]
    lines += [("created", f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M} ({_age(session)} ago)")] if at else []
    lines += [("component", f"{status.component}: {', '.join(session.scope)}")] if session.component else []
    lines += [(fact, value) for fact in ("profile", "issue", "eta") if (value := getattr(session, fact))]
    paths = [*work.changed, *work.untracked] if work else []
    lines += [("changed", path) for path in paths[:20]] + [("outside", path) for path in status.outside[:20]]
    lines += [("attach", f"inv session.attach {session.name}")]
    return _aligned([*lines, *advice])


def _windows(status: Status) -> list[tuple[str, str]]:
    """Return the windows, and which of them start once somebody attaches."""
    session = status.session
    lines = [("windows", ", ".join(window.name for window in tmux.present_windows(session)))]
    if status.waiting:
        names = ", ".join(window.name for window in status.waiting)
        lines.append(("not started", f"{names}, until you attach. Start now: inv session.start {session.name}"))
    return lines


def _used(status: Status) -> list[tuple[str, str]]:
    """Return what its conversation has cost, and the memory of its processes, as far as that was asked."""
    from ..claude import prices
    from ..system import table

    dated = f", at API prices of {prices.AS_OF}" if status.cost and status.cost.dollars is not None else ""
    cost = [("cost", f"{status.cost}{dated}")] if status.cost and str(status.cost) else []
    return [*cost, *([("memory", table.format_size(status.memory))] if status.memory else [])]


def _age(session: Session) -> str:
    return format_age(datetime.fromisoformat(session.created)) if session.created else ""


def status_row(status: Status) -> list[str]:
    """Return what a table says of it: name, branch, ports, state, git, age, conversation."""
    session = status.session
    ports = ", ".join(f"{port} {_answer(status, port)}" for port in session.ports.values())
    state = f"{status.state}, setup failed" if session.setup_failed else status.state
    return [session.name, session.branch, ports, state, _git(status), _age(session), _talk(status)]


def _talk(status: Status) -> str:
    talk = status.talk
    age = format_age(datetime.fromisoformat(talk.since)) if talk.since else ""
    if talk.state in ("unknown", "background"):
        return f"{talk} ({talk.last} {age} ago)" if talk.last else str(talk)
    first, _comma, tasks = str(talk).partition(",")
    what = "" if talk.state == "idle" else talk.what or talk.waiting_for
    short = f"{what[:_WHAT]}…" if len(what) > _WHAT else what
    return f"{first}{f' {age}' if age else ''}{f',{tasks}' if tasks else ''}{f': {short}' if short else ''}"


def format_request(request: PullRequest | None) -> str:
    """Return what a table says of a pull request: how far it is, its review and checks, and how old an answer is."""
    if request is None:
        return ""
    is_open = request.state == "open"
    state = "draft" if is_open and request.draft else "" if is_open else request.state
    review = request.review if is_open and request.review != "review required" else ""
    checks = f"checks {request.checks}" if is_open and request.checks else ""
    text = f"#{request.number} {', '.join(filter(None, (state, review, checks))) or 'open'}"
    asked = datetime.fromtimestamp(request.asked).astimezone()
    return text if time.time() - request.asked < _OLD else f"{text} ({format_age(asked)} ago)"


def format_services(status: Status) -> str:
    """Return what a table says of its containers."""
    if status.services is None:
        return "Docker doesn't answer"
    if status.state == "stopped":
        return "off"
    return ", ".join(f"{each.name} {each.state}" for each in status.services)


def _containers(status: Status) -> list[tuple[str, str]]:
    compose = status.session.compose
    if compose is None:
        return []
    services = [(each.name, " ".join((each.state, *each.urls))) for each in status.services or ()]
    unknown = "" if status.services is not None else "; Docker doesn't answer"
    return [("compose", f"project {compose.project}, mode {compose.mode}, {compose.file}{unknown}"), *services]


def _answer(status: Status, port: int) -> str:
    if port in status.foreign:
        return "taken"
    if port in status.answering:
        return "up"
    return "not started" if any(port in ports for ports in status.not_started.values()) else "off"


def _git(status: Status) -> str:
    if status.work is None:
        return status.silence or ("unreadable" if status.look.admin_dir else "no worktree")
    count = len(status.work.changed) + len(status.work.untracked)
    parts = [*_unusual(status.look), f"{count} changed" if count else "clean"]
    parts += [f"{status.ahead} ahead"] if status.ahead else []
    parts += [f"{status.behind} behind"] if status.behind else []
    parts += ["merged"] if status.merged else []
    return ", ".join(parts)


def _unusual(look: Look) -> list[str]:
    """Return what git has begun, or what is checked out in the place of the session's branch."""
    if look.operation:
        return [f"{look.operation} in progress"]
    return ["detached HEAD" if look.other_head == "(detached)" else f"on {look.other_head}"] if look.other_head else []


def _aligned(lines: Sequence[tuple[str, str]]) -> str:
    width = max([10, *(len(what) for what, _ in lines)])
    return "\n".join(f"{what:<{width}} {terminal.one_line(value)}" for what, value in lines)
