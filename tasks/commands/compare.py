"""`inv session.compare`."""

from __future__ import annotations

from invoke.context import Context

from .command import CHANGED, answer, as_json, command


@command("first", "second", help={
    "first": "session name",
    "second": "session to compare it with",
    "run": "command to run in each, one after the other (its output goes to stderr)",
    **CHANGED,
    "json": "print JSON",
})  # fmt: skip
def compare(c: Context, first: str, second: str, run: str = "", yes: bool = False, json: bool = False) -> None:
    """Compare two sessions' changes, or a command in both.

    It counts changes since their base, also uncommitted and untracked ones.

    Example: inv session.compare redis in-memory --run 'pytest -q'
    """
    from ..plan import row_consent
    from ..status import compare as status_compare
    from ..tools import git
    from . import selection

    sessions = [selection.select_session(c, name) for name in (first, second)]
    if run:
        row_consent.require_sessions(c, sessions, yes)
    comparison = status_compare.compare_sessions(git.current_repository(), sessions, run)
    answer(as_json(comparison.record()) if json else status_compare.comparison_table(comparison))
