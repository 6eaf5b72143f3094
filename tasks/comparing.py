"""The tasks that hold sessions against each other: conflicts and compare."""

from __future__ import annotations

from invoke.context import Context

from .command import answer, as_json, command, fail


@command("name", help={"name": "the session; without it every pair of sessions", "json": "answer as JSON"})
def conflicts(c: Context, name: str = "", json: bool = False) -> None:
    """Show what will clash: sessions with each other and with their base, and changes outside of a component.

    Uncommitted and untracked work counts. hot: git cannot merge it; soft: the same files, which merge.

    Example: inv session.conflicts feature/login
    """
    from . import choosing
    from .overlap import conflicts as looking
    from .overlap import findings

    repository = choosing.here()
    if name:
        choosing.chosen(c, name)
    found = looking.examine(repository, choosing.every(c, repository), name)
    answer(as_json([each.record() for each in found]) if json else findings.table(found))
    hot = sum(each.kind == "hot" for each in found)
    fail([f"git cannot merge {hot} of these"] if hot else [])


@command("first", "second", help={
    "first": "one session",
    "second": "the session to compare it with",
    "run": "a command to try in each, one after the other; its output goes to stderr",
    "json": "answer as JSON",
})  # fmt: skip
def compare(c: Context, first: str, second: str, run: str = "", json: bool = False) -> None:
    """Show two approaches side by side: how much each changed since their base, and how a command fares in it.

    Uncommitted and untracked work counts.

    Example: inv session.compare redis in-memory --run 'pytest -q'
    """
    from . import choosing
    from .overlap import comparison

    sessions = [choosing.chosen(c, name)[0] for name in (first, second)]
    found = comparison.of(choosing.here(), sessions, run)
    answer(as_json(found.record()) if json else comparison.table(found))
