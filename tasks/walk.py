"""Walking a list of resources: forward to make, backward to unmake."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext

from . import exclude, narration, ports, registry
from .errors import SessionError, told
from .machine import signals
from .model import Resource, Session


def label(resource: Resource) -> str:
    """Return the name under which *resource* is told of."""
    return getattr(resource, "__name__", "").rpartition(".")[2]


def forward(session: Session, resources: Iterable[Resource], begun: list[Resource]) -> None:
    """Make each of *resources*, noting it in *begun* first: a `git worktree add` that fails leaves its worktree."""
    for resource in resources:
        begun.append(resource)
        detail = resource.describe(session)
        with narration.step(label(resource), detail) if detail else nullcontext():
            resource.create(session)


def undo(session: Session, begun: Sequence[Resource], running: Sequence[Resource]) -> None:
    """Unmake what was *begun*, as a removal does: what is *running* first; drop the row unless something is left."""
    with signals.held():
        leftovers = backward(session, [resource for resource in begun if resource in running])
        leftovers += backward(session, [resource for resource in begun if resource not in running])
        for leftover in leftovers:
            narration.notice(f"left behind: {leftover}")
        if leftovers:
            narration.notice(f"to try again: inv session.remove {session.name}")
        else:
            release(session)
            narration.say(f"nothing is left of {session.name}")


def backward(session: Session, resources: Sequence[Resource]) -> list[str]:
    """Remove *resources*, last made first; return what would not go."""
    leftovers = []
    for resource in reversed(resources):
        try:
            resource.remove(session)
        except (SessionError, OSError) as error:  # an undo that raised would hide the failure behind it
            leftovers.append(f"{label(resource)}: {told(error)}")
    return leftovers


def release(session: Session) -> None:
    """Drop the row, and with the last one the repository's place on the machine's list."""
    left = registry.release(session.repository, session.name)
    exclude.refresh(session.repository)  # of two that are removed at once each left the other's lines
    if not left:
        ports.leave(session.repository)
