"""`inv session.adopt`."""

from __future__ import annotations

from invoke.context import Context

from .command import command


@command("name", help={
    "name": "name of the new session",
    "commits": "number of latest commits to move, all of them unpushed",
    "changes": "move the uncommitted changes (default)",
    "yes": "approve values that are not committed or approved yet",
    "json": "print JSON",
})  # fmt: skip
def adopt(
    c: Context, name: str, commits: str = "", changes: bool = False, yes: bool = False, json: bool = False
) -> None:
    """Move work from the main checkout into a new session.

    By default it moves the uncommitted changes.

    Example: inv session.adopt feature/login --commits 2
    """
    from ..integrate import adopt as integrate_adopt
    from ..model import Request
    from ..plan import consent
    from ..store import configuration
    from ..tools import git
    from . import report

    if commits and (changes or not commits.isdecimal() or not int(commits)):
        from ..errors import SessionError, quote_text

        if changes:
            raise SessionError("Give --commits or --changes, not both.")
        raise SessionError(f"--commits must be a number of commits, 1 or more, not {quote_text(commits)}.")
    repository, settings = git.current_repository(), configuration.load_settings(c)
    consent.require_configuration(c, settings, repository, yes)
    report.answer_session(
        c, integrate_adopt.adopt_work(Request(name=name), settings, repository, int(commits or 0)), json
    )
