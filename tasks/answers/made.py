"""What is told of a session that was made, or would be."""

from __future__ import annotations

from collections.abc import Sequence

from invoke.context import Context

from .. import choosing, lifecycle, walk
from ..command import answer, as_json, fail
from ..model import Session
from ..narration import notice
from . import display

_OURS = "tasks"


def plan(planned: Session, json: bool) -> None:
    """Answer what would be made."""
    from .. import records

    answer(as_json(records.row(planned)) if json else display.plan(planned, lifecycle.RESOURCES, walk.label))


def tell(c: Context, made: Session, json: bool, failed: Sequence[str] = ()) -> None:
    """Answer where it is; tell what clashes with it, and of what *failed* as the task's own failure."""
    answer(_record(made) if json else display.added(made))
    if (made.repository.main / _OURS).is_dir() and not (made.worktree / _OURS).is_dir():
        again = f"commit it, then: inv session.sync {made.name}"
        notice(f"{_OURS}/ is not on its branch, so inv does not work in its worktree; {again}")
    if made.scope or made.brings_work:
        from ..overlap import conflicts, findings

        findings.tell(conflicts.met(made, choosing.every(c, made.repository)))
    fail(failed)


def _record(made: Session) -> str:
    from .. import status  # only programs ask for all of it

    return as_json(status.of([made], made.repository)[0].record())
