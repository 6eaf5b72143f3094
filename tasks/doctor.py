"""What is wrong with the sessions and the machine, and mending what can be mended safely."""

from __future__ import annotations

from collections.abc import Sequence

from . import lifecycle, orphans, ports
from .conversations import granting
from .docker import services
from .errors import SessionError, told
from .finish import adopted
from .machine import environments, listeners
from .machine import tools as machine
from .model import Problem, Repository, Session
from .status import foreigners


def examine(repository: Repository, sessions: Sequence[Session]) -> list[tuple[str, Problem]]:
    """Return every problem with the session that it is about; the machine's are about none."""
    of_machine = (*machine.problems(list(sessions)), *orphans.problems(repository))
    found = [("", problem) for problem in (*of_machine, *adopted.problems(repository, sessions))]
    answering = ports.answering({port for session in sessions for port in session.ports.values()})
    heard, inside = listeners.on(answering), services.seen(sessions)
    for session in sessions:
        found += [(session.name, problem) for problem in _of(session)]
        for port, who in foreigners(session, heard, inside.get(session.name, ())).items():
            mend = "end it, or remove the session and add it again for another port"
            found.append((session.name, Problem(f"port {port} is answered by {who}", "its own server cannot", mend)))
    return found


def mend(repository: Repository, sessions: Sequence[Session]) -> list[str]:
    """Finish what was interrupted, bring back what is missing, end what belongs to nobody; return what failed.

    An interrupted removal is finished and an interrupted add undone, what they would lose is archived; those that are
    going on are left to themselves.
    """
    failed = []
    for session in sessions:
        if session.state != "ready":
            try:
                lifecycle.finish(session)
            except (SessionError, OSError) as error:
                failed.append(f"{session.name}: {told(error)}")
    failed += lifecycle.resume([session for session in sessions if _mendable(session)])
    orphans.end(repository)
    adopted.clear(repository, sessions)
    return failed


def _of(session: Session) -> list[Problem]:
    if session.state != "ready":
        why = "it was interrupted, or is going on in another terminal"
        return [Problem(f"it is {session.state}", why, f"inv session.remove {session.name}")]
    found = [problem for resource in lifecycle.RESOURCES for problem in resource.problems(session)]
    return [*found, *environments.problems(session), *granting.problems(session)]


def _mendable(session: Session) -> bool:
    """Return whether it is ready, and something of it is missing that `resume` makes: a stopped one stays stopped."""
    return session.state == "ready" and any(resource.problems(session) for resource in lifecycle.RESOURCES)
