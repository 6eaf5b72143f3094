"""The tasks that look: list, show, doctor and prune."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from invoke.context import Context

from .command import NAME, answer, as_json, command, fail

if TYPE_CHECKING:
    from .model import Repository, Session


@command(aliases=("ls",), help={"json": "answer as JSON", "removed": "show what session.restore can bring back"})
def list_(c: Context, json: bool = False, removed: bool = False) -> None:
    """Show every session with its branch, ports, state and work.

    Example: inv session.list
    """
    from . import choosing

    repository = choosing.here()
    if removed:
        from .answers import parted
        from .archives import archive

        kept = archive.all_of(repository)
        answer(as_json([each.record() for each in kept]) if json else parted.removed(kept))
    elif sessions := choosing.every(c, repository):
        _list(sessions, repository, json)
    else:
        from .answers import listing

        answer(as_json([]) if json else listing.NONE)


def _list(sessions: Sequence[Session], repository: Repository, json: bool) -> None:
    from . import status, terminal
    from .answers import listing
    from .machine import tables
    from .overlap import conflicts, findings

    if not json:
        tables.prefetch()
    found = conflicts.noted(repository, status.of(sessions, repository))
    answer(as_json([each.record() for each in found]) if json else listing.table(found, terminal.room()))
    findings.tell(conflicts.notes(found))


@command("name", help={**NAME, "json": "answer as JSON"})
def show(c: Context, name: str = "", json: bool = False) -> None:
    """Show everything about one session: its ports, its work, its last commits, and what to do next.

    Example: inv session.show feature/login
    """
    from . import choosing, status
    from .answers import display
    from .finish import advice
    from .overlap import conflicts

    repository = choosing.here()
    session = choosing.chosen(c, name)[0]
    found = conflicts.noted(repository, status.of([session], repository))[0]
    if json:
        answer(as_json({**found.record(), **advice.record(found)}))
    else:
        clashes = [("conflict", each) for each in conflicts.hot(session, choosing.every(c, repository))]
        answer(display.details(found, [*clashes, *advice.lines(found)]))


@command(help={"fix": "mend what can be mended safely", "json": "answer as JSON"})
def doctor(c: Context, fix: bool = False, json: bool = False) -> None:
    """Look for what is wrong with the sessions and this machine.

    Example: inv session.doctor --fix
    """
    from . import choosing, narration
    from . import doctor as doctoring
    from .answers import display

    repository = choosing.here()
    sessions, failed = choosing.every(c, repository), list[str]()
    found = doctoring.examine(repository, sessions)
    if fix:
        failed, before = doctoring.mend(repository, sessions), found
        found = doctoring.examine(repository, choosing.every(c, repository))
        for name, problem in before:
            if problem.what not in [each.what for whose, each in found if whose == name]:
                narration.told("mended", f"{name}: {problem.what}" if name else problem.what)
    answer(as_json([display.problem(*each) for each in found]) if json else display.problems(found))
    fail([*failed, *([f"{len(found)} problems remain"] if found else [])])


@command(
    help={
        "days": "drop what was removed longer ago than so many days",
        "dry-run": "print what would be dropped and change nothing",
    }
)
def prune(c: Context, days: str = "", dry_run: bool = False) -> None:
    """Forget removed sessions that nobody restored, and sessions whose worktree is gone.

    Example: inv session.prune --dry-run
    """
    from . import choosing, pruning
    from .config import checks

    repository = choosing.here()
    limit = checks.days("--days", days) if days else choosing.settings(c).keep_removed
    answer(pruning.prune(repository, choosing.every(c, repository), limit, dry_run or c.config.run.dry))
