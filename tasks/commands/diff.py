"""`inv session.diff`."""

from __future__ import annotations

from invoke.context import Context

from .command import NAMES, answer, as_json, command, fail_with


@command("name", help={
    **NAMES,
    "stat": "show only which files changed, and how many lines",
    "base": "compare with the base as it is now, not as it was when the work began",
    "json": "print JSON: the files, and how many lines of each",
})  # fmt: skip
def diff(c: Context, name: str = "", stat: bool = False, base: bool = False, json: bool = False) -> None:
    """Show what a session changed, as git's own diff.

    Uncommitted and untracked work counts. Pager and colours are those of your git; written to a file, it is a patch.

    Example: inv session.diff feature/login --stat
    """
    from ..errors import SessionError
    from ..status import worktree_diff
    from ..tools import git
    from ..views import diff as views_diff
    from . import selection

    repository, records, failures = git.current_repository(), [], []
    sessions = selection.select_sessions(c, name)
    for session in sessions:
        if len(sessions) > 1 and not json:
            answer(f"==> {session.name} <==")
        try:
            with worktree_diff.open_diff(repository, session, base) as opened:
                if json:
                    records.append(worktree_diff.diff_record(opened))
                else:
                    views_diff.show_diff(opened, ("--stat",) if stat else ())
        except SessionError as error:
            failures.append(str(error))
    if json:
        answer(as_json(records))
    fail_with(failures)
